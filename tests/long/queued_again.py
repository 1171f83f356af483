"""A fault put in: who takes over a lane queues again what was being sent, as if nothing of it could have arrived."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from bot.delivery import leftovers


def _settle(connection: Connection, *_: Any) -> None:
    connection.exec_driver_sql("UPDATE delivery SET status = 'queued' WHERE status = 'sending'")


leftovers.settle = _settle
