"""Deliveries that wait for something and whose time is over meanwhile."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from sqlalchemy import Connection, exists, select, update
from sqlmodel import Session, col

from bot.clock import Clock
from bot.delivery.queueing import SLICE, TOO_LATE
from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery, DeliveryStatus

_OPEN = (DeliveryStatus.QUEUED, DeliveryStatus.WAITING)


async def skip_late(database: Database, clock: Clock) -> int:
    """Skips what is not useful any more, so that lists and counts say so; how many. To be called each minute.

    No lane sends it anyway: that is asked again before each one.
    """
    late = await database.read(lambda session: _late(session, clock.now()))
    skipped = 0
    while late and (gone := await database.transact(partial(_skip, late=late))):
        skipped += gone
    return skipped


def _late(session: Session, now: datetime) -> list[str]:
    """The announcements which are too late for some whom they mean."""
    someone = exists().where(col(Delivery.announcement_id) == col(Announcement.id), col(Delivery.status).in_(_OPEN))
    return list(session.scalars(select(col(Announcement.id)).where(col(Announcement.latest_at) <= now, someone)))


def _skip(connection: Connection, late: list[str]) -> int:
    """Skips a slice; the status is asked twice, because a lane may be quicker."""
    is_open = col(Delivery.status).in_(_OPEN)
    some = select(col(Delivery.id)).where(col(Delivery.announcement_id).in_(late), is_open).limit(SLICE)
    values = {"status": DeliveryStatus.SKIPPED, "error": TOO_LATE}
    return int(
        connection.execute(update(Delivery).where(col(Delivery.id).in_(some), is_open).values(**values)).rowcount
    )
