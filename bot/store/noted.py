"""What processes note down for each other and for the next start, by name."""

from __future__ import annotations

from sqlalchemy import Connection

from bot.store.statement import Statement

_NOTE = Statement("""
    INSERT INTO setting (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value
""")
_NOTED = Statement("SELECT value FROM setting WHERE name = :name")


def note(connection: Connection, name: str, value: str) -> None:
    """Writes it over whatever stood there. Several processes may do so at the same moment."""
    _NOTE.run(connection, name=name, value=value)


def noted(connection: Connection, name: str) -> str | None:
    """What stands there; None: nothing does."""
    found = _NOTED.row(connection, name=name)
    return str(found[0]) if found else None
