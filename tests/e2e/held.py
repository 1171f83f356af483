"""Somebody else who holds the database: another writer, as a real one would, on a connection of its own."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator

import psycopg

LetGo = Callable[[], None]


@contextlib.contextmanager
def held(database_url: str, seconds: float = 60) -> Iterator[LetGo]:
    """Holds the database against writers for so many seconds from now, or until it is told to let go."""
    taken, enough = threading.Event(), threading.Event()
    hold = _sqlite if database_url.startswith("sqlite") else _postgresql
    holder = threading.Thread(target=hold, args=(database_url, taken, lambda: enough.wait(seconds)), daemon=True)
    holder.start()
    assert taken.wait(5), "the database could not be had"
    try:
        yield enough.set
    finally:
        enough.set()
        holder.join()


def _sqlite(database_url: str, taken: threading.Event, wait: Callable[[], bool]) -> None:
    with contextlib.closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        taken.set()
        wait()
        other.execute("ROLLBACK")


def _postgresql(database_url: str, taken: threading.Event, wait: Callable[[], bool]) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE contact IN EXCLUSIVE MODE")
        taken.set()
        wait()
        other.rollback()
