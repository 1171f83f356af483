"""An organizer holds an announcement, lets it go on, or ends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from bot.delivery import announcements as service
from bot.delivery.announcements import NoSuchAnnouncement
from bot.delivery.queueing import queue_slice
from bot.store.database import Database
from bot.store.outbox import Delivery, Kind, State
from tests.conftest import NOW
from tests.delivery.announcing import planned, said
from tests.delivery.crowd import ALL, announcements, deliveries, registered, settle, telegram, town, wechat

HOUR, PATIENCE = timedelta(hours=1), 0.4


def repeat(database: Database, change: Callable[..., int], *arguments: Any) -> list[int]:
    """Calls a slice's function until it has nothing left to do."""
    counts = []
    while not counts or counts[-1]:
        counts.append(database.transact_now(lambda connection: change(connection, "B-1", *arguments, size=2)))
    return counts


def leaves(database: Database) -> list[Any]:
    return [row.available_at for row in deliveries(database)]


def test_a_pause_holds_what_is_queued_and_what_is_still_to_be_written(database: Database) -> None:
    town(database, 5, NOW)
    said(database)
    database.transact_now(partial(queue_slice, announcement_id="B-1", accounts=ALL, now=NOW, size=3))
    assert repeat(database, service.pause) == [2, 1, 0]
    assert (leaves(database), planned(database)) == ([None] * 3, 0)
    assert repeat(database, service.resume, NOW + HOUR) == [2, 1, 0]
    assert planned(database, now=NOW + HOUR) == 2
    assert leaves(database) == [NOW + HOUR] * 5
    assert announcements(database)["B-1"].state == State.PLANNED


def test_what_is_stopped_is_skipped_and_never_goes_on(database: Database) -> None:
    settle(
        database,
        [telegram(1, NOW), wechat(2, NOW, message_left=0), telegram(3, NOW)],
        [registered(n, NOW) for n in (1, 2, 3)],
    )
    said(database)
    planned(database)
    sent = update(Delivery).where(col(Delivery.person) == "r1").values(status="sent")
    database.transact_now(lambda connection: connection.execute(sent))
    assert repeat(database, service.stop) == [2, 0]
    assert [(row.status, row.error) for row in deliveries(database)] == [
        ("sent", ""),
        ("skipped", "stopped by an organizer"),
        ("skipped", "stopped by an organizer"),
    ]
    assert repeat(database, service.resume, NOW) == [0]
    assert announcements(database)["B-1"].state == State.STOPPED


def test_a_reminder_that_goes_on_in_the_quiet_hours_waits_for_the_morning(database: Database) -> None:
    town(database, 1, NOW)
    said(database, kind=Kind.REMINDER, more={"zone": "Asia/Shanghai"})
    planned(database)
    repeat(database, service.pause)
    repeat(database, service.resume, NOW.replace(hour=23))
    assert leaves(database) == [NOW.replace(hour=7) + timedelta(days=1)]


@pytest.mark.parametrize("change", [service.pause, service.stop, partial(service.resume, now=NOW)])
def test_what_was_never_announced_cannot_be_changed(database: Database, change: Callable[..., int]) -> None:
    with pytest.raises(NoSuchAnnouncement, match="B-9: no such announcement"):
        database.transact_now(lambda connection: change(connection, "B-9"))
