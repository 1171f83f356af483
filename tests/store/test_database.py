"""The two doors of the database: whole transactions or nothing, and a reading one that cannot write."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from sqlite3 import ProgrammingError

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InternalError
from sqlmodel import Session

from bot.errors import Unavailable
from bot.store import database as store
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.conftest import postgresql_url
from tests.emptied import Open, empty, opened


def put(session: Session, name: str, value: str = "") -> None:
    session.execute(text("INSERT INTO setting (name, value) VALUES (:name, :value)"), {"name": name, "value": value})


def names(database: Database) -> list[str]:
    return database.read_now(lambda session: list(session.scalars(text("SELECT name FROM setting ORDER BY name"))))


async def test_what_fails_half_way_leaves_nothing(database: Database) -> None:
    def half(session: Session) -> None:
        put(session, "half")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await database.write(half)
    with pytest.raises(IntegrityError):
        await database.write(lambda session: [put(session, "twice") for _ in range(2)])
    assert names(database) == []
    await database.write(lambda session: put(session, "whole"))
    assert names(database) == ["whole"]


async def test_the_reading_door_cannot_write(database: Database) -> None:
    with pytest.raises((Unavailable, InternalError), match=r"(?i)read.?only"):
        await database.read(lambda session: put(session, "x"))
    assert names(database) == []


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    held, done = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        put(session, "unseen")
        held.set()
        assert done.wait(5)

    writing = asyncio.create_task(asyncio.to_thread(database.write_now, hold))
    await asyncio.to_thread(held.wait, 5)
    assert names(database) == []
    done.set()
    await writing
    assert names(database) == ["unseen"]


def test_a_job_that_outlives_the_database_closes_its_connection(database_url: str) -> None:
    database = Database(database_url.replace("postgresql://", "postgresql+psycopg://"))
    held, done = threading.Event(), threading.Event()
    used = []

    def hold(session: Session) -> None:
        used.append(session.connection().connection.driver_connection)
        held.set()
        assert done.wait(5)

    for door in (database.write_now, database.read_now):
        held.clear()
        done.clear()
        with ThreadPoolExecutor(1) as thread:
            job = thread.submit(door, hold)
            assert held.wait(5)
            database.close()
            done.set()
            job.result()
    with pytest.raises((ProgrammingError, psycopg.OperationalError), match="closed"):
        used[0].execute("SELECT 1")
    with pytest.raises((ProgrammingError, psycopg.OperationalError), match="closed"):
        used[1].execute("SELECT 1")


async def test_many_writers_at_once_all_get_their_turn(database: Database) -> None:
    await asyncio.gather(*(database.write(lambda session, n=n: put(session, f"{n:02}")) for n in range(40)))
    assert names(database) == [f"{n:02}" for n in range(40)]


def test_sqlite_is_kept_safe_against_power_cuts_and_forgets_what_is_deleted(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.engine.connect() as connection:
        pragmas = {name: connection.scalar(text(f"PRAGMA {name}")) for name in
                   ("journal_mode", "synchronous", "foreign_keys", "secure_delete")}  # fmt: skip
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    database.close()


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://nobody:secret@127.0.0.1:1/nothing", "sqlite:////no/such/folder/usher.db"]
)
async def test_a_database_that_is_not_there_is_unavailable_and_its_password_is_not_told(url: str) -> None:
    database = Database(url)
    for door in (database.write, database.read):
        with pytest.raises(Unavailable) as away:
            await door(lambda session: session.execute(text("SELECT 1")))
        assert str(away.value).startswith("the database did not answer: ")
        assert "secret" not in str(away.value)
    database.close()


async def test_what_a_fault_quotes_holds_no_values(database: Database) -> None:
    await database.write(lambda session: put(session, "a"))
    with pytest.raises(IntegrityError) as fault:
        await database.write(lambda session: put(session, "a", "13800138000"))
    assert "13800138000" not in str(fault.value).split("DETAIL")[0]


def test_of_two_postgresql_transactions_that_wait_for_each_other_both_succeed(kept_open: Open) -> None:
    database = kept_open("postgresql")
    empty(database)
    database.write_now(lambda session: [put(session, name) for name in ("a", "b")])
    both = threading.Barrier(2)

    def change(first: str, second: str) -> None:
        tries: list[int] = []

        def work(session: Session) -> None:
            tries.append(1)
            for name in (first, second):
                session.execute(text("UPDATE setting SET value = value || 'x' WHERE name = :name"), {"name": name})
                if name == first and len(tries) == 1:
                    both.wait(5)

        database.write_now(work)

    threads = [threading.Thread(target=change, args=order) for order in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    values = database.read_now(lambda session: list(session.scalars(text("SELECT value FROM setting"))))
    assert values == ["xx", "xx"]


@pytest.mark.parametrize(("patience", "goes_on"), [(1, True), (0, False)], ids=["", "control"])
def test_whoever_freezes_in_a_postgresql_transaction_does_not_keep_its_locks(
    postgresql: str, monkeypatch: pytest.MonkeyPatch, patience: float, goes_on: bool
) -> None:
    """As a process does that is stopped in the middle of a flight: another must get at the lane."""
    url = postgresql_url(postgresql)
    opened(url).close()  # its migrations may take their time, the flight below may not
    monkeypatch.setattr(store, "STALLED_SECONDS", patience)
    monkeypatch.setattr(store, "LOCK_SECONDS", 3)
    frozen, other = opened(url), opened(url)
    empty(other)
    other.write_now(lambda session: put(session, "lane"))
    locked, thawed, ends = threading.Event(), threading.Event(), []

    def stops(session: Session) -> None:
        session.execute(text("UPDATE setting SET value = 'frozen'"))
        locked.set()
        thawed.wait(10)

    def freeze() -> None:
        try:
            frozen.write_now(stops)
        except Unavailable as error:
            ends.append(error)

    thread = threading.Thread(target=freeze)
    thread.start()
    locked.wait(5)
    try:
        if goes_on:
            other.write_now(lambda session: session.execute(text("UPDATE setting SET value = 'other'")))
        else:
            with pytest.raises(Unavailable):
                other.write_now(lambda session: session.execute(text("UPDATE setting SET value = 'other'")))
    finally:
        thawed.set()
        thread.join(10)
    values = other.read_now(lambda session: list(session.scalars(text("SELECT value FROM setting"))))
    assert values == ["other" if goes_on else "frozen"]
    assert len(ends) == goes_on
    for database in (frozen, other):
        database.close()


async def test_scrubbing_empties_the_log_of_sqlite(tmp_path: Path) -> None:
    database = opened(f"sqlite:///{tmp_path / 'usher.db'}")
    await database.write(lambda session: put(session, "a name to forget"))
    await database.write(lambda session: session.execute(text("DELETE FROM setting")))
    log = tmp_path / "usher.db-wal"
    assert b"a name to forget" in log.read_bytes()
    await database.scrub()
    assert log.read_bytes() == b""
    assert b"a name to forget" not in (tmp_path / "usher.db").read_bytes()
    database.close()


async def test_whoever_waits_for_a_lock_keeps_nobody_else_from_running(tmp_path: Path) -> None:
    first, second = (Database(f"sqlite:///{tmp_path / 'a.db'}") for _ in range(2))
    migrate(first)
    held, done = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        put(session, "held")
        held.set()
        assert done.wait(5)

    holding = asyncio.create_task(asyncio.to_thread(first.write_now, hold))
    await asyncio.to_thread(held.wait, 5)
    waiting = [asyncio.create_task(second.write(lambda session, n=n: put(session, f"{n}"))) for n in range(3)]
    await asyncio.sleep(0.05)  # the loop runs on: none of the three holds it up
    assert not any(task.done() for task in waiting)
    waiting[1].cancel()  # a caller who goes away ends nobody's work but their own
    done.set()
    await asyncio.gather(holding, *waiting, return_exceptions=True)
    await second.write(lambda session: put(session, "after"))
    assert {"held", "0", "2", "after"} <= set(names(first))
    first.close()
    second.close()
