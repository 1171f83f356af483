"""The house in which whole conversations happen, and the look back at both platforms after each of them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import pathlib
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager

import pytest
import pytest_asyncio

from tests.conftest import postgresql_url, sqlite_url
from tests.e2e.talk import content_with
from tests.nursery import Served
from tests.served import House, Platforms, house

Visit = Callable[..., AbstractAsyncContextManager[House]]
NewDatabase = Callable[[str], str]
BOTH = ("sqlite", "postgresql")
QUIET = 0.1  # seconds for which silence is listened to: the bot replies before it takes an update, so nothing follows


@contextlib.asynccontextmanager
async def at(database_url: str, patience: float = 5.0, **settings: str) -> AsyncIterator[House]:
    """A house on that database. When it closes, neither platform may have anything to complain about."""
    async with house(database_url, patience, **settings) as home, content_at_the_end(home):
        home.telegram.quiet = QUIET
        yield home


@pytest.fixture(autouse=True)
def _no_fault_of_ours(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A fault of the bot is met with a polite sentence; it must not hide behind that."""
    yield
    errors = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert [error for error in errors if "failed" in error] == []


async def side_by_side(*talks: Coroutine[None, None, None]) -> None:
    """All at once; if one fails, the others end as well."""
    async with asyncio.TaskGroup() as together:
        for one in talks:
            together.create_task(one)


@contextlib.asynccontextmanager
async def content_at_the_end(played: House | Platforms) -> AsyncIterator[None]:
    """Neither platform may have anything to complain about."""
    yield
    content_with(played)


@contextlib.contextmanager
def running(process: Served) -> Iterator[Served]:
    """No process outlives its test."""
    try:
        yield process
    finally:
        if process.running:
            process.kill()


@pytest.fixture
def visit(database_url: str) -> Visit:
    """Opens a house of the test's own, once or again on the same database; settings may be given."""
    return functools.partial(at, database_url)


@pytest.fixture
def new_database(postgresql: str, tmp_path: pathlib.Path) -> NewDatabase:
    """Makes databases of either kind, for tests that mostly wait: on both at once."""

    def made(kind: str) -> str:
        if kind == "postgresql":
            return postgresql_url(postgresql)
        return sqlite_url(pathlib.Path(tempfile.mkdtemp(dir=tmp_path)))

    return made


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The database of the house that many talks share."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path_factory.mktemp("house"))
    return postgresql_url(request.getfixturevalue("postgresql"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_house(shared_url: str) -> AsyncIterator[House]:
    """One house for many talks, each by people of its own."""
    async with house(shared_url) as home:
        home.telegram.quiet = QUIET
        yield home


@pytest.fixture
def home(shared_house: House) -> Iterator[House]:
    """The shared house; after each test neither platform may have anything to complain about."""
    yield shared_house
    content_with(shared_house)
