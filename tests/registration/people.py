"""People who are registered, without the talk in which they did it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.delivery.routes import Accounts
from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery
from bot.store.tables import Contact, Registration, Status
from tests.conftest import NOW
from tests.stored import rows

ACCOUNTS = Accounts(telegram="7", email=True)


def registered_as(
    database: Database, *statuses: Status, since: datetime = NOW - timedelta(days=30), **more: Any
) -> list[str]:
    """Registers people on Telegram, one for each status, a minute apart; their references."""
    first = len(rows(database, Registration))
    references = [f"FFS-{number:06}" for number in range(first, first + len(statuses))]

    def write(session: Session) -> None:
        for number, (reference, status) in enumerate(zip(references, statuses, strict=True), first):
            then = since + timedelta(minutes=number)
            person = Contact(channel="telegram", account="7", user_id=f"u{number}", created_at=then, seen_at=then)
            session.add(person)
            session.flush()
            values: dict[str, Any] = {"contact_id": person.id, "email": f"u{number}@example.com", **more}
            session.add(
                Registration(
                    reference=reference,
                    status=status,
                    name=f"Name {number}",
                    consent_at=then,
                    created_at=then,
                    **values,
                )
            )

    database.write_now(write)
    return references


def standing(database: Database) -> list[str]:
    """The status of everybody, in the order of registration."""
    return [row.status for row in sorted(rows(database, Registration), key=lambda row: (row.created_at, row.id))]


def told(database: Database) -> list[tuple[str, str, str]]:
    """What was announced: (id of the announcement, way, status of the delivery), in the order written."""
    return [(row.announcement_id, row.way, row.status) for row in sorted(rows(database, Delivery), key=_id)]


def decisions(database: Database) -> dict[str, dict[str, Any]]:
    """What each announcement says, by its id."""
    return {row.id: row.more for row in rows(database, Announcement)}


def _id(row: Delivery) -> int:
    return row.id or 0
