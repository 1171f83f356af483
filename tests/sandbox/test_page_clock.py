"""The demo's clock by its addresses: it is wound on, never back, and what is due then happens at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from starlette.applications import Starlette

from bot.clock import Clock
from bot.errors import Unavailable
from bot.sandbox.clock_page import Hooks
from bot.sandbox.page import Sandbox
from bot.sandbox.page_words import WORDS

JSON = {b"content-type": b"application/json"}
DUE = datetime(2019, 10, 8, 2, 0, tzinfo=UTC)  # 10:00 in Shenzhen


class Bot:
    """What the page asks of the bot behind it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.due: datetime | None = DUE
        self.ticks: list[datetime] = []
        self.hooks = Hooks(next_due=self.next_due, tick=self.tick)

    async def next_due(self) -> datetime | None:
        return self.due

    async def tick(self) -> None:
        await asyncio.sleep(0)
        self.ticks.append(self.clock.now())


@pytest.fixture
def bot(clock: Clock) -> Bot:
    """The bot."""
    return Bot(clock)


@pytest.fixture
async def page(wechat: Any, telegram: Any, clock: Clock, bot: Bot) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the page."""
    platforms = (await wechat())[0], (await telegram(webhook=False))[0]
    app = Starlette(routes=Sandbox(*platforms, clock, hooks=bot.hooks).routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x/sandbox/") as client:
        yield client


async def _wound(page: httpx.AsyncClient, **fields: Any) -> str:
    answer = await page.post("api/clock", json=fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["clock"])


async def test_an_hour_a_day_and_a_time_to_wind_on_to(page: httpx.AsyncClient, clock: Clock, bot: Bot) -> None:
    state = (await page.get("api/state")).json()
    assert (state["clock"], state["zone"], state["earliest"]) == (
        "2019-10-08 09:00",
        "Asia/Shanghai",
        "2019-10-08T09:01",
    )
    assert await _wound(page, hours=1) == "2019-10-08 10:00"
    assert await _wound(page, days=1) == "2019-10-09 10:00"
    assert await _wound(page, to="2019-10-21T09:59") == "2019-10-21 09:59"
    assert (await page.get("api/state")).json()["clock"] == "2019-10-21 09:59"
    assert len(bot.ticks) == 3
    assert bot.ticks[-1] >= datetime(2019, 10, 21, 1, 59, tzinfo=UTC)  # the tick saw the new time
    assert clock.real().year != 2019  # leases and time-outs are left alone


async def test_to_the_next_reminder(page: httpx.AsyncClient, clock: Clock, bot: Bot) -> None:
    assert await _wound(page, next=True) == "2019-10-08 10:00"
    assert DUE <= clock.now() < DUE + timedelta(minutes=1)
    clock.wind(timedelta(hours=2))
    assert await _wound(page, next=True) == "2019-10-08 12:00"  # due already: it only has to be done
    assert len(bot.ticks) == 2
    bot.due = None
    answer = await page.post("api/clock", json={"next": True})
    assert (answer.status_code, answer.json()) == (409, {"error": "nothing_due"})
    assert len(bot.ticks) == 2


@pytest.mark.parametrize(
    ("given", "status", "word"),
    [
        ({"json": {"to": "2019-10-08T08:59"}}, 409, "backwards"),
        ({"json": {"to": "1970-01-01T00:00"}}, 409, "backwards"),
        ({"json": {"hours": 0}}, 400, "bad_request"),
        ({"json": {"hours": -1}}, 400, "bad_request"),
        ({"json": {"hours": 1.5}}, 400, "bad_request"),
        ({"json": {"hours": True}}, 400, "bad_request"),
        ({"json": {"hours": 10**9}}, 400, "bad_request"),
        ({"json": {"days": 367}}, 400, "bad_request"),
        ({"json": {"days": "1"}}, 400, "bad_request"),
        ({"json": {"hours": 1, "days": 1}}, 400, "bad_request"),
        ({"json": {}}, 400, "bad_request"),
        ({"json": {"to": ""}}, 400, "bad_request"),
        ({"json": {"to": 5}}, 400, "bad_request"),
        ({"json": {"to": "tomorrow"}}, 400, "bad_request"),
        ({"json": {"to": "2019-10-21T10:00+08:00"}}, 400, "bad_request"),
        ({"json": {"to": "0001-01-01T00:00"}}, 400, "bad_request"),
        ({"json": {"to": "9999-12-31T23:59"}}, 400, "bad_request"),
        ({"json": {"hours": 1}, "headers": {"origin": "http://evil.example"}}, 400, "bad_request"),
        ({"json": {"hours": 1}, "headers": {"origin": "http://["}}, 400, "bad_request"),
        ({"json": {"hours": 1}, "headers": {"sec-fetch-site": "same-site"}}, 400, "bad_request"),
        ({"data": {"hours": "1"}}, 400, "bad_request"),
        ({"content": "[" * 30_000, "headers": JSON}, 400, "bad_request"),
        ({"content": "{}", "headers": JSON | {b"content-length": b"\xb2"}}, 400, "bad_request"),
        ({"content": "{}", "headers": JSON | {b"content-length": b"9" * 5000}}, 400, "bad_request"),
    ],
)  # fmt: skip
async def test_the_clock_never_goes_back_and_takes_no_nonsense(
    page: httpx.AsyncClient, clock: Clock, bot: Bot, given: dict[str, Any], status: int, word: str
) -> None:
    before = clock.now()
    answer = await page.post("api/clock", **given)
    assert (answer.status_code, answer.json()) == (status, {"error": word})
    assert before <= clock.now() < before + timedelta(minutes=1)
    assert bot.ticks == []
    assert all(word in WORDS[language] for language in WORDS)


async def test_the_clock_stops_before_times_end(page: httpx.AsyncClient) -> None:
    assert await _wound(page, to="2100-06-01T00:00") == "2100-06-01 00:00"
    assert (await page.post("api/clock", json={"days": 366})).status_code == 400
    assert (await page.get("api/state")).status_code == 200


async def test_times_are_the_events_and_a_day_ends_at_the_same_hour(
    page: httpx.AsyncClient, bot: Bot, clock: Clock
) -> None:
    bot.hooks.zone = lambda: ZoneInfo("Europe/Berlin")
    assert (await page.get("api/state")).json()["clock"] == "2019-10-08 03:00"
    assert await _wound(page, to="2019-10-26T10:00") == "2019-10-26 10:00"
    assert await _wound(page, days=1) == "2019-10-27 10:00"  # 25 hours later: the clocks were changed
    assert clock.now() >= datetime(2019, 10, 27, 9, 0, tzinfo=UTC)


async def test_a_database_that_is_away_is_said_and_the_clock_goes_on_later(page: httpx.AsyncClient, bot: Bot) -> None:
    async def away() -> None:
        raise Unavailable("the database does not answer")

    tick, bot.hooks.tick = bot.hooks.tick, away
    answer = await page.post("api/clock", json={"hours": 1})
    assert (answer.status_code, answer.json()) == (409, {"error": "away"})
    assert all("away" in WORDS[language] for language in WORDS)
    bot.hooks.tick = tick
    assert await _wound(page, next=True) == "2019-10-08 10:00"


async def test_winding_twice_at_once_winds_twice(page: httpx.AsyncClient, bot: Bot) -> None:
    await asyncio.gather(*(page.post("api/clock", json={"hours": 1}) for _ in range(5)))
    assert (await page.get("api/state")).json()["clock"] == "2019-10-08 14:00"
    assert len(bot.ticks) == 5


async def test_a_chat_says_on_which_day_each_line_was_written(
    page: httpx.AsyncClient, wechat: Any, telegram: Any
) -> None:
    person = (await page.post("api/wechat/new", json={})).json()["person"]
    await page.post(f"api/wechat/{person}/follow", json={})
    await _wound(page, days=1)
    await page.post(f"api/wechat/{person}/say", json={"text": "hi"})
    lines = (await page.get("api/state", params={"wechat": person})).json()["wechat"]["lines"]
    assert [line["day"] for line in lines] == ["2019-10-08", "", "2019-10-09", ""]
