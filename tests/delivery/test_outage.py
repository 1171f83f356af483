"""A platform that is away costs no message its tries: the lane rests, asks with one, and goes on when it is back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.base import Outgoing
from bot.delivery import outage
from bot.delivery.routes import Accounts
from bot.errors import NoConnection
from bot.message import Address
from bot.store.outbox import Kind, Route
from tests.delivery.crowd import BOT
from tests.delivery.flights import MAIL, WECHAT, Yard, eventually, running, statuses

ONLY_TELEGRAM = Accounts(telegram=BOT)


class Away:
    """A platform that is away until it is back."""

    def __init__(self, yard: Yard) -> None:
        self.is_back, self._yard, self.calls = False, yard, 0

    async def send(self, to: Address | str, outgoing: Outgoing, route: str) -> str:
        self.calls += 1
        if not self.is_back and route != Route.EMAIL:
            raise NoConnection("no connection", 0)
        return await self._yard.platform.send(to, outgoing, route)


@pytest.fixture
def away(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> Away:
    monkeypatch.setattr(outage, "_FIRST", 0.05)
    monkeypatch.setattr(outage, "_MOST", 0.2)
    return Away(yard)


async def test_a_platform_that_is_away_uses_up_no_tries(
    yard: Yard, away: Away, caplog: pytest.LogCaptureFixture
) -> None:
    yard.on_telegram(20)
    yard.queue(range(1, 21))
    async with running(yard.lane(send=away.send, window=4)):
        await eventually(lambda: away.calls >= 12)  # far more than five for whoever asks
        assert statuses(yard.database)["queued"] >= 19
        assert away.calls < 4 + 4 + 20  # a first flight or two, then one at a time
        away.is_back = True
        await eventually(yard.all_are("sent"))
    assert {row.attempts for row in yard.deliveries()} == {1}
    said = [record.message for record in caplog.records if "platform" in record.message]
    assert said == ["the platform cannot be reached: the lane rests", "the platform is reached again"]


async def test_one_failed_connection_alone_lets_no_lane_rest(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    yard.on_telegram(10)
    yard.queue(range(1, 11))
    yard.platform.says["3"] = [NoConnection("no connection", 0)]
    await yard.send_all()
    assert statuses(yard.database) == {"sent": 10}
    assert "rests" not in caplog.text


async def test_after_a_day_the_next_route_is_taken(yard: Yard, away: Away) -> None:
    yard.on_telegram(3)
    yard.people_get_mail(1)
    yard.queue([1, 2, 3])
    async with running(lane := yard.lane(send=away.send), yard.lane(MAIL, send=away.send)):
        await eventually(lambda: away.calls >= 6)
        yard.clock.wind(timedelta(hours=25))
        lane.wake()
        await eventually(yard.all_are("sent", "failed"))
    first, second, _ = yard.deliveries()
    assert (first.status, first.route) == ("sent", "email")
    assert [step["route"] for step in first.tried] == ["telegram"]
    assert (second.status, second.attempts) == ("failed", 0)
    assert "telegram is off (no connection)" in second.error


async def test_a_reminder_takes_the_next_route_while_it_is_useful(yard: Yard, away: Away) -> None:
    yard.on_wechat(2)
    yard.people_get_mail(1)
    latest = yard.clock.now() + timedelta(hours=2)
    more: dict[str, Any] = {"announcement": {"latest_at": latest}}
    yard.queue([1, 2], "morning", Kind.REMINDER, WECHAT, Route.WECHAT_MESSAGE, **more)
    async with running(lane := yard.lane(WECHAT, send=away.send), yard.lane(MAIL, send=away.send)):
        await eventually(lambda: away.calls >= 6)
        yard.clock.wind(timedelta(minutes=61))
        lane.wake()
        await eventually(yard.all_are("sent", "waiting"))
    first, second = yard.deliveries()
    assert (first.status, first.route) == ("sent", "email")
    assert [step["route"] for step in first.tried] == ["wechat_message", "wechat_template"]
    assert second.status == "waiting"
    assert yard.contact(2).message_left == 5
