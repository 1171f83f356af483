"""A lane begins to look where it stopped, and still finds what was queued at an earlier place."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from bot.clock import Clock, seconds
from bot.delivery import due, queueing, search
from bot.delivery.announcements import announce
from bot.delivery.flight import Flown
from bot.delivery.queueing import fill_up
from bot.store.outbox import Kind
from tests.delivery.crowd import ALL, town
from tests.delivery.flights import TELEGRAM, Yard, eventually, running, to
from tests.emptied import Open, empty

PEOPLE, LATER = 2_000, 2_001
LONG = 2.0  # seconds: less than the broadcast takes, more than lies between two looks at everything


async def told_meanwhile(yard: Yard, within: float) -> bool:
    """Whether somebody is told before a broadcast is over, whose row is handed over, at an earlier place, within it."""
    yard.on_telegram(LATER)
    yard.queue(range(1, LATER))
    yard.platform.seconds = 0.01
    async with running(yard.lane(window=8)):
        await eventually(lambda: len(yard.platform.took) > 20)
        yard.queue([LATER], "B-2", available_at=yard.clock.now() - timedelta(hours=1))
        end = seconds() + within
        while seconds() < end and len(yard.platform.took) < PEOPLE and str(LATER) not in to(yard):
            await asyncio.sleep(0.01)
        told = str(LATER) in to(yard)
        assert len(yard.platform.took) < PEOPLE, "the broadcast was over: this shows nothing"
    return told


async def test_what_is_queued_at_an_earlier_place_is_found_long_before_the_end(quick_yard: Yard) -> None:
    assert await told_meanwhile(quick_yard, within=60)


async def test_control_who_never_looks_at_everything_again_does_not_find_it(
    quick_yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_WHOLE", 60.0)
    assert not await told_meanwhile(quick_yard, within=LONG)


class Slow:
    """A lane's way to a database that takes its time for each transaction."""

    def __init__(self, yard: Yard) -> None:
        self._database, self.found = yard.database, list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def transact(self, work: Any) -> Any:
        """The database's own, late; notes how many rows each took up."""
        await asyncio.sleep(0.05)
        done = await self._database.transact(work)
        self.found.append(len(done.attempts) if isinstance(done, Flown) else 0)
        return done


async def test_where_sends_are_quicker_than_the_database_each_flight_has_a_whole_window(quick_yard: Yard) -> None:
    quick_yard.on_telegram(300)
    quick_yard.queue(range(1, 301))
    quick_yard.platform.seconds = 0.01
    slow = Slow(quick_yard)
    await quick_yard.send_all(quick_yard.lane(database=slow, window=30))
    flights = [found for found in slow.found if found]
    assert sum(flights) == 300
    assert len(flights) <= 15, flights  # ten, unless a busy machine lets a flight leave a little early


@pytest.fixture
def big_yard(kept_open: Open, clock: Clock) -> Yard:
    """A yard on PostgreSQL alone."""
    database = kept_open("postgresql")
    empty(database)
    return Yard(database, clock)


def test_behind_the_floor_the_next_are_found_without_walking_over_those_that_left(big_yard: Yard) -> None:
    with big_yard.database.engine.begin() as connection:  # or those that left may be gone from the index by then
        connection.execute(text("ALTER TABLE delivery SET (autovacuum_enabled = off)"))
    big_yard.on_telegram(PEOPLE)
    big_yard.queue(range(1, PEOPLE + 1))
    now = big_yard.clock.now()

    def look(connection: Connection, floor: due.Floor) -> list[Any]:
        return due.following(connection, TELEGRAM, now, 30, floor)

    with big_yard.database.engine.begin() as connection:
        all_but_a_few = due.following(connection, TELEGRAM, now, PEOPLE - 100)
        floor = due.behind(due.START, all_but_a_few)
        left = {"left": [row[0] for row in all_but_a_few]}
        connection.execute(text("UPDATE delivery SET status = 'sent' WHERE id = ANY(:left)"), left)
    with big_yard.database.engine.begin() as connection:
        rows = look(connection, floor)
        assert len(rows) == 30
        assert rows == look(connection, due.START)
        for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):  # which may seem cheaper for so few rows
            connection.execute(text(f"SET LOCAL enable_{way} = off"))
        explain(connection)
        from_there, from_the_start = (pages(look(connection, place)) for place in (floor, due.START))
        connection.execute(text("ALTER TABLE delivery RESET (autovacuum_enabled)"))
    assert from_there < 10 < from_the_start  # of the index


def explain(connection: Connection) -> None:
    """Lets every further claim tell what it read instead of what it found."""

    def explained(_: Any, __: Any, sql: str, values: Any, *___: Any) -> tuple[str, Any]:
        return sql.replace("\n    SELECT d.id", "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT d.id", 1), values

    event.listen(connection, "before_cursor_execute", explained, retval=True)


def pages(told: list[Any]) -> int:
    """How many pages of the index of what is due were read."""
    waiting, read = [told[0][0][0]["Plan"]], 0
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        read += node["Shared Hit Blocks"] * (node.get("Index Name") == "due_in_lane")
    return read


async def test_postgresql_hears_that_the_table_has_grown(big_yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    database, now = big_yard.database, big_yard.clock.now()
    monkeypatch.setattr(queueing, "_MANY", 50)
    town(database, 60, now)
    analyzed = text("SELECT reltuples FROM pg_class WHERE relname = 'delivery'")
    before = database.read_now(lambda session: session.scalar(analyzed))
    said = {"zh": {"text": "会场定了"}, "en": {"text": "The venue"}}
    database.transact_now(
        lambda found: announce(found, id="B-1", kind=Kind.BROADCAST, accounts=ALL, texts=said, now=now)
    )
    await fill_up(database, ALL, big_yard.clock, size=20)
    assert database.read_now(lambda session: session.scalar(analyzed)) == 60 != before
