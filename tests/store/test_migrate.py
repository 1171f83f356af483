"""The migrations make exactly the tables of the models, once, however many processes start at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlmodel import SQLModel

from bot.store.database import Database
from bot.store.migrate import migrate, newest
from tests.conftest import ROOT
from tests.emptied import opened


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database of its own, new from the migrations."""
    database = opened(database_url)
    yield database
    database.close()


def differences(database: Database) -> list[object]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, SQLModel.metadata))


def test_the_migrations_make_the_tables_of_the_models(database: Database) -> None:
    assert differences(database) == []


def test_a_difference_would_be_seen(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("DROP INDEX one_own_registration"))
        connection.execute(text("ALTER TABLE contact ADD COLUMN shoe_size INTEGER"))
    assert len(differences(database)) == 2


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate(database)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == newest()


def test_the_newest_revision_is_the_one_that_alembic_finds() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "bot" / "store" / "migrations"))
    config.set_main_option("path_separator", "os")
    assert newest() == ScriptDirectory.from_config(config).get_current_head()


def test_processes_that_start_at_once_migrate_once(database_url: str) -> None:
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    databases = [Database(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, databases))
    assert differences(databases[0]) == []
    for database in databases:
        database.close()
