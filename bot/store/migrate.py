"""Brings a database to the newest tables, one process at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect
from sqlmodel import SQLModel

from bot.store import outbox, tables
from bot.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
_REVISION = Table(  # where Alembic looks for what a database has seen
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
_LOCK = 0x75736865  # "ushe": the advisory lock under which PostgreSQL is migrated


def migrate(database: Database) -> None:
    """Applies every migration that the database has not seen. Several processes may call it at once.

    Where there is none it only reads: a command that shows something need not wait for whoever writes.
    Alembic is imported only where there is something for it to do: it is 9 MiB of memory and 0.1 s of a start. So a
    database without any table is given those of the models, which are what the migrations would have made:
    https://alembic.sqlalchemy.org/en/latest/cookbook.html#building-an-up-to-date-database-from-scratch
    """
    with database.reader.connect() as reading:
        if _revision(reading) == newest():
            return
    with database.engine.begin() as connection:
        if not database.sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        if _revision(connection) == newest():
            return
        if inspect(connection).get_table_names():
            upgrade(connection)
        else:
            _make(connection)


def upgrade(connection: Connection) -> None:
    """Applies the migrations one by one, to any database."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _make(connection: Connection) -> None:
    """Makes the newest tables, and says that every migration was seen."""
    assert tables.Contact.metadata is outbox.Lane.metadata is SQLModel.metadata  # both modules filled it
    SQLModel.metadata.create_all(connection, checkfirst=False)
    _REVISION.create(connection)
    connection.execute(_REVISION.insert().values(version_num=newest()))


def newest() -> str:
    """The revision of the newest tables: files of migrations are named for theirs, which count on."""
    return max(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return row[0] if row else None


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
