"""Whatever a stranger sends to the page's addresses, the answer is a no in words and never a fault of ours."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot.clock import Clock
from bot.sandbox.mailbox import Mailbox
from bot.sandbox.page import Sandbox
from tests.letters import letter

VALUES: list[Any] = [None, True, 1, -1, 0, 10**30, 1.5, "", "x", "\x00", "\x1b]]>", "<a href=", "\u2028", "𝒳" * 100]
VALUES += [[], {}, "fire", "2019-10-21T10:00", "2019-10-21", "2019-W42-1", "2019-10-21T24:00", "٣", "é" * 64, "\ud83d"]
NAMES = ("text", "code", "line", "choice", "button", "under", "hours", "days", "to", "next", "kind", "on", "language")
DEEDS = (
    "say",
    "tap",
    "follow",
    "scan",
    "unfollow",
    "menu",
    "photo",
    "location",
    "start",
    "contact",
    "block",
    "unblock",
    "sing",
)
PEOPLE = ("wechat/oAbcdefgh", "telegram/7000001", "telegram/abc", "fax/1")
OTHER = ("clock", "mail/switch", "wechat/switch", "organizer/confirm", "wechat/new", "telegram/new", "mail/1", "state")
POSTS = [f"api/{person}/{deed}" for person, deed in itertools.product(PEOPLE, DEEDS)] + [
    f"api/{path}" for path in OTHER
]
GETS = ("", "api/state", "api/mail/1", "api/mail/%ff", "mail/1/1", "mail/1/html", "mail/1/%00", "mail/1/source")
GETS += ("static/sandbox.js", "static/%2e%2e/page.py", "static/%00", "static/", "api/clock", "api/wechat/new")
ASKED = ("wechat", "telegram", "wechat_seen", "telegram_seen", "mail_seen", "lang")
PERSONS = ("x", "oAbcdefgh", "7000001", "٣٣٣٣٣٣", "\x00", "zh", "-1")
HEADERS = ("", "zh", "x" * 1000, ",,,;q=", "sandbox_language=zz", "a=\x01;;;")


@pytest.mark.parametrize("seed", range(4))
async def test_nonsense_is_never_a_fault_of_ours(wechat: Any, telegram: Any, clock: Clock, seed: int) -> None:
    # Any exception that is not answered is raised here by the transport.
    mailbox, chance = Mailbox(clock), random.Random(seed)
    mailbox.keep(["a@example.org"], letter().as_bytes())
    platforms = (await wechat())[0], (await telegram(quiet=0.0))[0]
    transport = httpx.ASGITransport(Starlette(routes=Sandbox(*platforms, clock, mailbox).routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://x/sandbox/") as page:
        for _ in range(150):
            fields = {chance.choice(NAMES): chance.choice(VALUES) for _ in range(chance.randrange(4))}
            headers = {"content-type": "application/json"}
            posted = await page.post(chance.choice(POSTS), content=json.dumps(fields), headers=headers)
            assert posted.status_code < 500
            asked = {chance.choice(ASKED): chance.choice(PERSONS) for _ in range(3)}
            headers = {"accept-language": chance.choice(HEADERS), "cookie": chance.choice(HEADERS)}
            assert (await page.get(chance.choice(GETS), params=asked, headers=headers)).status_code < 500
