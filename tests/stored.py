"""What stands in a database after a talk, for tests to look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from sqlalchemy import Connection, event, text
from sqlmodel import SQLModel, select

from bot.store import statement
from bot.store.database import Database
from bot.store.tables import Asked, Contact, Outcome, Registration

T = TypeVar("T", bound=SQLModel)


def rows(database: Database, table: type[T]) -> list[T]:
    """All rows of a table, the oldest first."""
    return database.read_now(lambda session: list(session.exec(select(table).order_by(text("1")))))


def registered(database: Database) -> list[Registration]:
    """Everybody who is registered, in the order in which that was done."""
    return sorted(rows(database, Registration), key=lambda row: row.id or 0)


def waiting(database: Database) -> list[tuple[str, str]]:
    """What waits for an organizer: (outcome, text)."""
    return [
        (row.outcome, row.text)
        for row in rows(database, Asked)
        if row.closed_at is None and row.outcome in (Outcome.UNKNOWN, Outcome.NOTE)
    ]


def asked(database: Database) -> list[tuple[str, str]]:
    """Every question, and what became of it: (outcome, text)."""
    return [(row.outcome, row.text) for row in rows(database, Asked)]


def contact(database: Database, user_id: str) -> Contact:
    """One person's row."""
    return next(row for row in rows(database, Contact) if row.user_id == user_id)


def everything(database: Database) -> bytes:
    """All that is held: on SQLite the bytes of its files, with the log; on PostgreSQL every row of every table."""
    if database.sqlite:
        path = Path(database.url.database or "")
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    tables = SQLModel.metadata.sorted_tables

    def dump(session: Any) -> str:
        return str([session.execute(table.select()).all() for table in tables])

    return database.read_now(dump).encode()


def found(database: Database, *pieces: str) -> list[str]:
    """Which of these stand anywhere in the database, as UTF-8 or as JSON writes it."""
    held = everything(database)
    forms = {piece: (piece.encode(), ascii(piece)[1:-1].encode()) for piece in pieces}
    return [piece for piece, written in forms.items() if any(form in held for form in written)]


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The SQL that the writing door sends meanwhile, without BEGIN and COMMIT."""
    sent: list[str] = []

    def note(_: object, __: object, sql: str, *___: object) -> None:
        if not sql.lstrip().upper().startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            sent.append(sql)

    def run(connection: Connection, sql: str, values: Any) -> Any:
        sent.append(sql)
        return execute(connection, sql, values)

    execute = statement.execute  # SQLite's own door, which SQLAlchemy's events do not see
    event.listen(database.engine, "before_cursor_execute", note)
    try:
        with mock.patch.object(statement, "execute", run):
            yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
