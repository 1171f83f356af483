"""How things stand, and a copy of it: status, backup."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from bot.app import CONTENT_LOADED
from bot.commands import opened, zone_of
from bot.delivery import report
from bot.errors import UsherError
from bot.questions import waiting
from bot.registration import export
from bot.settings import Settings
from bot.store.database import Database
from bot.store.outbox import Lane
from bot.store.tables import Setting


def status(settings: Settings) -> dict[str, Any]:
    """How things stand; times in the event's zone."""
    zone = zone_of(settings)

    def look(session: Session) -> dict[str, Any]:
        loaded = session.get(Setting, CONTENT_LOADED)
        served = json.loads(loaded.value) if loaded else None
        if served:
            served["at"] = datetime.fromisoformat(served["at"]).astimezone(zone).isoformat(timespec="seconds")
        return {
            "registrations": export.by_status(session),
            "deliveries": report.fates(session),
            "broadcasts": [_broadcast(seen, zone) for seen in report.under_way(session)],
            "lanes": [_lane(row, zone) for row in session.scalars(select(Lane).order_by(col(Lane.account)))],
            "questions": waiting.count(session),
            "content": served,
        }

    with closing(opened(settings)) as database:
        return database.read_now(look)


def _broadcast(seen: report.Progress, zone: ZoneInfo) -> dict[str, Any]:
    """One that is not over: when it leaves, where it stands, how many of its deliveries are done."""
    return {
        "announcement": seen.id,
        "due_at": seen.due_at.astimezone(zone).isoformat(timespec="seconds"),
        "state": seen.state,
        "done": seen.done,
        "total": seen.total,
    }


def _lane(row: Lane, zone: ZoneInfo) -> dict[str, Any]:
    """One account: which process sends for it and until when, and what keeps it from sending."""
    return {
        "account": row.account,
        "holder": row.holder or None,
        "until": row.until.astimezone(zone).isoformat(timespec="seconds"),
        "paused_until": row.paused_until.astimezone(zone).isoformat(timespec="seconds") if row.paused_until else None,
        "reason": row.reason or None,
        "off": row.off,
    }


def backup(settings: Settings, file: Path) -> None:
    """A consistent copy of the SQLite database, made while it is served. Raises UsherError on PostgreSQL."""
    database = Database(settings.database_url)
    if not database.sqlite:
        raise UsherError("backup: the database is PostgreSQL; run pg_dump --format=custom --file=FILE DATABASE instead")
    source = Path(database.url.database or "")
    if not source.is_file():
        raise UsherError(f"backup: {source} does not exist; expected the database that serve uses")
    if file.exists():
        raise UsherError(f"backup: {file} exists already; expected a new file")
    try:
        file.touch(0o600)  # it holds everything about everybody
        with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(file)) as copy:
            live.backup(copy)
    except sqlite3.Error as error:
        file.unlink(missing_ok=True)
        raise UsherError(f"backup: {source} to {file}: {error}") from None
