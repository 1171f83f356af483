"""Who does not get what is due in a lane, and why: stopped, paused, too late, cancelled, unsubscribed, erased."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from bot.delivery.announcements import SUPERSEDED, pause, resume, stop
from bot.store.outbox import Kind
from bot.store.tables import Contact, Registration
from tests.conftest import NOW
from tests.delivery.flights import Yard, eventually, running, statuses, to

DAY = timedelta(days=1)


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
        await eventually(lambda: "sending" not in statuses(yard.database))
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
        morning = datetime.fromisoformat("2019-10-09T07:00:00+08:00")
        await eventually(lambda: yard.deliveries()[0].available_at == morning)
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


async def test_a_decision_that_another_one_overtook_on_its_way_is_not_sent(yard: Yard) -> None:
    yard.on_telegram(2)
    yard.change(Registration, status="declined")
    yard.queue([1], "D-1", Kind.DECISION, announcement={"more": {"decision": "confirmed"}})
    yard.queue([2], "D-2", Kind.DECISION, announcement={"more": {"decision": "declined"}})
    await yard.send_all()
    assert [(row.status, row.error) for row in yard.deliveries()] == [("skipped", SUPERSEDED), ("sent", "")]
