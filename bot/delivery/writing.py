"""Writes what attempts came to: into the lane, the contacts' windows and the deliveries, in this order of locks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from bot.delivery.batch import Batch, stored
from bot.delivery.lease import Lease
from bot.delivery.results import Attempt, Result, Window
from bot.delivery.templates import received
from bot.message import Address
from bot.store.outbox import DeliveryStatus

# Only what that epoch took up, and only while nobody has said more about it than that nobody knows.
_RESULTS = Batch(
    """
    UPDATE delivery SET status = r.status, attempts = r.attempts, tried = r.tried, error = r.error,
        available_at = COALESCE(r.available_at, delivery.available_at), sent_at = r.sent_at, receipt = r.receipt
    FROM ROWS
    WHERE delivery.id = r.id AND delivery.epoch = r.epoch AND delivery.status || '' IN ('sending', 'unconfirmed')
    """,
    id="int", epoch="int", status="text", attempts="int", tried="json", error="text",
    available_at="timestamptz", sent_at="timestamptz", receipt="text",
)  # fmt: skip
_BLOCKED = Batch(
    "UPDATE contact SET blocked_at = r.at FROM ROWS WHERE contact.id = r.id AND contact.seen_at <= r.began",
    id="int", at="timestamptz", began="timestamptz",
)  # fmt: skip
_MOVED = Batch(
    """
    UPDATE contact SET user_id = r.new FROM ROWS WHERE contact.id = r.id AND contact.user_id = r.old
        AND NOT EXISTS (SELECT 1 FROM contact AS other WHERE other.channel = contact.channel
            AND other.account = contact.account AND other.user_id = r.new)
    """,
    id="int", old="text", new="text",
)  # fmt: skip


def _on_windows(sql: str, **columns: str) -> dict[str, Batch]:
    """The same statement for each of the two windows."""
    return {name: Batch(sql.replace("WINDOW", name), id="int", **columns) for name in ("message", "tap")}


_RESERVE = _on_windows(
    "UPDATE contact SET WINDOW_left = WINDOW_left - r.used FROM ROWS WHERE contact.id = r.id AND WINDOW_left >= r.used",
    used="int",
)
_SETTLE = _on_windows(
    """
    UPDATE contact SET WINDOW_left = CASE WHEN r.closed > 0 THEN 0 ELSE WINDOW_left + r.back END,
        WINDOW_until = COALESCE(r.ended, WINDOW_until)
    FROM ROWS WHERE contact.id = r.id AND WINDOW_until = r.until
    """,
    until="timestamptz", closed="int", back="int", ended="timestamptz",
)  # fmt: skip


def note_effects(connection: Connection, lease: Lease, results: Sequence[Result]) -> None:
    """Writes what results say about the lane and about contacts; before any delivery is touched."""
    unusual = [result for result in results if result.error or result.attempt.moved or result.window is not Window.KEPT]
    if not unusual:
        return
    longest = max(unusual, key=lambda result: result.rest)
    if longest.rest:
        lease.pause(connection, longest.rest, longest.error)
    if off := switched_off(unusual):
        lease.switch_off(connection, off)
    _settle_windows(connection, unusual)
    _settle_contacts(connection, unusual)


def switched_off(results: Sequence[Result]) -> dict[str, Any]:
    """What the account may not use, and why: as `routes.in_force` reads it."""
    return {
        result.off: {"why": result.error, "until": result.off_until.isoformat()} if result.off_until else result.error
        for result in results
        if result.off
    }


def write(connection: Connection, results: Sequence[Result]) -> None:
    """Writes results into their deliveries, also those of a holder who is not the holder any more."""
    if not results:
        return
    _RESULTS.run(connection, [_row(result) for result in results])
    on_its_way = [result for result in results if result.status == DeliveryStatus.SENDING]  # its end is reported later
    if receipts := {result.receipt: result.at for result in on_its_way if result.receipt}:
        received(connection, list(receipts), max(receipts.values()))


def reserve(connection: Connection, attempts: Sequence[Attempt]) -> None:
    """Takes the counts of the WeChat windows which these attempts will use."""
    used = Counter((attempt.window, attempt.due.person.contact_id) for attempt in attempts if attempt.window)
    for name, batch in _RESERVE.items():
        if rows := [{"id": contact, "used": count} for (window, contact), count in used.items() if window == name]:
            batch.run(connection, rows)


def _row(result: Result) -> dict[str, Any]:
    due = result.attempt.due
    return {
        "id": due.id,
        "epoch": result.attempt.epoch,
        "status": result.status,
        "attempts": result.attempts,
        "tried": result.tried,
        "error": result.error,
        "available_at": stored(result.available_at),
        "sent_at": stored(result.sent_at),
        "receipt": result.receipt,
    }


def _settle_windows(connection: Connection, results: Sequence[Result]) -> None:
    """Closes windows, and gives back what certainly was not used; a window opened since is left alone."""
    for name, batch in _SETTLE.items():
        rows: dict[tuple[Any, Any], dict[str, Any]] = {}
        for result in results:
            attempt = result.attempt
            if attempt.window == name and result.window is not Window.KEPT:
                key = attempt.due.person.contact_id, stored(attempt.window_until)
                row = rows.setdefault(key, {"id": key[0], "until": key[1], "closed": 0, "back": 0, "ended": None})
                row["back"] += result.window is Window.BACK
                row["closed"] |= result.window is not Window.BACK
                row["ended"] = stored(result.at) if result.window is Window.CLOSED else row["ended"]
        if rows:
            batch.run(connection, list(rows.values()))


def _settle_contacts(connection: Connection, results: Sequence[Result]) -> None:
    """Notes whose chat cannot be reached, unless they wrote meanwhile, and whose has another id."""
    blocked = {
        attempt.due.person.contact_id: {"at": stored(result.at), "began": stored(attempt.at)}
        for result in results
        if result.blocked and (attempt := result.attempt)
    }
    if blocked:
        _BLOCKED.run(connection, [{"id": contact, **times} for contact, times in blocked.items()])
    moved = {}
    for attempt in (result.attempt for result in results):
        if attempt.moved and isinstance(attempt.to, Address):
            moved[attempt.due.person.contact_id] = {"old": attempt.to.user_id, "new": attempt.moved}
    if moved:
        _MOVED.run(connection, [{"id": contact, **ids} for contact, ids in moved.items()])
