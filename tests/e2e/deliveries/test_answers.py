"""What becomes of a message by what the platform or the mail server answers to it."""

from __future__ import annotations

import re

import pytest

from bot.adapters.wechat import templates
from bot.delivery import pacer
from bot.errors import Misconfigured, RouteOff, TryLater, Unreachable, UsherError, WindowClosed
from bot.store.outbox import Kind, Way
from tests.adapters.test_results import CALLS, Row
from tests.e2e.deliver import Station, guest
from tests.e2e.deliver_rows import (
    announce,
    arrived,
    became,
    calls,
)
from tests.e2e.deliver_table import EMAIL, MAILS, MESSAGE, ROWS, TELEGRAM, ends_as
from tests.e2e.talk import contact, follower, writer

on_the_shared_loop = pytest.mark.asyncio(loop_scope="session")


@on_the_shared_loop
@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_what_becomes_of_a_message_by_what_the_platform_answers(
    home: Station, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each answer means stands in tests/adapters/test_results.py."""
    monkeypatch.setattr(templates, "_WAITS", (0.01, 0.01))
    monkeypatch.setattr(pacer, "A_CHAT", 0.05)  # what was refused may be sent again before a second is over
    phone = writer(home) if row.route == TELEGRAM else follower(home)
    one = await guest(home, phone, window="message" if row.route == MESSAGE else "")
    home.usher.adapters["wechat"]._api._token = ""
    platform = home.telegram if row.route == TELEGRAM else home.wechat
    for order in row.orders:
        platform.trouble.next(row.call or CALLS[row.route], order)
    asked = calls(home, CALLS[row.route])
    name = await announce(home, one, kind=Kind.REMINDER)
    await ends_as(home, name, row.means, row.words, row.route)
    again = row.means is not None and issubclass(row.means, TryLater | Misconfigured)  # Paused is a TryLater
    assert calls(home, CALLS[row.route]) == asked + row.tries + again
    by_template = row.route == MESSAGE and row.means in (WindowClosed, RouteOff)
    assert len(arrived(home, phone)) == row.arrived + again + by_template
    if row.means is Unreachable:
        blocked = await contact(home.usher.database, phone)
        assert blocked
        assert blocked.blocked_at


@on_the_shared_loop
@pytest.mark.parametrize(
    ("step", "does", "means", "says"),
    MAILS,
    ids=[f"{row[0]} {row[1]}"[:20] for row in MAILS],
)
async def test_what_becomes_of_a_mail_by_what_the_server_answers(
    home: Station, step: str, does: object, means: type[UsherError], says: str
) -> None:
    """What each answer means stands in tests/adapters/email/answers.py."""
    home.hang_up()
    one = await guest(home, writer(home))
    home.post.plays = {step: does}
    name = await announce(home, one, ways=(Way.MAIL,))
    if means is Unreachable:
        row = await became(home, name, "unreachable")
        assert says in row["error"]
    else:
        await ends_as(home, name, means, re.escape(says), EMAIL)
    assert len(home.mails(one.email)) == issubclass(means, TryLater | Misconfigured)
