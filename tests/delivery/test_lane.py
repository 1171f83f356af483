"""A lane sends everything that is due, once, in its order and at its pace, and ends in good order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.adapters.base import Outgoing
from bot.content.facts import Venue
from bot.delivery import lane as lanes
from bot.delivery.lane import Lane
from bot.delivery.people import Due
from bot.errors import TryLater, Unreachable, WindowClosed
from bot.message import Address
from bot.store.outbox import Kind, Route
from bot.store.tables import Contact, Event
from tests.conftest import NOW
from tests.delivery.crowd import BOT
from tests.delivery.flights import WECHAT, Yard, composed, eventually, running, statuses, to
from tests.stored import statements

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


# What is sent, and when


async def test_everybody_gets_it_once(yard: Yard) -> None:
    yard.on_telegram(70)
    yard.queue(range(1, 71))
    yard.platform.seconds = 0.002
    await yard.send_all()
    assert sorted(map(int, to(yard))) == list(range(1, 71))
    assert statuses(yard.database) == {"sent": 70}
    row = yard.deliveries()[0]
    assert (row.route, row.attempts, row.tried, row.error, row.epoch) == ("telegram", 1, [], "", 1)
    assert row.sent_at is not None
    assert abs((yard.clock.now() - row.sent_at).total_seconds()) < 10


async def test_never_more_than_the_window_at_once_nor_in_memory(yard: Yard) -> None:
    yard.on_telegram(60)
    yard.queue(range(1, 61))
    yard.platform.seconds = 0.01
    lane, most = yard.lane(window=10), [0]

    async def send(address: Address | str, outgoing: Outgoing, route: str) -> str:
        most[0] = max(most[0], statuses(yard.database)["sending"], len(lane._sender.flying))
        return await yard.platform.send(address, outgoing, route)

    lane._sender._send = send
    await yard.send_all(lane)
    assert (yard.platform.most, most[0]) == (10, 10)


async def test_a_decision_before_a_reminder_before_a_broadcast(yard: Yard) -> None:
    yard.on_telegram(6)
    yard.queue((1, 2), "B-1", Kind.BROADCAST)
    yard.queue((3, 4), "morning", Kind.REMINDER)
    yard.queue((5, 6), "D-1", Kind.DECISION)
    await yard.send_all(yard.lane(window=1))
    assert to(yard) == ["5", "6", "3", "4", "1", "2"]


async def test_nothing_before_its_time_and_winding_the_clock_brings_it_on(yard: Yard) -> None:
    yard.on_telegram(2)
    yard.queue([1], "B-1", available_at=yard.clock.now() + timedelta(hours=1))
    yard.queue([2], "B-2", available_at=None)  # held by a pause
    async with running(yard.lane()):
        await asyncio.sleep(0.7)
        assert to(yard) == []
        yard.clock.wind(timedelta(hours=1))
        await eventually(lambda: to(yard) == ["1"])
    assert statuses(yard.database) == {"sent": 1, "queued": 1}


async def test_what_this_process_queued_leaves_at_once_and_what_another_did_at_the_next_look(
    quick_yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_yard.on_telegram(3)
    lane, took = quick_yard.lane(lease=timedelta(seconds=10)), quick_yard.platform.took
    async with running(lane):
        await eventually(lambda: lane.held)
        monkeypatch.setattr(lanes, "_IDLE", 60.0)
        await asyncio.sleep(0.7)  # the last look of the usual kind is over
        quick_yard.queue([1], "B-1")
        monkeypatch.undo()
        lane.wake()
        await eventually(lambda: len(took) == 1)
        for number in (2, 3):
            await asyncio.sleep(0.1 * number)
            quick_yard.queue([number], f"B-{number}")
            await eventually(lambda: len(took) == number)  # noqa: B023  # over before the next round


async def test_the_venue_and_the_number_of_the_calendar_are_read_at_each_flight(yard: Yard) -> None:
    yard.on_telegram(2)
    texts: list[str] = []

    def compose(due: Due, route: Route, venue: Venue | None, sequence: int) -> Outgoing:
        texts.append(composed(due, route, venue, sequence).reply.text)
        return composed(due, route, venue, sequence)

    place = {"latitude": 22.5, "longitude": 114.0, "published_at": "2019-10-08T01:00:00+00:00"}
    place |= {name: {"zh": f"{name}-zh", "en": f"{name}-en"} for name in ("name", "address")}
    yard.queue([1], "B-1")
    async with running(lane := yard.lane(compose=compose)):
        await eventually(lambda: texts)
        yard.database.write_now(lambda session: session.add(Event(id="event", venue=place, sequence=3)))
        yard.queue([2], "B-2")
        lane.wake()
        await eventually(lambda: len(texts) == 2)
    assert texts == ["会场定了 0", "会场定了 name-zh 3"]


async def test_a_flight_takes_as_many_statements_for_thirty_rows_as_for_three(yard: Yard) -> None:
    """No query in a loop: also with results of every kind."""
    counted = []
    for count, name in ((3, "A"), (30, "B")):
        yard.platform.says.clear()
        if name == "A":
            yard.on_wechat(30, message_left=9)
        for number in range(1, count + 1):
            errors = (TryLater("busy", 9e6), WindowClosed("45015"), Unreachable("43004"))
            yard.platform.says[f"o{number}"] = [errors[number % 3]]
        yard.change(Contact, message_left=9, message_until=NOW + DAY, blocked_at=None)
        yard.queue(range(1, count + 1), name, Kind.BROADCAST, WECHAT, Route.WECHAT_MESSAGE)
        with statements(yard.database) as sent:
            await yard.send_all(yard.lane(WECHAT), until=yard.all_are("queued", "waiting", "unreachable"))
        counted.append(len([row for row in sent if "delivery" in row or "contact" in row]))
    assert counted[1] <= counted[0] + 4  # a heartbeat more or less


async def test_an_idle_lane_only_reads_and_seldom_extends(yard: Yard) -> None:
    lane = yard.lane(lease=timedelta(seconds=10))
    async with running(lane):
        await eventually(lambda: lane.held)
        await asyncio.sleep(0.3)
        with statements(yard.database) as written:
            await asyncio.sleep(1.5)
        assert len([row for row in written if "UPDATE" in row]) <= 1


# The end


async def test_a_drained_lane_leaves_nothing_unconfirmed_and_is_free_at_once(yard: Yard) -> None:
    yard.on_telegram(60)
    yard.queue(range(1, 61))
    yard.platform.seconds = 0.3
    lane = yard.lane(lease=MINUTE)
    async with running(lane):
        await eventually(lambda: yard.platform.busy > 20)
        await asyncio.wait_for(lane.drain(), 20)
        assert not lane.held
    sent = len(to(yard))
    assert statuses(yard.database) == {"sent": sent, "queued": 60 - sent}
    assert sent >= 30
    other = yard.lane(holder="there", lease=MINUTE)
    async with running(other):
        await eventually(lambda: other.held)
        await eventually(yard.all_are("sent"))
    assert sorted(map(int, to(yard))) == list(range(1, 61))


async def test_what_waits_for_its_second_is_given_back_when_the_lane_is_drained(
    quick_yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def far_away(_: float) -> None:
        """The next turn."""
        await asyncio.sleep(60)

    quick_yard.on_telegram(60)
    quick_yard.queue(range(1, 61))
    lane = quick_yard.lane(rate=20.0, lease=MINUTE)
    async with running(lane):
        await eventually(lambda: len(to(quick_yard)) >= 3)
        monkeypatch.setattr(lane._pacer, "_sleep", far_away)
        await asyncio.wait_for(lane.drain(), 20)
    assert statuses(quick_yard.database) == {"sent": len(to(quick_yard)), "queued": 60 - len(to(quick_yard))}
    assert {row.attempts for row in quick_yard.deliveries() if row.status == "queued"} == {0}


async def test_a_lane_that_never_ran_or_has_ended_is_drained_at_once(yard: Yard) -> None:
    lane = yard.lane()
    await lane.drain()
    await asyncio.wait_for(lane.run(), 20)
    await lane.drain()


async def test_whoever_asked_is_told_when_the_lane_is_taken_and_when_it_is_lost(yard: Yard) -> None:
    told: list[str] = []
    lane = yard.lane(on_taken=lambda: told.append("taken"), on_lost=lambda: told.append("lost"))
    async with running(lane):
        await eventually(lambda: told == ["taken"])
        assert lane.held
        yard.database.transact_now(lambda connection: connection.exec_driver_sql("UPDATE lane SET epoch = epoch + 1"))
        await eventually(lambda: told[:2] == ["taken", "lost"])
    assert told.count("taken") == told.count("lost")


async def test_a_chat_gets_one_message_a_second_while_others_go_on(quick_yard: Yard) -> None:
    quick_yard.on_telegram(5)
    for name in ("A", "B"):
        quick_yard.queue([1], name)
    quick_yard.queue(range(2, 6), "C")
    lane = quick_yard.lane(rate=20.0, lease=timedelta(seconds=10))
    await quick_yard.send_all(lane)
    first, second = (message.at for message in quick_yard.platform.took if message.to == "1")
    assert second - first >= 0.99
    assert max(message.at for message in quick_yard.platform.took if message.to != "1") < second
    assert isinstance(lane, Lane)
    assert Address("telegram", BOT, "1") not in lane._sender.waiting.values()
