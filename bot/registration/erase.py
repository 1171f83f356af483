"""Erases rows and counts them, and opens the receipt that says how much was erased, never whose."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, SQLModel

from bot.store.tables import Erasure


def erase(session: Session, table: type[SQLModel], *where: ColumnElement[bool]) -> int:
    """Deletes the rows which meet all conditions; how many they were."""
    return session.exec(delete(table).where(*where)).rowcount


def new_receipt(by: str, now: datetime, rows: dict[str, int]) -> Erasure:
    """A receipt with a number of its own, not written yet."""
    return Erasure(id=f"E-{secrets.token_hex(4).upper()}", erased_at=now, by=by, rows=rows)
