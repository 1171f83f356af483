"""Trouble to order on cgi-bin, over a real connection: what the caller sees, and what was done all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.clock import Clock, seconds
from bot.sandbox.door import Door
from bot.sandbox.page import platform_app
from bot.sandbox.trouble import ANY, Order

CALL = "message/custom/send"
Send = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def api(wechat: Any, serve: Any) -> AsyncIterator[tuple[Any, Send]]:
    """The platform behind a real port, and a caller of custom/send who has a token."""
    platform, _ = await wechat(slow=0.2)
    url = await serve(platform_app(platform, None))
    credentials = {"grant_type": "client_credential", "appid": platform.keys.app_id, "secret": "secret"}
    async with httpx.AsyncClient(base_url=f"{url}/cgi-bin/", trust_env=False) as client:
        token = (await client.post("stable_token", json=credentials)).json()["access_token"]

        async def send(to: str = "oUser1", base: str = "", **options: Any) -> httpx.Response:
            fields = {"touser": to, "msgtype": "text", "text": {"content": "hi"}}
            return await client.post(f"{base}{CALL}", params={"access_token": token}, json=fields, **options)

        platform.phone("oUser1").opens()
        yield platform, send


async def _errcode(sending: Awaitable[httpx.Response]) -> int:
    return int((await sending).json()["errcode"])


async def test_a_call_is_met_as_it_was_ordered_and_the_next_one_as_usual(api: Any) -> None:
    platform, send = api
    platform.trouble.next(CALL, Order(status=502), times=2)
    platform.trouble.next(CALL, Order(status=429, headers={"Retry-After": "7"}))
    answers = [await send() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [502, 502, 429, 200]
    assert answers[2].headers["retry-after"] == "7"
    assert len(platform.api.accepted) == 1
    assert platform.violations == []


@pytest.mark.parametrize(("done", "arrived"), [(False, 0), (True, 1)])
async def test_a_cut_connection_says_nothing_whether_it_was_done_or_not(api: Any, done: bool, arrived: int) -> None:
    platform, send = api
    platform.trouble.next(CALL, Order(cut=True, done=done))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await send()
    assert len(platform.api.accepted) == arrived
    platform.trouble.next(CALL, Order(status=502, done=done))
    assert (await send()).status_code == 502
    assert len(platform.api.accepted) == 2 * arrived
    assert await _errcode(send()) == 0, "the next connection is a good one"


async def test_a_call_that_takes_too_long_is_done_after_its_caller_has_gone(api: Any) -> None:
    platform, send = api
    platform.trouble.next(CALL, Order(delay=0.2))
    with pytest.raises(httpx.ReadTimeout):
        await send(timeout=httpx.Timeout(10, read=0.05))
    async with asyncio.timeout(10):
        while not platform.api.accepted:
            await asyncio.sleep(0.01)
    [took] = platform.api.accepted
    assert seconds() - took.at > 0.2, "the time is when the request came, and it was done later"


async def test_an_order_may_be_for_any_call_and_comes_after_those_for_this_one(api: Any) -> None:
    platform, send = api
    platform.trouble.next(ANY, Order(status=500))
    platform.api.refuse(CALL, 45047)
    assert await _errcode(send()) == 45047
    assert (await send()).status_code == 500
    assert await _errcode(send()) == 0


async def test_slow_and_busy_last_until_they_are_switched_off(api: Any) -> None:
    platform, send = api
    platform.order("slow", True)
    began = seconds()
    assert await _errcode(send()) == 0
    assert seconds() - began > 0.2
    platform.order("slow", False)
    platform.order("busy", True)
    assert platform.ordered == {"busy"}
    assert [await _errcode(send()) for _ in range(2)] == [45011, 45011]
    platform.order("busy", False)
    assert await _errcode(send()) == 0
    assert platform.violations == []


async def test_down_hangs_up_and_behind_a_door_nobody_even_listens(api: Any, serve: Any) -> None:
    platform, send = api
    platform.order("down", True)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await send()
    platform.order("down", False)
    url = await serve(platform_app(platform, None))
    platform.door = Door(int(url.rpartition(":")[2]))
    platform.door.open()
    through = f"{platform.door.url}/cgi-bin/"
    for _ in range(2):
        platform.phone("oUser1").opens()
        assert await _errcode(send(base=through)) == 0
        platform.order("down", True)
        while platform.door._visits:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)  # the end of the connection that was kept reaches us
        with pytest.raises(httpx.ConnectError):
            await send(base=through)
        platform.order("down", False)
        assert await _errcode(send(base=through)) == 0
    await platform.close()


async def test_a_person_may_take_nothing(api: Any) -> None:
    platform, send = api
    platform.phone("oUser1").refuses = 48002
    assert await _errcode(send()) == 48002
    platform.phone("oUser1").following = False
    assert await _errcode(send()) == 43004
    assert platform.violations == []


class Stopped(Clock):
    """Moves only when it is told to."""

    at = datetime(2019, 10, 8, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.mark.parametrize(
    ("tap", "lasts", "count"), [(False, timedelta(hours=48), 5), (True, timedelta(minutes=1), 3)], ids=["5/48h", "3/1m"]
)
async def test_a_window_ends_exactly_at_its_edges(api: Any, tap: bool, lasts: timedelta, count: int) -> None:
    platform, send = api
    platform.clock = clock = Stopped()
    opened, phone = clock.at, platform.phone("oEdge")
    phone.opens(tap)
    clock.at = opened + lasts - timedelta(microseconds=1)
    assert [await _errcode(send("oEdge")) for _ in range(count + 1)] == [0] * count + [45047]
    clock.at = opened + lasts
    assert await _errcode(send("oEdge")) == 45015
    phone.opens(tap)
    assert await _errcode(send("oEdge")) == 0


async def test_a_tap_never_shortens_the_window_of_a_message(api: Any) -> None:
    platform, send = api
    platform.clock = clock = Stopped()
    phone = platform.phone("oEdge")
    phone.opens()
    clock.at += timedelta(minutes=10)
    phone.opens(tap=True)
    assert [await _errcode(send("oEdge")) for _ in range(2)] == [0, 0]
    clock.at += timedelta(minutes=1)
    assert [await _errcode(send("oEdge")) for _ in range(6)] == [0] * 5 + [45047]
