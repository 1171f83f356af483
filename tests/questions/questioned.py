"""Questions for tests: put straight into the table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from bot.questions.groups import Question
from bot.store.database import Database
from bot.store.tables import Asked
from tests.conftest import NOW


def question(number: int, text: str, **more: Any) -> Question:
    """One that was asked a minute after the one before it, each by somebody else."""
    known: dict[str, Any] = {
        "id": number,
        "contact_id": number,
        "asked_at": NOW + timedelta(minutes=number),
        "language": "zh",
        "outcome": "unknown",
        "text": text,
        "entry": None,
        "score": None,
    }
    return Question(**known | more)


def ask(database: Database, *texts: str | tuple[str, dict[str, Any]], at: datetime = NOW) -> None:
    """Keeps questions, numbered from 1, each asked by the contact with that number unless told otherwise."""
    rows = []
    for number, row in enumerate(texts, 1):
        text, more = row if isinstance(row, tuple) else (row, {})
        known = {"id": number, "contact_id": number, "asked_at": at + timedelta(minutes=number), "language": "zh"}
        empty = dict.fromkeys(("entry", "score", "closed_at", "answer_id"))
        rows.append({**known, **empty, "outcome": "unknown", "text": text} | more)

    def write(connection: Connection) -> None:
        connection.execute(Asked.__table__.insert(), rows)  # type: ignore[attr-defined]

    database.transact_now(write)
