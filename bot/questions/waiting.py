"""Keeps what waits for an organizer, and lists it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from bot.store.tables import Asked, Outcome


def leave(session: Session, contact_id: int, text: str, language: str, outcome: Outcome, now: datetime) -> None:
    """Keeps a question or a note of one person for the organizers."""
    session.add(Asked(contact_id=contact_id, asked_at=now, language=language, outcome=outcome, text=text))


def waiting(session: Session) -> list[Asked]:
    """Everything that waits, the oldest first."""
    return list(session.scalars(select(Asked).order_by(col(Asked.id))))


def count(session: Session) -> int:
    """How much waits."""
    return session.scalar(select(func.count()).select_from(Asked)) or 0
