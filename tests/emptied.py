"""One database of each kind for many talks, emptied before each: making one takes longer than most talks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlmodel import SQLModel

from bot.store.database import Database
from bot.store.migrate import migrate
from tests.conftest import postgresql_url, sqlite_url

Open = Callable[[str], Database]


def opened(url: str) -> Database:
    """A database with the newest tables."""
    database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    migrate(database)
    return database


def empty(database: Database) -> None:
    """Deletes every row."""
    with database.engine.begin() as connection:
        for table in reversed(SQLModel.metadata.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture(scope="session")
def kept_open(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Opens the database of a kind, once."""
    databases: dict[str, Database] = {}

    def of_kind(kind: str) -> Database:
        if kind not in databases:
            sqlite = kind == "sqlite"
            url = (
                sqlite_url(tmp_path_factory.mktemp("talks"))
                if sqlite
                else postgresql_url(request.getfixturevalue("postgresql"))
            )
            databases[kind] = opened(url)
        return databases[kind]

    yield of_kind
    for database in databases.values():
        database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, kept_open: Open) -> Database:
    """An empty database: the test runs once on each kind."""
    database = kept_open(request.param)
    empty(database)
    return database
