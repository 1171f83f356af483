"""An announcement is planned once, whoever plans it, however often, whatever breaks off."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlmodel import col

from bot.clock import Clock
from bot.delivery import queueing
from bot.delivery.queueing import fill_up, queue_slice
from bot.store.database import Database
from bot.store.outbox import Announcement
from tests.conftest import NOW
from tests.delivery.announcing import TEXTS, planned, said
from tests.delivery.crowd import ALL, announcements, deliveries, town
from tests.delivery.guard import forget_how_far_it_came, rebuild
from tests.emptied import Open

HOUR, PATIENCE = timedelta(hours=1), 0.4


# Once, whatever happens


def test_announcing_again_changes_nothing(database: Database) -> None:
    town(database, 3, NOW)
    assert said(database) == said(database, texts={"zh": {"text": "别的"}}, now=NOW + HOUR)
    planned(database)
    said(database)
    assert planned(database) == 0
    assert announcements(database)["B-1"].texts == TEXTS
    assert len(deliveries(database)) == 3


async def test_a_crash_between_two_slices_loses_and_repeats_nothing(database: Database, clock: Clock) -> None:
    town(database, 10, NOW)
    said(database)
    database.transact_now(partial(queue_slice, announcement_id="B-1", accounts=ALL, now=NOW, size=4))
    another = Database(database.url.render_as_string(hide_password=False))
    assert await fill_up(another, ALL, clock, size=4) == 6
    another.close()
    assert [row.person for row in deliveries(database)] == [f"r{number}" for number in range(1, 11)]


def test_a_crash_in_the_middle_of_a_slice_leaves_nothing_of_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    town(database, 5, NOW)
    said(database)
    with monkeypatch.context() as broken:
        broken.setattr(queueing, "_note", _dies)
        with pytest.raises(KeyboardInterrupt):
            planned(database)
    assert deliveries(database) == []
    assert planned(database) == 5


def _dies(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


async def test_two_nodes_plan_it_once(database: Database, clock: Clock) -> None:
    town(database, 40, NOW)
    said(database)
    another = Database(database.url.render_as_string(hide_password=False))
    await asyncio.gather(*(fill_up(node, ALL, clock, size=3) for node in (database, another)))
    another.close()
    assert sorted(row.person for row in deliveries(database)) == sorted(f"r{number}" for number in range(1, 41))


# Control arms: without the guards


@pytest.fixture
def unguarded(database: Database) -> Iterator[Database]:
    """A database whose guard may be taken away: it is put back."""
    yield database
    rebuild(database, guarded=True)


@pytest.mark.parametrize(("guarded", "expected"), [(True, 4), (False, 8)])
def test_control_planned_from_the_beginning_once_more(unguarded: Database, guarded: bool, expected: int) -> None:
    rebuild(unguarded, guarded=guarded)
    town(unguarded, 4, NOW)
    said(unguarded)
    planned(unguarded)
    forget_how_far_it_came(unguarded)
    planned(unguarded)
    assert len(deliveries(unguarded)) == expected


@pytest.fixture
def postgresql_unguarded(kept_open: Open) -> Iterator[Database]:
    """The same on PostgreSQL, where transactions really run side by side."""
    database = kept_open("postgresql")
    yield database
    rebuild(database, guarded=True)


def unlocked(connection: Connection, announcement_id: str) -> Any:
    """Reads how far it came, and keeps nobody else from doing the same."""
    named = select(*Announcement.__table__.c).where(col(Announcement.id) == announcement_id)
    return connection.execute(named).first()


def behind(look: Callable[..., Any], both: threading.Barrier, met: list[bool]) -> Callable[..., Any]:
    """The same look, and then a wait until the other has looked too."""

    def looks(*arguments: Any) -> Any:
        seen = look(*arguments)
        try:
            both.wait(PATIENCE)
            met.append(True)
        except threading.BrokenBarrierError:
            pass
        return seen

    return looks


@pytest.mark.parametrize(
    ("locked", "guarded", "expected"), [(True, True, 5), (True, False, 5), (False, True, 5), (False, False, 10)]
)
async def test_control_two_nodes_that_look_at_the_same_moment(
    postgresql_unguarded: Database, monkeypatch: pytest.MonkeyPatch, locked: bool, guarded: bool, expected: int
) -> None:
    database, met = postgresql_unguarded, list[bool]()
    rebuild(database, guarded=guarded)
    town(database, 5, NOW)
    said(database)
    look = queueing._locked if locked else unlocked
    monkeypatch.setattr(queueing, "_locked", behind(look, threading.Barrier(2), met))
    work = partial(queue_slice, announcement_id="B-1", accounts=ALL, now=NOW)
    await asyncio.gather(*(asyncio.to_thread(database.transact_now, work) for _ in range(2)))
    assert bool(met) is not locked
    assert len(deliveries(database)) == expected
