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

from bot.commands import opened, zone_of
from bot.delivery import report
from bot.errors import UsherError
from bot.live import CONTENT_LOADED
from bot.questions import groups
from bot.registration import export
from bot.settings import Settings
from bot.store.database import Database
from bot.store.outbox import Lane
from bot.store.tables import Setting


def status(settings: Settings) -> dict[str, Any]:
    """How things stand; times in the event's zone."""

    def look(session: Session) -> dict[str, Any]:
        served = _served(session)
        zone = ZoneInfo(served["zone"]) if served else zone_of(settings)
        return {
            "registrations": export.by_status(session),
            "deliveries": report.fates(session),
            "broadcasts": [_broadcast(seen, zone) for seen in report.under_way(session)],
            "lanes": [_lane(row, zone) for row in session.scalars(select(Lane).order_by(col(Lane.account)))],
            "questions": groups.count(session.connection()),
            "content": _in_zone(served, zone) if served else None,
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


def _served(session: Session) -> dict[str, Any] | None:
    """Which content is served, since when, and what became of the last change of its files; None before any `serve`."""
    row = session.get(Setting, CONTENT_LOADED)
    served: dict[str, Any] = json.loads(row.value) if row else {}
    return served if "zone" in served else None  # older versions of Usher noted less


def _in_zone(served: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    times = {name: datetime.fromisoformat(served[name]) for name in ("at", "changed_at") if served[name]}
    return served | {name: _told(moment, zone) for name, moment in times.items()}


def _told(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")


def _lane(row: Lane, zone: ZoneInfo) -> dict[str, Any]:
    """One account: which process sends for it and until when, and what keeps it from sending."""
    return {
        "account": row.account,
        "holder": row.holder or None,
        "until": _told(row.until, zone),
        "paused_until": _told(row.paused_until, zone) if row.paused_until else None,
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
