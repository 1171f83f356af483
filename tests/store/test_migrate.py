"""The migrations make exactly the tables of the models, once, however many processes start at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlmodel import SQLModel

from bot.store import migrate as migrating
from bot.store.database import Database
from bot.store.migrate import migrate, newest, upgrade

# What each database itself says of its tables. The order of constraints within a table means nothing.
SCHEMA = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
    "postgresql": """
        SELECT 'column ' || table_name || '.' || column_name,
               concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default, is_identity)
          FROM information_schema.columns WHERE table_schema = current_schema()
        UNION ALL SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()
        UNION ALL SELECT 'constraint ' || conname, conrelid::regclass::text || ' ' || pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
        UNION ALL SELECT 'sequence ' || sequencename, concat_ws(' ', data_type, start_value, increment_by, cycle)
          FROM pg_sequences WHERE schemaname = current_schema()
    """,
}


@pytest.fixture
def unmade(database_url: str) -> Iterator[Database]:
    """A database of its own, without any table."""
    database = Database(database_url.replace("postgresql://", "postgresql+psycopg://"))
    yield database
    database.close()


@pytest.fixture
def database(unmade: Database) -> Database:
    """A database of its own, new from the migrations."""
    with unmade.engine.begin() as connection:
        upgrade(connection)
    return unmade


def schema(connection: Connection) -> dict[str, list[str]]:
    """Every part of the tables, by name."""
    found = connection.execute(text(SCHEMA[connection.dialect.name])).all()
    plain = {name: " ".join(sql.replace('"', "").split()).removesuffix(" )") for name, sql in found}
    return {name: sorted(re.split(r", (?![^(]*\))", sql)) for name, sql in plain.items()}


def differences(database: Database) -> list[object]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, SQLModel.metadata))


def test_the_migrations_make_the_tables_of_the_models(database: Database) -> None:
    assert differences(database) == []


def test_a_new_database_has_the_tables_that_the_migrations_make(unmade: Database) -> None:
    with unmade.engine.begin() as connection:
        upgrade(connection)
        migrated = schema(connection)
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        SQLModel.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        assert not inspect(connection).get_table_names()
    migrate(unmade)
    with unmade.engine.connect() as connection:
        made = schema(connection)
        assert MigrationContext.configure(connection).get_current_revision() == version == newest()
    assert len(made) > 20
    assert made == migrated


def test_a_database_with_tables_is_migrated_by_the_migrations(unmade: Database) -> None:
    """Also one that holds only somebody else's."""
    with unmade.engine.begin() as connection:
        connection.execute(text("CREATE TABLE somebody (id INTEGER)"))
    migrate(unmade)
    assert [str(difference[0]) for difference in differences(unmade)] == ["remove_table"]


def test_a_difference_would_be_seen(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("DROP INDEX one_own_registration"))
        connection.execute(text("ALTER TABLE contact ADD COLUMN shoe_size INTEGER"))
    assert len(differences(database)) == 2


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate(database)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == newest()


def test_looking_whether_there_is_something_to_migrate_needs_no_lock(database: Database) -> None:
    """Whoever writes holds it, maybe for long: a command that only shows something goes on."""
    another = Database(database.url.render_as_string(hide_password=False))
    with database.engine.begin() as writing:
        writing.execute(text("INSERT INTO setting (name, value) VALUES ('a', 'b')"))
        if not database.sqlite:
            writing.exec_driver_sql(f"SELECT pg_advisory_xact_lock({migrating._LOCK})")
        migrate(another)  # raises, where it waits for the lock
        assert another.read_now(lambda session: session.execute(text("SELECT count(*) FROM setting")).scalar()) == 0
    another.close()


def test_the_newest_migration_is_the_one_that_alembic_ends_with() -> None:
    assert [newest()] == ScriptDirectory.from_config(migrating._config()).get_heads()


def test_processes_that_start_at_once_migrate_once(database_url: str) -> None:
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    databases = [Database(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, databases))
    assert differences(databases[0]) == []
    for database in databases:
        database.close()
