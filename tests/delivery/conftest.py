"""What tests of deliveries share: one database of each kind, and a yard to send from."""

from __future__ import annotations

import pytest

from bot.clock import Clock
from bot.store.database import Database
from tests.delivery.flights import Yard
from tests.emptied import database, kept_open

__all__ = ["database", "kept_open"]


@pytest.fixture
def yard(database: Database, clock: Clock) -> Yard:
    """A place to send from."""
    return Yard(database, clock)
