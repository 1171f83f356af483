"""Erases what people asked 90 days ago, and what they were answered, each night, with a receipt that says how much."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.clock import Clock
from bot.content.event import Event
from bot.registration.purge import BY, last_night
from bot.store.database import Database
from bot.store.outbox import Kind
from bot.store.statement import Statement
from bot.store.tables import Erasure

log = logging.getLogger(__name__)
KEPT = timedelta(days=90)
_SLICE = 500  # rows in one transaction: messages go on in between
_TOLD = "SELECT id FROM announcement WHERE due_at < :before AND kind = 'KIND' ORDER BY due_at LIMIT :slice"
_OLD_NOTES, _OLD_ANSWERS = (_TOLD.replace("KIND", kind) for kind in (Kind.NOTE, Kind.ANSWER))
_OLD = "SELECT id FROM question WHERE asked_at < :before ORDER BY asked_at LIMIT :slice"
_ANY = Statement(f"SELECT 1 WHERE EXISTS ({_OLD}) OR EXISTS ({_OLD_NOTES}) OR EXISTS ({_OLD_ANSWERS})")
# What was passed on to organizers holds the same words, and what they answered speaks of them.
_ERASE = {
    "questions": Statement(f"DELETE FROM question WHERE id IN ({_OLD}) RETURNING id"),  # noqa: S608
    "notes": Statement(f"DELETE FROM announcement WHERE id IN ({_OLD_NOTES}) RETURNING id"),  # noqa: S608
    "answers": Statement(f"DELETE FROM announcement WHERE id IN ({_OLD_ANSWERS}) RETURNING id"),  # noqa: S608
}


async def forget_old(database: Database, event: Event, clock: Clock) -> Erasure | None:
    """Erases what was 90 days old in the last night, questions answered or not, and answers; the receipt, or None.

    What is cut off goes on at the next call. Raises Unavailable.
    """
    before = last_night(event, clock.now()) - KEPT
    if not await database.read(lambda session: _ANY.run(session.connection(), before=before, slice=1)):
        return None
    receipt = f"E-{secrets.token_hex(4).upper()}"
    while await database.write(lambda session: _slice(session, receipt, before, clock.now())):
        pass
    await database.scrub()
    log.info("questions of 90 days ago are erased", extra={"receipt": receipt})
    return await database.read(lambda session: session.get(Erasure, receipt))


def _slice(session: Session, receipt: str, before: datetime, now: datetime) -> int:
    """Erases one slice, and counts it on the receipt; 0: nothing is left that is so old."""
    gone = {name: len(erase.run(session.connection(), before=before, slice=_SLICE)) for name, erase in _ERASE.items()}
    if any(gone.values()):
        row = session.get(Erasure, receipt) or Erasure(id=receipt, erased_at=now, by=BY)
        row.rows = row.rows | {name: row.rows.get(name, 0) + count for name, count in gone.items() if count}
        session.add(row)
    return sum(gone.values())
