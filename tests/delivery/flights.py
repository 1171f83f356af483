"""What lanes are tried with: a platform that does what it is told, deliveries put straight into the table."""

from __future__ import annotations

from collections import Counter

from bot.store.database import Database
from bot.store.outbox import Delivery
from tests.stored import rows


def statuses(database: Database) -> Counter[str]:
    """How many deliveries stand in each status."""
    return Counter(row.status for row in rows(database, Delivery))
