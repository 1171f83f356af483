"""The organizer's buttons and the cards by their addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot.clock import Clock
from bot.errors import Unavailable
from bot.sandbox.clock_page import Hooks
from bot.sandbox.page import Sandbox
from bot.sandbox.page_words import WORDS
from bot.sandbox.transcript import Part
from tests.letters import send_template


class Desk:
    """The page, and what was done behind it."""

    def __init__(self, wechat: Any, telegram: Any, clock: Clock) -> None:
        self.wechat, self.telegram, self.clock = wechat, telegram, clock
        self.done = 0
        self.hooks = Hooks()
        self.app = Starlette(routes=Sandbox(wechat, telegram, clock, hooks=self.hooks).routes())
        self.page = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://x/sandbox/")

    async def confirm(self) -> None:
        self.done += 1

    async def away(self) -> None:
        raise Unavailable("the database does not answer")


@pytest.fixture
async def desk(wechat: Any, telegram: Any, clock: Clock) -> AsyncIterator[Desk]:
    """A page; its hooks are filled in after it was made, as the demo does."""
    made = Desk((await wechat())[0], (await telegram(webhook=False))[0], clock)
    yield made
    await made.page.aclose()


async def test_there_are_buttons_for_what_can_be_done(desk: Desk) -> None:
    assert 'data-deed="' not in (await desk.page.get("")).text
    desk.hooks.deeds = {"confirm": desk.confirm, "venue": desk.away}
    for language in WORDS:
        shown = (await desk.page.get("", params={"lang": language})).text
        assert WORDS[language]["organizer_confirm"] in shown
        assert WORDS[language]["organizer_venue"] in shown
    assert (await desk.page.post("api/organizer/confirm", json={})).json() == {"ok": True}
    assert desk.done == 1
    away = await desk.page.post("api/organizer/venue", json={})
    assert (away.status_code, away.json()) == (409, {"error": "away"})
    assert (await desk.page.post("api/organizer/fire", json={})).status_code == 404
    assert (await desk.page.get("api/organizer/confirm")).status_code == 405


async def test_an_organizer_takes_up_the_telegram_phone(desk: Desk) -> None:
    assert "data-as" not in (await desk.page.get("")).text
    assert (await desk.page.post("api/organizer", json={})).status_code == 404
    desk.hooks.organizer = 6_000_000_001
    for language in WORDS:
        shown = (await desk.page.get("", params={"lang": language})).text
        assert 'data-as="6000000001"' in shown
        assert WORDS[language]["organizer_writes"] in shown
    assert (await desk.page.post("api/organizer", json={"language": "zh"})).json() == {"person": "6000000001"}
    phone = desk.telegram.phone(6_000_000_001)
    assert phone.user == {"id": 6_000_000_001, "is_bot": False, "first_name": "Organizer", "language_code": "zh-hans"}
    evil = await desk.page.post("api/organizer", json={}, headers={"origin": "http://evil.example"})
    assert evil.status_code == 400


@pytest.mark.parametrize(
    "given",
    [
        {"data": {"x": "1"}},
        {"json": {}, "headers": {"origin": "http://evil.example"}},
        {"json": {}, "headers": {"sec-fetch-site": "cross-site"}},
    ],
)
async def test_another_page_confirms_nobody(desk: Desk, given: dict[str, Any]) -> None:
    desk.hooks.deeds = {"confirm": desk.confirm}
    assert (await desk.page.post("api/organizer/confirm", **given)).status_code == 400
    assert desk.done == 0


async def test_a_template_is_a_card_and_the_same_words_in_another_chat_are_not(desk: Desk) -> None:
    desk.wechat.templates.texts["t"] = "活动提醒\n时间：{{time2.DATA}}\n{{thing4.DATA}}"
    desk.wechat.templates.telling = "never"
    phones = [desk.wechat.phone(openid) for openid in ("o1234567", "o7654321")]
    for phone in phones:
        phone.following = True
    data = {"time2": "2019年10月22日 9:30", "thing4": "明天见"}
    assert (await send_template(desk.wechat, "o1234567", "t", data, "https://example.org/"))["errcode"] == 0
    phones[1].transcript.add("bot", desk.clock.now(), (Part(phones[0].transcript.lines[0].text),))
    cards = [(await _wechat(desk, phone.openid))[0]["card"] for phone in phones]
    rows = [["时间", "2019年10月22日 9:30"]]
    assert cards[0] == {"title": "活动提醒 明天见", "rows": rows, "link": "https://example.org/", "place": None}
    assert cards[1] is None


async def _wechat(desk: Desk, person: str) -> list[dict[str, Any]]:
    state = await desk.page.get("api/state", params={"wechat": person})
    return list(state.json()["wechat"]["lines"])
