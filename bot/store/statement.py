"""SQL that every message runs: written out once for both databases, and handed to the driver as it stands."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_NAMED = re.compile(r"(?<!:):(\w+)")  # :name, but no ::cast


class Statement:
    """One statement with `:name` parameters; values are texts, numbers, booleans and aware times.

    Measured on SQLite: SQLAlchemy's `text()` takes 60 microseconds a run for building and converting, its driver SQL
    16, this 2. Rows are tuples, and times in them as the database gives them: see `moment`.
    """

    def __init__(self, sql: str) -> None:
        self._sqlite = sql
        self._postgresql = _NAMED.sub(r"%(\1)s", sql.replace("%", "%%"))

    def run(self, connection: Connection, **values: Any) -> Sequence[Sequence[Any]]:
        """Runs it in the connection's transaction; its rows. Raises ValueError for a naive time."""
        if connection.dialect.name == "sqlite":
            return execute(connection, self._sqlite, _for_sqlite(values))
        result = connection.exec_driver_sql(self._postgresql, values)
        return result.all() if result.returns_rows else ()

    def row(self, connection: Connection, **values: Any) -> Any:
        """Runs it; its first row, or None."""
        return next(iter(self.run(connection, **values)), None)


def execute(connection: Connection, sql: str, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """Runs SQL by SQLite's driver itself; its faults are raised as SQLAlchemy raises them."""
    driver = connection.connection.driver_connection
    assert driver is not None
    try:
        rows: list[tuple[Any, ...]] = driver.execute(sql, values).fetchall()
    except sqlite3.Error as fault:
        raise DBAPIError.instance(sql, None, fault, sqlite3.Error, hide_parameters=True) from fault
    return rows


def moment(stored: datetime | str | None) -> datetime | None:
    """A time that a Statement gave back: PostgreSQL's is one, SQLite's is text in UTC."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC) if isinstance(stored, str) else stored


def _for_sqlite(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _text(value) if isinstance(value, datetime) else value for name, value in values.items()}


@lru_cache(maxsize=64)  # one message or one flight writes the same few times again and again
def _text(value: datetime) -> str:
    """A time as SQLAlchemy stores it in SQLite, so that both read each other's."""
    if value.tzinfo is None:
        raise ValueError("expected an aware time")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
