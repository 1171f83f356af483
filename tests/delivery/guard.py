"""Takes away what makes a delivery unique, for tests that must fail without it."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint, update

from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery, State
from tests.emptied import empty


def rebuild(database: Database, *, guarded: bool) -> None:
    """Empties everything and makes the table of deliveries anew, with what makes them unique or without."""
    table = Delivery.__table__
    unique = next(row for row in table.constraints if isinstance(row, UniqueConstraint))
    empty(database)
    table.drop(database.engine)
    if not guarded:
        table.constraints.discard(unique)
    try:
        table.create(database.engine)
    finally:
        table.constraints.add(unique)


def forget_how_far_it_came(database: Database) -> None:
    """Plans everything that was planned from its beginning, as a node would that lost its memory."""
    planned = update(Announcement).where(Announcement.state == State.PLANNED)
    back = planned.values(state=State.PLANNING, planned_to=0)
    database.transact_now(lambda connection: connection.execute(back))
