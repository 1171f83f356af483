"""The nightly purge: some days after the event, everything about people is erased, a slice at a time."""

from __future__ import annotations

import json
import logging
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, SQLModel, col

from bot.clock import Clock
from bot.content.event import Event
from bot.registration.erase import erase, new_receipt
from bot.store.database import Database
from bot.store.noted import note
from bot.store.outbox import EXPECTED, Announcement, Delivery, TemplateEnd
from bot.store.statement import Statement
from bot.store.tables import Asked, Contact, Conversation, Erasure, Kept, Message, Registration, Setting

log = logging.getLogger(__name__)
PURGED = "purged"  # the setting that says how far the purge is: {"receipt", "finished_at"}
BY = "retention"  # who erased, on the receipt
_NIGHT = time(3)  # on the event's clock
_LOCK = Statement("""
    INSERT INTO setting (name, value) VALUES (:name, '{}')
    ON CONFLICT (name) DO UPDATE SET value = setting.value RETURNING value
""")
_SLICE = 500  # rows in one transaction: messages go on in between

# In this order nothing goes along with something else uncounted. Reminders and broadcasts stay: they are about nobody,
# and while they stand nobody plans them again.
_TABLES: tuple[tuple[str, type[SQLModel], str], ...] = (
    ("deliveries", Delivery, "id"),
    ("decisions", Announcement, "id"),
    ("reports", TemplateEnd, "receipt"),
    ("messages", Message, "id"),
    ("conversations", Conversation, "contact_id"),
    ("questions", Asked, "id"),
    ("kept", Kept, "id"),
    ("registrations", Registration, "id"),
    ("contacts", Contact, "id"),
)


def begins(event: Event) -> datetime:
    """From when on nothing about people is kept: retention_days days after the event's end, by the event's clock."""
    day = event.date + timedelta(days=event.retention_days)
    return datetime.combine(day, event.ends, event.zone)


def due(event: Event, now: datetime, finished_at: datetime | None = None) -> bool:
    """Whether it is time: as soon as retention is over, then again each night, for those who wrote since."""
    if now < begins(event):
        return False
    return finished_at is None or finished_at < last_night(event, now)


async def purge(database: Database, event: Event, clock: Clock) -> Erasure | None:
    """Erases everything about people if it is time; the receipt, or None: it is not, or nobody was there.

    Cut off at any point, it goes on from there when it is called again: each slice is written together with what the
    receipt counts, and it is finished only after the files were scrubbed. Raises Unavailable.
    """
    if clock.now() < begins(event):  # for months this is all that is asked
        return None
    if not due(event, clock.now(), await database.read(_finished)):
        return None
    while await database.write(lambda session: _next_slice(session, clock.now())):
        pass
    await database.scrub()
    receipt = await database.write(lambda session: _finish(session, clock.now()))
    if receipt:
        log.info("retention is over: what was held about people is erased", extra={"receipt": receipt.id})
    return receipt


def last_night(event: Event, now: datetime) -> datetime:
    """When it was time for what is erased each night: three o'clock on the event's clock."""
    local = now.astimezone(event.zone)
    night = datetime.combine(local.date(), _NIGHT, event.zone)
    return night if night <= local else datetime.combine(local.date() - timedelta(days=1), _NIGHT, event.zone)


def _finished(session: Session) -> datetime | None:
    setting = session.get(Setting, PURGED)
    stored = _progress(setting.value)["finished_at"] if setting else None
    return datetime.fromisoformat(stored) if stored else None


def _next_slice(session: Session, now: datetime) -> int:
    """Erases one slice of the first table that still holds something, and counts it; 0: they are all empty."""
    progress = _lock(session)
    for name, table, key in _TABLES:
        if gone := _erase_oldest(session, table, key):
            _count(session, progress, name, gone, now)
            return gone
    return 0


def _erase_oldest(session: Session, table: type[SQLModel], key: str) -> int:
    column = col(getattr(table, key))
    oldest = select(column).order_by(column).limit(_SLICE)
    if table is Announcement:
        oldest = oldest.where(col(Announcement.kind).in_(EXPECTED))
    return erase(session, table, column.in_(oldest))


def _count(session: Session, progress: dict[str, Any], name: str, gone: int, now: datetime) -> None:
    """Adds to the receipt of this purge, which the first slice makes."""
    receipt = session.get(Erasure, progress["receipt"]) if progress["receipt"] else None
    if receipt is None:
        receipt = new_receipt(BY, now, {})
        _write(session, progress | {"receipt": receipt.id})
    receipt.rows = receipt.rows | {name: receipt.rows.get(name, 0) + gone}
    session.add(receipt)


def _finish(session: Session, now: datetime) -> Erasure | None:
    progress = _lock(session)
    _write(session, {"receipt": None, "finished_at": now.isoformat()})
    return session.get(Erasure, progress["receipt"]) if progress["receipt"] else None


def _lock(session: Session) -> dict[str, Any]:
    """How far the purge is. Two nodes that purge at once take turns, and count on one receipt."""
    return _progress(_LOCK.row(session.connection(), name=PURGED)[0])


def _write(session: Session, progress: dict[str, Any]) -> None:
    note(session.connection(), PURGED, json.dumps(progress))


def _progress(stored: str) -> dict[str, Any]:
    progress: dict[str, Any] = json.loads(stored)
    return {"receipt": None, "finished_at": None} | progress
