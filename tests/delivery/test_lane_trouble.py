"""What goes wrong while a lane sends, and what it costs: a try, a rest, one message, never the others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.base import Outgoing, Pin
from bot.clock import seconds
from bot.delivery.people import Due
from bot.errors import Misconfigured, Moved, Paused, Refused, TryLater
from bot.message import Address
from tests.delivery.flights import Yard, composed, eventually, running, statuses


async def test_what_is_to_be_tried_later_is_tried_five_times_with_growing_waits(yard: Yard) -> None:
    yard.on_telegram(1)
    yard.queue([1])
    yard.platform.says["1"] = [TryLater("connection refused", 1) for _ in range(9)]
    waits: list[float] = []
    async with running(lane := yard.lane()):
        for number in range(1, 6):
            await eventually(lambda: len(yard.platform.asked) == number and not yard.platform.busy)  # noqa: B023  # over before the next round
            await eventually(lambda: yard.delivery.status != "sending")
            assert yard.delivery.attempts == number
            if yard.delivery.status == "queued":
                assert yard.delivery.available_at is not None
                waits.append((yard.delivery.available_at - yard.clock.now()).total_seconds())
                yard.clock.wind(timedelta(seconds=waits[-1] + 0.1))
                lane.wake()
    assert (yard.delivery.status, yard.delivery.error) == ("failed", "connection refused")
    assert len(yard.platform.asked) == 5
    for wait, least in zip(waits, (2, 4, 8, 16), strict=True):
        assert least * 0.7 < wait <= least * 1.5


async def test_a_429_lets_the_whole_lane_rest_and_costs_no_try(quick_yard: Yard) -> None:
    quick_yard.on_telegram(40)
    quick_yard.queue(range(1, 41))
    quick_yard.platform.seconds = 0.01
    quick_yard.platform.says["5"] = [Paused("429", 1.2)]
    await quick_yard.send_all(quick_yard.lane(window=4))
    rested = max(
        later.at - earlier.at
        for earlier, later in zip(quick_yard.platform.asked, quick_yard.platform.asked[1:], strict=False)
    )
    assert rested > 1.1
    assert statuses(quick_yard.database) == {"sent": 40}
    assert {row.attempts for row in quick_yard.deliveries()} == {1}
    assert quick_yard.stored_lane().paused_until is not None
    assert quick_yard.stored_lane().reason == "429"


async def test_the_rest_is_kept_by_whoever_takes_the_lane_next(quick_yard: Yard) -> None:
    quick_yard.on_telegram(2)
    quick_yard.queue([1, 2])
    quick_yard.platform.says["1"] = [Paused("429", 2)]
    await quick_yard.send_all(quick_yard.lane(window=1), until=lambda: len(quick_yard.platform.asked) == 1)
    asked = quick_yard.platform.asked[0].at
    await quick_yard.send_all(quick_yard.lane(holder="there"))
    assert quick_yard.platform.took[0].at - asked > 1.9


async def test_wrong_keys_let_the_lane_rest_for_ten_minutes_and_say_so(
    yard: Yard, caplog: pytest.LogCaptureFixture
) -> None:
    yard.on_telegram(3)
    yard.queue([1, 2, 3])
    yard.platform.says["1"] = [Misconfigured("401 the token is wrong")]
    async with running(yard.lane(window=1)):
        await eventually(lambda: len(yard.platform.asked) == 1)
        await asyncio.sleep(0.7)
    assert len(yard.platform.asked) == 1
    assert (yard.deliveries()[0].status, yard.deliveries()[0].attempts) == ("queued", 0)
    until = yard.stored_lane().paused_until
    assert until is not None
    assert 590 < (until - yard.clock.real()).total_seconds() <= 600
    assert "the lane rests" in caplog.text


@pytest.mark.parametrize("where", ["compose", "send"])
async def test_a_fault_of_one_message_fails_that_one_and_no_other(
    yard: Yard, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    yard.on_telegram(5)
    yard.queue(range(1, 6))

    def compose(due: Due, *rest: Any) -> Outgoing:
        if where == "compose" and due.person.registration_id == 3:
            raise KeyError("张三 13800138000")
        return composed(due, *rest)

    if where == "send":
        yard.platform.says["3"] = [ValueError("张三 13800138000")]
    await yard.send_all(yard.lane(compose=compose))
    assert [row.status for row in yard.deliveries()] == ["sent", "sent", "failed", "sent", "sent"]
    assert yard.deliveries()[2].error == ("fault: KeyError" if where == "compose" else "fault: ValueError")
    assert "张三" not in caplog.text + yard.deliveries()[2].error
    assert "13800138000" not in caplog.text


async def test_a_row_that_cannot_be_read_fails_and_holds_nobody_up(
    yard: Yard, caplog: pytest.LogCaptureFixture
) -> None:
    yard.on_telegram(3)
    yard.queue([1], "A", announcement={"more": {"zone": "Nowhere/Else"}})
    yard.queue([2, 3], "B")
    await yard.send_all()
    assert [row.status for row in yard.deliveries()] == ["failed", "sent", "sent"]
    assert yard.deliveries()[0].error.startswith("fault: ")
    assert "a delivery could not be read" in caplog.text


async def test_whatever_a_platform_says_can_be_kept(yard: Yard) -> None:
    yard.on_telegram(2)
    yard.queue([1, 2])
    yard.platform.says["1"] = [Refused("Bad\x00 Request:\n\ud83d 错" + "!" * 9999)]
    yard.platform.says["2"] = [Moved("-10\x0001")]
    await yard.send_all()
    refused, moved = yard.deliveries()
    assert refused.error.startswith("Bad Request: 错!")
    assert len(refused.error) == 300
    assert moved.status == "sent"


async def test_a_text_that_cannot_be_filled_fails_with_its_reason(yard: Yard) -> None:
    yard.on_telegram(1)
    yard.queue([1])

    def compose(*_: Any) -> Outgoing:
        raise Refused("{venue.hall} is no placeholder")

    await yard.send_all(yard.lane(compose=compose))
    assert (yard.delivery.status, yard.delivery.error) == ("failed", "{venue.hall} is no placeholder")
    assert yard.platform.asked == []


async def test_a_send_that_takes_too_long_is_cut_off_and_nobody_knows(yard: Yard) -> None:
    yard.on_telegram(2)
    yard.queue([1, 2])
    yard.platform.says["1"] = [30.0]
    await yard.send_all(yard.lane(lease=timedelta(seconds=1)))
    assert [row.status for row in yard.deliveries()] == ["unconfirmed", "sent"]
    assert yard.deliveries()[0].error == "no answer in time"


async def test_a_429_at_a_pin_lets_the_lane_rest_as_well(quick_yard: Yard) -> None:
    quick_yard.on_telegram(26)
    quick_yard.queue(range(1, 27))
    at: list[tuple[float, bool]] = []

    async def send(address: Address | str, outgoing: Outgoing, route: str) -> str:
        at.append((seconds(), bool(outgoing.pin)))
        if outgoing.pin and sum(pin for _, pin in at) == 1:
            raise Paused("429", 1)
        return ""

    def compose(due: Due, *rest: Any) -> Outgoing:
        return replace(composed(due, *rest), pin=Pin(22.5, 114.0, "会场", "深圳"))

    await quick_yard.send_all(quick_yard.lane(send=send, compose=compose, rate=20.0, lease=timedelta(seconds=10)))
    first = next(moment for moment, pin in at if pin)
    assert min(moment for moment, _ in at if moment > first) - first > 0.9
    assert statuses(quick_yard.database) == {"sent": 26}
