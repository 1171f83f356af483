"""What tests of deliveries share: one database of each kind, and a yard to send from."""

from __future__ import annotations

import pytest

from bot.clock import Clock
from bot.store.database import Database
from tests.delivery.flights import Yard
from tests.emptied import Open, database, empty, kept_open

__all__ = ["database", "kept_open"]


@pytest.fixture
def yard(database: Database, clock: Clock) -> Yard:
    """A place to send from."""
    return Yard(database, clock)


@pytest.fixture
def quick_yard(kept_open: Open, clock: Clock) -> Yard:
    """A yard on SQLite alone, for what takes seconds and is not about the database."""
    database = kept_open("sqlite")
    empty(database)
    return Yard(database, clock)


@pytest.fixture
def postgresql_only(kept_open: Open) -> Database:
    """PostgreSQL, where transactions really run side by side."""
    database = kept_open("postgresql")
    empty(database)
    return database
