"""Brings a database to the newest tables, one process at a time."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect

from bot.store.database import Database

_LOCK = 0x75736865  # "ushe": the advisory lock under which PostgreSQL is migrated
_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Applies every migration that the database has not seen. Several processes may call it at once."""
    with database.engine.begin() as connection:
        if not database.sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        if _revision(connection) != newest():
            _upgrade(connection)


def newest() -> str:
    """The revision of the newest tables, which its file is named for."""
    return max(path.name for path in (_MIGRATIONS / "versions").glob("0*.py")).partition("_")[0]


def _revision(connection: Connection) -> str | None:
    """The revision of the tables that are there."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def _upgrade(connection: Connection) -> None:
    """Alembic is imported here: it takes 0.3 s and 15 MiB, and most starts find nothing to do."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
