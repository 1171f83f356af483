"""Those who write at the same moment share one commit on SQLite; what one of them does wrong is taken back alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session

from bot.errors import Unavailable
from bot.store.database import Database
from bot.store.group_commit import Undo
from bot.store.statement import Statement
from tests.emptied import opened

Work = Callable[[Connection], Any]
_PUT = Statement("INSERT INTO setting (name, value) VALUES (:name, '')")


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    database = opened(f"sqlite:///{tmp_path / 'usher.db'}")
    yield database
    database.close()


def put(name: str) -> Work:
    def work(connection: Connection) -> str:
        _PUT.run(connection, name=name)
        return name

    return work


def names(database: Database) -> list[str]:
    return database.read_now(lambda session: list(session.scalars(text("SELECT name FROM setting ORDER BY name"))))


async def at_once(database: Database, *works: Work) -> list[Any]:
    return await asyncio.gather(*(database.transact(work) for work in works), return_exceptions=True)


@contextmanager
def commits(database: Database, then: Callable[[], None] = lambda: None) -> Iterator[list[None]]:
    """One item a commit of the writing door; `then` runs before it."""
    seen: list[None] = []

    def committing(_: Connection) -> None:
        seen.append(None)
        then()

    event.listen(database.engine, "commit", committing)
    yield seen
    event.remove(database.engine, "commit", committing)


async def test_ten_at_once_are_one_commit_and_all_are_there(sqlite: Database) -> None:
    with commits(sqlite) as seen:
        assert await at_once(sqlite, *(put(f"{n}") for n in range(10))) == [f"{n}" for n in range(10)]
    assert len(seen) == 1
    assert names(sqlite) == [f"{n}" for n in range(10)]


async def test_ten_after_each_other_are_ten_commits(sqlite: Database) -> None:
    with commits(sqlite) as seen:
        for n in range(10):
            await sqlite.transact(put(f"{n}"))
    assert len(seen) == 10


async def test_nobody_hears_of_a_result_before_it_is_on_the_disk(sqlite: Database) -> None:
    told: list[bool] = []
    tasks = [asyncio.create_task(sqlite.transact(put(name))) for name in "abc"]
    with commits(sqlite, lambda: told.extend(task.done() for task in tasks)):
        await asyncio.gather(*tasks)
    assert told == [False] * 3


async def test_a_commit_that_fails_fails_for_all_and_nothing_is_there(sqlite: Database) -> None:
    def full() -> None:
        raise OperationalError("COMMIT", None, Exception("database or disk is full"))

    with commits(sqlite, full):
        results = await at_once(sqlite, *(put(name) for name in "abc"))
    assert [type(result) for result in results] == [Unavailable] * 3
    assert names(sqlite) == []
    assert await sqlite.transact(put("later")) == "later"


def raising(fault: Exception) -> Work:
    def work(connection: Connection) -> None:
        put("half")(connection)
        raise fault

    return work


def twice(connection: Connection) -> None:
    put("half")(connection)
    put("half")(connection)


def twice_in_a_session(connection: Connection) -> None:
    """Its flush fails, and a session then ends the transaction that it was given."""
    session = Session(connection, join_transaction_mode="rollback_only")
    session.execute(text("INSERT INTO setting (name, value) VALUES ('half', '')"))
    try:
        session.execute(text("INSERT INTO setting (name, value) VALUES ('half', '')"))
    except IntegrityError:
        session.rollback()
        raise


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (raising(RuntimeError("no")), RuntimeError),
        (twice, IntegrityError),
        (twice_in_a_session, IntegrityError),
    ],
    ids=["a fault of ours", "a constraint", "the end of the transaction"],
)
@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "middle", "last"])
async def test_what_one_does_wrong_is_taken_back_and_the_others_stay(
    sqlite: Database, wrong: Work, fault: type[Exception], place: int
) -> None:
    works = [put("a"), put("b")]
    works.insert(place, wrong)
    results = await at_once(sqlite, *works)
    assert isinstance(results.pop(place), fault)
    assert results == ["a", "b"]
    assert names(sqlite) == ["a", "b"]


async def test_without_its_savepoint_half_a_work_would_stay(sqlite: Database) -> None:
    """The control arm: the same two in one transaction, and nothing that takes the first one's half back."""

    def both(connection: Connection) -> None:
        with pytest.raises(RuntimeError):
            raising(RuntimeError("no"))(connection)
        put("b")(connection)

    await sqlite.transact(both)
    assert names(sqlite) == ["b", "half"]


async def test_what_is_undone_has_a_result_and_no_effect(database: Database) -> None:
    results = await at_once(database, put("a"), raising(Undo("known")), put("b"))
    assert results == ["a", "known", "b"]
    assert names(database) == ["a", "b"]
    assert await database.transact(raising(Undo("alone"))) == "alone"
    assert names(database) == ["a", "b"]


async def test_who_was_cancelled_in_line_writes_nothing(sqlite: Database) -> None:
    tasks = [asyncio.create_task(sqlite.transact(put(name))) for name in "abc"]
    await asyncio.sleep(0)  # all three stand in line
    tasks[1].cancel()
    await asyncio.wait(tasks)
    assert names(sqlite) == ["a", "c"]
