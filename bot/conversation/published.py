"""The event's one row, and the venue that was published in it."""

from __future__ import annotations

from sqlmodel import Session, col, select

from bot.content.facts import Venue
from bot.store.tables import Event

EVENT_ROW = "event"  # the row's key: one database holds one event


def published_venue(session: Session) -> Venue | None:
    """The venue as published; None until then. Read each time: another process may have published it just now."""
    stored = session.exec(select(Event.venue).where(col(Event.id) == EVENT_ROW)).first()
    return Venue.from_stored(stored) if stored else None
