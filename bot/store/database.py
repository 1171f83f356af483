"""The database behind two doors: one that writes, in whole transactions, and one that only reads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from bot.clock import pause
from bot.errors import Unavailable
from bot.store.group_commit import GroupCommit, Taken, Undo

T = TypeVar("T")
Work = Callable[[Session], T]

LOCK_SECONDS = 15  # longer than WeChat waits for all three of its requests
STALLED_SECONDS = 5  # half of a lane's lease: whoever froze in a transaction does not keep the lane beyond it
_WRITERS = 8  # PostgreSQL: as many transactions at once from one process
_PATIENCE = "patience"  # seconds that a transaction waits for SQLite's one writer
_WAL_TRIES, _WAL_PAUSE = 40, 0.05  # seconds between them
_TRIES = 3  # PostgreSQL may end one of two transactions that wait for each other


class Database:
    """SQLite or PostgreSQL. SQLite: one writer connection, WAL, FULL; readers apart. PostgreSQL: row locks."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        writers = 1 if self.sqlite else _WRITERS
        self.engine = self._engine(writers, read_only=False)
        self.reader = self._engine(2, read_only=True)
        self._writing = ThreadPoolExecutor(writers, "writer")
        self._reading = ThreadPoolExecutor(2, "reader")
        self._group = GroupCommit(self._at_once)
        self._waiting = 0  # jobs of the writer threads that are not done
        self._closed = False

    async def write(self, work: Work[T]) -> T:
        """Runs work in one transaction. Raises Unavailable; then nothing was changed."""
        return await self.transact(_in_session(work))

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """The same as `write`, for work that needs no session. It may run more than once, and raise Undo.

        SQLite that is free runs it here and now: a millisecond, where handing it to a thread and back costs as much
        again (measured: 713 messages a second instead of 517). Whoever has to wait for a lock waits in a thread.
        """
        if self.sqlite and not self._waiting:
            with contextlib.suppress(Taken):
                return await self._group.run(work)
        return await self._in_thread(lambda: self.transact_now(work))

    async def read(self, work: Work[T]) -> T:
        """Runs work that only reads. Raises Unavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self.read_now, work)

    def write_now(self, work: Work[T]) -> T:
        """The same as `write`, for commands."""
        return self.transact_now(_in_session(work))

    def transact_now(self, work: Callable[[Connection], T]) -> T:
        """Runs work in one transaction in this thread. Raises Unavailable."""
        for attempt in range(_TRIES):
            try:
                with self.engine.begin() as connection:
                    return work(connection)
            except Undo as undone:
                result: T = undone.result
                return result
            except (OperationalError, InterfaceError, PoolTimeout) as error:
                if not self.sqlite and attempt + 1 < _TRIES and _is_deadlock(error):
                    continue
                raise Unavailable(_first_line(error)) from error
            except InternalError as error:
                if not _is_idle_timeout(error):
                    raise
                raise Unavailable(_first_line(error)) from error
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def _at_once(self) -> Iterator[Connection]:
        """A transaction without waiting for anybody. Raises Taken if somebody else is writing, and Unavailable."""
        if self._waiting:  # they came first, and hold the one connection
            raise Taken
        begun = False
        try:
            with self.engine.connect().execution_options(**{_PATIENCE: 0}) as connection, connection.begin():
                begun = True
                yield connection
        except (OperationalError, InterfaceError) as error:
            if not begun:
                raise Taken from error
            raise Unavailable(_first_line(error)) from error

    async def _in_thread(self, job: Callable[[], T]) -> T:
        """Runs a job in a writer thread; a caller who no longer waits does not end it."""
        loop = asyncio.get_running_loop()
        self._waiting += 1
        future = self._writing.submit(job)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
        return await asyncio.wrap_future(future)

    def _done(self) -> None:
        self._waiting -= 1

    def read_now(self, work: Work[T]) -> T:
        """The same as `read`, for commands."""
        try:
            with Session(self.reader) as session:
                return work(session)
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise Unavailable(_first_line(error)) from error

    def close(self) -> None:
        """Lets go of threads and connections; a job that is still running closes its own when it is done."""
        self._closed = True
        self._writing.shutdown(wait=False, cancel_futures=True)
        self._reading.shutdown(wait=False, cancel_futures=True)
        self.engine.dispose()
        self.reader.dispose()

    async def scrub(self) -> None:
        """After an erasure: takes what was deleted out of the files as well, as far as the database lets us.

        SQLite overwrites deleted content (secure_delete) and empties its log here; PostgreSQL vacuums its tables.
        """
        await self._in_thread(self.scrub_now)

    def scrub_now(self) -> None:
        """The same as `scrub`, for commands."""
        statement = "PRAGMA wal_checkpoint(TRUNCATE)" if self.sqlite else "VACUUM"
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if self.sqlite:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={LOCK_SECONDS * 1000}")
                connection.info[_PATIENCE] = LOCK_SECONDS
            connection.exec_driver_sql(statement)

    def _engine(self, size: int, *, read_only: bool) -> Engine:
        engine = self._sqlite_engine(size, read_only) if self.sqlite else self._postgresql_engine(size, read_only)
        event.listen(engine, "checkin", self._given_back)
        return engine

    def _given_back(self, _: object, record: ConnectionPoolEntry) -> None:
        if self._closed:  # nobody looks into the pool again
            record.close()

    def _postgresql_engine(self, size: int, read_only: bool) -> Engine:
        options = f"-c lock_timeout={LOCK_SECONDS}s -c timezone=UTC"
        if read_only:
            options += " -c default_transaction_read_only=on"
        else:
            options += f" -c idle_in_transaction_session_timeout={STALLED_SECONDS * 1000:.0f}"
        return create_engine(
            self.url,
            pool_size=size,
            max_overflow=0,
            pool_pre_ping=read_only,
            connect_args={"options": options, "connect_timeout": 5},
            hide_parameters=True,  # an error's message holds none of what people wrote
        )

    def _sqlite_engine(self, size: int, read_only: bool) -> Engine:
        arguments = {"timeout": LOCK_SECONDS, "check_same_thread": False}
        engine = create_engine(self.url, pool_size=size, max_overflow=0, connect_args=arguments, hide_parameters=True)
        event.listen(engine, "do_connect", lambda *_: _make_private(Path(self.url.database or "")))
        event.listen(engine, "connect", _sqlite_reader if read_only else _sqlite_writer)
        event.listen(engine, "begin", _begin if read_only else _begin_immediate)
        return engine


def _in_session(work: Work[T]) -> Callable[[Connection], T]:
    def in_session(connection: Connection) -> T:
        with Session(connection, expire_on_commit=False, join_transaction_mode="rollback_only") as session:
            result = work(session)
            session.flush()
            return result

    return in_session


def _make_private(file: Path) -> None:
    """Makes the file, if it is new, such that nobody else on this machine may read it; its logs become the same."""
    with contextlib.suppress(OSError):  # what is wrong with the place is said when it is opened
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _sqlite_writer(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_immediate, not by the driver
    _write_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turns the write-ahead log on. SQLite does not wait for others who do the same to a new file; so we do."""
    for remaining in reversed(range(_WAL_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if not remaining:
                raise
            pause(_WAL_PAUSE)
        else:
            return


def _sqlite_reader(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")


def _begin_immediate(connection: Any) -> None:
    """Takes the write lock at once: a transaction that reads first could not get it later."""
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    patience = options.get(_PATIENCE, LOCK_SECONDS)
    if connection.info.get(_PATIENCE, LOCK_SECONDS) != patience:
        connection.connection.driver_connection.execute(f"PRAGMA busy_timeout={patience * 1000}")
        connection.info[_PATIENCE] = patience
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def _is_deadlock(error: Exception) -> bool:
    from psycopg import errors  # for PostgreSQL alone: SQLite starts sooner without

    cause = error.orig if isinstance(error, DBAPIError) else None
    return isinstance(cause, errors.DeadlockDetected | errors.SerializationFailure)


def _is_idle_timeout(error: InternalError) -> bool:
    from psycopg import errors

    return isinstance(error.orig, errors.IdleInTransactionSessionTimeout)


def _first_line(error: Exception) -> str:
    """What the driver says, without the statement and its values."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return f"the database did not answer: {str(cause).splitlines()[0] if str(cause) else type(cause).__name__}"
