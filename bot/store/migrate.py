"""Brings a database to the newest tables, one process at a time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.store.database import Database

_LOCK = 0x75736865  # "ushe": the advisory lock under which PostgreSQL is migrated


def migrate(database: Database) -> None:
    """Applies every migration that the database has not seen. Several processes may call it at once."""
    config = _config()
    with database.engine.begin() as connection:
        if not database.sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        if MigrationContext.configure(connection).get_current_revision() == newest():
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def newest() -> str:
    """The revision of the newest tables."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
