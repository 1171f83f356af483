"""Trouble to order on the Bot API: floods, cuts, gateways, people who leave, groups that move."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bot.clock import seconds
from bot.sandbox.trouble import Order

PLACE = {"latitude": 22.5, "longitude": 113.9, "title": "Hall", "address": "Nanshan"}


@pytest.fixture
async def both(telegram: Any) -> tuple[Any, Any]:
    platform, bot = await telegram(slow=0.2)
    platform.phone(7000001).chat.known = True
    return platform, bot


async def _send(bot: Any, method: str = "sendMessage", chat: int = 7000001, **more: Any) -> dict[str, Any]:
    given = PLACE if method == "sendVenue" else {"text": "hi"}
    answer: dict[str, Any] = await bot.call(method, chat_id=chat, **{**given, **more})
    return answer


async def test_a_flood_says_how_long_it_still_lasts_and_ends(both: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    platform, bot = both
    now = 100.0
    monkeypatch.setattr("bot.sandbox.telegram_api.seconds", lambda: now)
    platform.api.flood(1.2)
    first = await _send(bot)
    assert first == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 2",
        "parameters": {"retry_after": 2},
    }
    now += 0.3
    assert (await _send(bot, "sendVenue"))["parameters"] == {"retry_after": 1}
    assert (await bot.call("getMe"))["ok"], "what sends nothing goes on"
    now += 1
    assert (await _send(bot))["ok"]
    assert platform.api.flooded == 2
    assert len(platform.limits.accepted) == 1
    assert platform.violations == []


async def test_busy_lasts_until_it_is_switched_off(both: Any) -> None:
    platform, bot = both
    platform.order("busy", True)
    assert (await _send(bot))["parameters"] == {"retry_after": 3}
    platform.order("busy", False)
    assert (await _send(bot))["ok"]


async def test_slow_delays_and_down_hangs_up(both: Any) -> None:
    platform, bot = both
    platform.order("slow", True)
    began = seconds()
    assert (await _send(bot))["ok"]
    assert seconds() - began > 0.2
    platform.order("slow", False)
    platform.order("down", True)
    assert platform.ordered == {"down"}
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await _send(bot)
    platform.order("down", False)
    assert (await _send(bot))["ok"]
    assert len(platform.limits.accepted) == 2


@pytest.mark.parametrize(("done", "arrived"), [(False, 0), (True, 1)])
async def test_an_answer_may_get_lost_on_its_way(both: Any, done: bool, arrived: int) -> None:
    platform, bot = both
    platform.trouble.next("sendvenue", Order(cut=True, done=done))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await _send(bot, "sendVenue")
    platform.trouble.next("sendmessage", Order(status=502, done=done))
    answer = await bot.client.post("sendMessage", json={"chat_id": 7000001, "text": "hi"})
    assert (answer.status_code, answer.content) == (502, b"<html>gateway</html>")
    assert [one.call for one in platform.limits.accepted] == ["sendvenue", "sendmessage"] * arrived
    assert [name for name, _ in platform.api.calls][-2:] == ["sendvenue", "sendmessage"]


async def test_who_is_gone_and_which_group_has_moved(both: Any) -> None:
    platform, bot = both
    phone = platform.phone(7000001)
    phone.chat.gone = True
    answer = await _send(bot)
    assert (answer["error_code"], answer["description"]) == (403, "Forbidden: user is deactivated")
    group = platform.group(-4242, "Team")
    new = platform.upgrade(group)
    answer = await _send(bot, chat=-4242)
    assert answer["parameters"] == {"migrate_to_chat_id": new.id}
    assert answer["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
    assert str(new.id).startswith("-100")
    assert (await _send(bot, chat=new.id))["ok"]
    assert platform.violations == []


async def test_what_a_test_orders_is_no_fault_of_the_bot(both: Any) -> None:
    platform, bot = both
    platform.api.refuse("sendMessage", 403, "Forbidden: bot was blocked by the user", times=2)
    codes = [(await _send(bot)).get("error_code") for _ in range(3)]
    assert codes == [403, 403, None]
    platform.api.refuse("sendMessage", 500, "x", times=9)
    platform.trouble.clear()
    assert (await _send(bot))["ok"]
    assert platform.violations == []
