"""A lane sends everything that is due, once, by the best route that is open at that moment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, update

from bot.adapters.base import Outgoing, Pin
from bot.clock import seconds
from bot.content.facts import Venue
from bot.delivery import leftovers
from bot.delivery.announcements import pause, resume, stop
from bot.delivery.lane import Lane
from bot.delivery.people import Due
from bot.errors import (
    Misconfigured,
    Moved,
    Paused,
    Refused,
    RouteOff,
    TryLater,
    Unavailable,
    Unconfirmed,
    Unreachable,
    WindowClosed,
)
from bot.message import Address
from bot.store.outbox import Kind, Route, Way
from bot.store.tables import Contact, Event, Registration
from tests.conftest import NOW
from tests.delivery.crowd import BOT
from tests.delivery.flights import MAIL, WECHAT, Yard, composed, eventually, running, statuses
from tests.stored import statements

DAY = timedelta(days=1)


def to(yard: Yard) -> list[str]:
    """Who got something, in order."""
    return [message.to for message in yard.platform.took]


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
        await eventually(lambda: to(yard) == ["1"], within=1)
    assert statuses(yard.database) == {"sent": 1, "queued": 1}


async def test_what_this_process_queued_leaves_at_once_and_what_another_did_within_a_second(quick_yard: Yard) -> None:
    quick_yard.on_telegram(3)
    lane, took = quick_yard.lane(lease=timedelta(seconds=10)), quick_yard.platform.took
    async with running(lane):
        await eventually(lambda: lane.held)
        await asyncio.sleep(0.2)
        quick_yard.queue([1], "B-1")
        lane.wake()
        await eventually(lambda: len(took) == 1, within=0.2)
        for number in (2, 3):
            await asyncio.sleep(0.1 * number)
            quick_yard.queue([number], f"B-{number}")
            await eventually(lambda: len(took) == number, within=1)  # noqa: B023  # over before the next round


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


# Who does not get it, and why


@pytest.mark.parametrize(
    ("kind", "said", "status", "error"),
    [
        (Kind.REMINDER, {"state": "stopped"}, "skipped", "stopped by an organizer"),
        (Kind.DECISION, {"state": "stopped"}, "skipped", "stopped by an organizer"),
        (Kind.REMINDER, {"latest_at": NOW}, "skipped", "too late to be useful"),
        (Kind.REMINDER, {"latest_at": NOW + DAY}, "sent", ""),
    ],
)
async def test_what_was_stopped_or_is_too_late_is_skipped(
    yard: Yard, kind: Kind, said: dict[str, Any], status: str, error: str
) -> None:
    yard.on_telegram(1)
    yard.queue([1], "A", kind, announcement=said)
    await yard.send_all()
    assert (yard.delivery.status, yard.delivery.error, yard.delivery.attempts) == (status, error, status == "sent")


@pytest.mark.parametrize(
    ("change", "kind", "audience", "error"),
    [
        ({"status": "cancelled"}, Kind.REMINDER, "", "the registration is cancelled"),
        ({"status": "declined"}, Kind.BROADCAST, "status=confirmed", "the registration is declined"),
        ({"status": "cancelled"}, Kind.DECISION, "", ""),
        ({"status": "cancelled"}, Kind.BROADCAST, "status=cancelled,confirmed", ""),
        ({"stopped_at": NOW}, Kind.BROADCAST, "", "unsubscribed"),
        ({"stopped_at": NOW}, Kind.REMINDER, "", "unsubscribed"),
        ({"stopped_at": NOW}, Kind.DECISION, "", ""),
    ],
)
async def test_who_cancelled_or_unsubscribed_since_gets_decisions_only(
    yard: Yard, change: dict[str, Any], kind: Kind, audience: str, error: str
) -> None:
    yard.on_telegram(1)
    yard.queue([1], "A", kind, announcement={"audience": audience})
    yard.change(Registration if "status" in change else Contact, **change)
    await yard.send_all()
    assert (yard.delivery.status, yard.delivery.error) == ("skipped" if error else "sent", error)
    assert len(to(yard)) == (not error)


async def test_a_paused_announcement_rests_and_goes_on(yard: Yard) -> None:
    yard.on_telegram(40)
    yard.queue(range(1, 41))
    yard.platform.seconds = 0.02
    async with running(yard.lane(window=4)):
        await eventually(lambda: len(to(yard)) >= 8)
        yard.database.transact_now(lambda connection: pause(connection, "B-1"))
        await asyncio.sleep(0.1)
        before = len(to(yard))
        await asyncio.sleep(0.2)
        assert len(to(yard)) == before < 40
        yard.database.transact_now(lambda connection: resume(connection, "B-1", yard.clock.now()))
        await eventually(lambda: len(to(yard)) == 40)


async def test_what_fell_back_into_a_paused_announcement_waits_as_well(yard: Yard) -> None:
    yard.on_telegram(1)
    yard.queue([1], announcement={"state": "paused"})
    async with running(yard.lane()):
        await asyncio.sleep(0.5)
        assert (to(yard), yard.delivery.status, yard.delivery.attempts) == ([], "queued", 0)
        yard.database.transact_now(lambda connection: resume(connection, "B-1", yard.clock.now()))
        yard.clock.wind(timedelta(seconds=10))
        await eventually(lambda: to(yard) == ["1"])


async def test_nothing_leaves_after_a_broadcast_was_stopped(yard: Yard) -> None:
    yard.on_telegram(40)
    yard.queue(range(1, 41))
    yard.platform.seconds = 0.03
    async with running(yard.lane(window=4)):
        await eventually(lambda: len(to(yard)) >= 8)
        yard.database.transact_now(lambda connection: stop(connection, "B-1"))
        await eventually(yard.all_are("sent", "skipped"))
    sent = len(to(yard))
    assert 8 <= sent <= 12  # what was on its way
    assert statuses(yard.database) == {"sent": sent, "skipped": 40 - sent}


async def test_a_reminder_that_could_not_leave_before_the_quiet_hours_waits_for_the_morning(yard: Yard) -> None:
    yard.on_telegram(2)
    yard.queue([1], "A", Kind.REMINDER, announcement={"more": {"zone": "Asia/Shanghai"}})
    yard.queue([2], "B", Kind.BROADCAST)
    yard.clock.wind(timedelta(hours=14))  # 23:00 there
    async with running(yard.lane()):
        await eventually(lambda: to(yard) == ["2"])
        await asyncio.sleep(0.2)
        assert yard.deliveries()[0].available_at == datetime.fromisoformat("2019-10-09T07:00:00+08:00")
        yard.clock.wind(timedelta(hours=8))
        await eventually(lambda: to(yard) == ["2", "1"])


async def test_somebody_who_was_erased_meanwhile_is_no_fault(yard: Yard) -> None:
    yard.on_telegram(2)
    yard.queue([1, 2])
    yard.platform.seconds = 0.2

    def erase(session: Session) -> None:
        for table in (Registration, Contact):
            row = session.get(table, 1)
            session.delete(row)
            session.flush()

    async with running(yard.lane()):
        await eventually(lambda: yard.platform.busy == 2)
        yard.database.write_now(erase)
        await eventually(lambda: statuses(yard.database) == {"sent": 1})


# By which route


async def test_the_window_closes_then_the_template_is_refused_then_there_is_only_mail(yard: Yard) -> None:
    yard.people(*[], email=None)
    yard.on_wechat(1)
    yard.change(Registration, email="a@example.com")
    yard.queue([1], "morning", Kind.REMINDER, WECHAT, Route.WECHAT_MESSAGE)
    yard.platform.says["o1"] = [WindowClosed("45015 outside the window"), RouteOff("48001 not allowed")]
    await yard.send_all(yard.lane(WECHAT), yard.lane(MAIL))
    row, chat = yard.delivery, yard.contact()
    assert [message.route for message in yard.platform.asked] == ["wechat_message", "wechat_template", "email"]
    assert (row.status, row.route, row.lane, row.attempts, row.error) == ("sent", "email", "email", 3, "")
    steps = [(step["route"], step["error"]) for step in row.tried]
    assert steps == [("wechat_message", "45015 outside the window"), ("wechat_template", "48001 not allowed")]
    assert all(datetime.fromisoformat(step["at"]).tzinfo for step in row.tried)
    assert (chat.message_left, chat.blocked_at) == (0, None)
    assert chat.message_until is not None
    assert chat.message_until <= yard.clock.now()
    assert yard.stored_lane(WECHAT).off == {"wechat_template": "48001 not allowed"}


async def test_a_route_that_the_account_lost_is_not_asked_for_anybody_else(yard: Yard) -> None:
    yard.on_wechat(5, message_left=0)
    yard.queue(range(1, 6), "morning", Kind.REMINDER, WECHAT, Route.WECHAT_TEMPLATE)
    yard.platform.says["o1"] = [RouteOff("48001")]
    await yard.send_all(yard.lane(WECHAT, window=1))
    assert len(yard.platform.asked) == 1
    assert {(row.status, "48001" in row.error) for row in yard.deliveries()} == {("waiting", True)}


async def test_who_blocked_the_bot_is_written_to_by_mail_or_shown_as_unreachable(yard: Yard) -> None:
    yard.on_telegram(2)
    yard.database.write_now(
        lambda session: session.execute(update(Registration).where(col(Registration.id) == 1).values(email="a@b.org"))
    )
    yard.queue([1, 2])
    for number in "12":
        yard.platform.says[number] = [Unreachable("403 blocked")]
    await yard.send_all(yard.lane(), yard.lane(MAIL))
    by_mail, nowhere = yard.deliveries()
    assert (by_mail.status, by_mail.route) == ("sent", "email")
    assert (nowhere.status, nowhere.attempts) == ("unreachable", 1)
    assert "blocked" in nowhere.error
    assert yard.contact(1).blocked_at is not None


async def test_a_mail_that_cannot_arrive_is_not_tried_in_the_chat(yard: Yard) -> None:
    yard.on_telegram(1)
    yard.change(Registration, email="a@b.org")
    yard.queue([1], lane=MAIL, route=Route.EMAIL, way=Way.MAIL)
    yard.platform.says["a@b.org"] = [Unreachable("550 no such user")]
    await yard.send_all(yard.lane(MAIL))
    assert (yard.delivery.status, yard.delivery.error) == ("unreachable", "550 no such user")
    assert yard.contact().blocked_at is None


async def test_a_mail_that_stood_in_for_a_chat_and_cannot_arrive_is_tried_once(yard: Yard) -> None:
    yard.on_telegram(1, blocked_at=NOW)
    yard.change(Registration, email="a@b.org")
    yard.queue([1], lane=MAIL, route=Route.EMAIL)
    yard.platform.says["a@b.org"] = [Unreachable("550 no such user")] * 9
    await yard.send_all(yard.lane(MAIL))
    assert (yard.delivery.status, len(yard.platform.asked)) == ("unreachable", 1)
    assert [step["error"] for step in yard.delivery.tried] == ["550 no such user"]


async def test_a_count_is_taken_for_each_message_and_given_back_where_none_was_sent(yard: Yard) -> None:
    yard.on_wechat(3, message_left=5, tap_until=NOW + DAY, tap_left=3)
    for name in ("A", "B"):
        yard.queue((1, 2, 3), name, Kind.BROADCAST, WECHAT, Route.WECHAT_MESSAGE)
    yard.platform.says["o2"] = [TryLater("busy", 3600)]
    yard.platform.says["o3"] = [Unconfirmed("no answer")]
    over = {"sent": 4, "queued": 1, "unconfirmed": 1}
    await yard.send_all(yard.lane(WECHAT), until=lambda: statuses(yard.database) == over)
    assert [yard.contact(number).message_left for number in (1, 2, 3)] == [3, 4, 3]
    assert {yard.contact(number).tap_left for number in (1, 2, 3)} == {3}


async def test_two_messages_in_one_flight_share_what_is_left_of_a_window(yard: Yard) -> None:
    yard.on_wechat(1, message_left=1, tap_until=NOW + DAY, tap_left=1)
    for name in ("A", "B", "C"):
        yard.queue([1], name, Kind.BROADCAST, WECHAT, Route.WECHAT_MESSAGE)
    await yard.send_all(yard.lane(WECHAT))
    assert [row.status for row in yard.deliveries()] == ["sent", "sent", "waiting"]
    assert (yard.contact().message_left, yard.contact().tap_left) == (0, 0)


@pytest.mark.parametrize("used_up", [True, False])
async def test_a_window_opened_meanwhile_is_not_closed_by_an_older_refusal(yard: Yard, used_up: bool) -> None:
    yard.on_wechat(1, message_until=NOW + timedelta(hours=1), message_left=1)
    yard.queue([1], "A", Kind.BROADCAST, WECHAT, Route.WECHAT_MESSAGE)

    async def refuse(*_: object) -> str:
        yard.change(Contact, message_until=NOW + 2 * DAY, message_left=5)  # the person writes while we send
        raise WindowClosed("closed", used_up=used_up)

    await yard.send_all(yard.lane(WECHAT, send=refuse))
    assert yard.delivery.status == "waiting"
    assert (yard.contact().message_left, yard.contact().message_until) == (5, NOW + 2 * DAY)


async def test_who_writes_while_the_platform_calls_them_blocked_stays_reachable(yard: Yard) -> None:
    yard.on_telegram(1)
    yard.queue([1])

    async def refuse(*_: object) -> str:
        yard.change(Contact, seen_at=yard.clock.now() + timedelta(seconds=1))
        raise Unreachable("403 blocked")

    await yard.send_all(yard.lane(send=refuse))
    assert yard.contact().blocked_at is None


async def test_a_chat_that_moved_is_sent_to_once_more_and_remembered(yard: Yard) -> None:
    yard.on_telegram(2)
    yard.queue([1, 2])
    yard.platform.says["1"] = [Moved("-1001")]
    yard.platform.says["2"] = [Moved("-1002")]
    yard.platform.says["-1002"] = [Moved("-1003")]
    await yard.send_all()
    assert [row.status for row in yard.deliveries()] == ["sent", "failed"]
    assert [yard.contact(number).user_id for number in (1, 2)] == ["-1001", "-1002"]
    assert sorted(message.to for message in yard.platform.asked) == ["-1001", "-1002", "1", "2"]


# What goes wrong


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
    assert 1.1 < rested < 2.2
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


# The database


class Interrupted:
    """A lane's way to the database, which fails where it is told to: before the commit, or after it, unheard."""

    def __init__(self, yard: Yard) -> None:
        self._database = yard.database
        self.fails: list[str] = []
        self.failed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def transact(self, work: Any) -> Any:
        """The database's own, or a fault."""
        how = self.fails.pop(0) if self.fails else ""
        if how:
            self.failed += 1
        if how == "before":
            raise Unavailable("the database did not answer")
        await asyncio.sleep(0.9 if how == "slow before" else 0)
        done = await self._database.transact(work)
        await asyncio.sleep(0.9 if how == "slow after" else 0)
        if how == "after":
            raise Unavailable("the connection was lost")
        return done


async def test_a_database_that_is_away_for_a_while_costs_nothing(yard: Yard) -> None:
    yard.on_telegram(60)
    yard.queue(range(1, 61))
    yard.platform.seconds = 0.01
    away = Interrupted(yard)
    async with running(yard.lane(database=away, window=10)):
        await eventually(lambda: len(to(yard)) >= 15)
        away.fails = ["before"] * 3
        await eventually(yard.all_are("sent"))
    assert away.failed == 3
    assert sorted(map(int, to(yard))) == list(range(1, 61))
    assert {row.attempts for row in yard.deliveries()} == {1}


async def test_a_commit_whose_answer_was_lost_sends_nothing_twice_and_loses_nothing(yard: Yard) -> None:
    yard.on_telegram(60)
    yard.queue(range(1, 61))
    yard.platform.seconds = 0.01
    lost = Interrupted(yard)
    lost.fails = ["", *("", "after") * 3]  # the lane is taken; then every second flight
    async with running(yard.lane(database=lost, window=10)):
        await eventually(yard.all_are("sent"))
    assert lost.failed == 3
    assert sorted(map(int, to(yard))) == list(range(1, 61))
    assert {row.attempts for row in yard.deliveries()} == {1}


async def test_control_without_looking_back_such_rows_would_be_left(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "put_back", lambda *_: None)
    yard.on_telegram(40)
    yard.queue(range(1, 41))
    lost = Interrupted(yard)
    lost.fails = ["", "", "after"]  # the lane is taken, a first flight, a second one
    async with running(yard.lane(database=lost, window=10)):
        await eventually(lambda: lost.failed and yard.all_are("sent", "sending")())
        await asyncio.sleep(0.5)
        assert statuses(yard.database)["sending"] > 0


@pytest.mark.parametrize("how", ["slow before", "slow after"])
async def test_a_database_that_answers_after_the_end_of_the_lease_finds_nobody_sending(yard: Yard, how: str) -> None:
    """The lane is lost at that end, not at the answer; what was taken up meanwhile is sent by whoever comes next."""
    yard.on_telegram(30)
    yard.queue(range(1, 31))
    yard.platform.seconds = 0.01
    slow, lost = Interrupted(yard), []
    slow.fails = ["", "", how]  # the lane is taken, a first flight, a second one
    lane = yard.lane(
        database=slow,
        window=10,
        lease=timedelta(seconds=0.6),
        on_lost=lambda: lost.append((slow.failed, len(to(yard)))),
    )
    async with running(lane):
        await eventually(lambda: lost)
        assert not lane.held
        await eventually(yard.all_are("sent"))
    assert lost[0] == (1, 10)
    assert sorted(map(int, to(yard))) == list(range(1, 31))
    assert {row.attempts for row in yard.deliveries()} == {1}


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
    lane = yard.lane(lease=timedelta(seconds=10))
    async with running(lane):
        await eventually(lambda: yard.platform.busy > 20)
        began = seconds()
        await lane.drain()
        assert seconds() - began < 1
        assert not lane.held
    sent = len(to(yard))
    assert statuses(yard.database) == {"sent": sent, "queued": 60 - sent}
    assert sent >= 30
    other, began = yard.lane(holder="there", lease=timedelta(seconds=10)), seconds()
    async with running(other):
        await eventually(lambda: other.held)
        assert seconds() - began < 1
        await eventually(yard.all_are("sent"))
    assert sorted(map(int, to(yard))) == list(range(1, 61))


async def test_what_waits_for_its_second_is_given_back_when_the_lane_is_drained(quick_yard: Yard) -> None:
    quick_yard.on_telegram(60)
    quick_yard.queue(range(1, 61))
    lane = quick_yard.lane(rate=20.0, lease=timedelta(seconds=10))
    async with running(lane):
        await eventually(lambda: len(to(quick_yard)) >= 3)
        began = seconds()
        await lane.drain()
        assert seconds() - began < 0.5
    assert statuses(quick_yard.database) == {"sent": len(to(quick_yard)), "queued": 60 - len(to(quick_yard))}
    assert {row.attempts for row in quick_yard.deliveries() if row.status == "queued"} == {0}


async def test_a_lane_that_never_ran_or_has_ended_is_drained_at_once(yard: Yard) -> None:
    lane = yard.lane()
    await lane.drain()
    await asyncio.wait_for(lane.run(), 1)
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
