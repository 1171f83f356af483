"""How WeChat's template messages end: the platform takes one at once, and reports later whether it arrived.

platforms/wechat.md: errcode 0 means queued there; TEMPLATESENDJOBFINISH tells the result by the message's id, and may
come before our own result is written. Whoever comes second finds the other: both take the row of that id first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from bot.delivery.batch import Batch, stored
from bot.delivery.results import clean
from bot.store.outbox import DeliveryStatus, Kind, Route
from bot.store.statement import Statement

SUCCESS = "success"
IN_SHORT = "told in short; the whole text is shown when they next write"
AWAITED = timedelta(hours=1)
_AT_ONCE = 500  # rows given up in one transaction
_REPORT = Statement("""
    INSERT INTO template_end (receipt, status, at) VALUES (:receipt, :status, :now)
    ON CONFLICT (receipt) DO UPDATE SET status = excluded.status
""")
_EXPECT = Batch(
    """
    INSERT INTO template_end (receipt, status, at) SELECT r.receipt, '', :now FROM ROWS WHERE true ORDER BY r.receipt
    ON CONFLICT (receipt) DO UPDATE SET receipt = excluded.receipt RETURNING receipt, status
    """,
    receipt="text",
)
_DONE_WITH = Batch(
    "DELETE FROM template_end WHERE receipt IN (SELECT r.receipt FROM ROWS)",
    receipt="text",
)
_AWAITING = Batch(
    """
    SELECT delivery.id, delivery.receipt, CAST(delivery.tried AS text), announcement.kind FROM delivery
    JOIN ROWS ON delivery.receipt = r.receipt
    JOIN announcement ON announcement.id = delivery.announcement_id
    WHERE delivery.status || '' IN ('sending', 'unconfirmed')
    """,
    receipt="text",
)
_END = Batch(
    """
    UPDATE delivery SET status = r.status, error = r.error, tried = r.tried, receipt = r.receipt,
        sent_at = r.sent_at
    FROM ROWS WHERE delivery.id = r.id
    """,
    id="int", status="text", error="text", tried="json", receipt="text", sent_at="timestamptz",
)  # fmt: skip
_GIVE_UP = Statement("""
    UPDATE delivery SET status = 'unconfirmed', error = :error WHERE id IN (
        SELECT id FROM delivery
        WHERE lane = :account AND status = 'sending' AND receipt IS NOT NULL AND sent_at < :before LIMIT :most)
""")


def template_ended(connection: Connection, receipt: str, status: str, now: datetime) -> None:
    """The platform reports the end of a template message: `success`, or why it failed; then the next route is tried.

    A report on a message whose own result is not written yet is kept until that is.
    """
    receipt = clean(receipt)
    _REPORT.run(connection, receipt=receipt, status=clean(status), now=now)
    if _apply(connection, {receipt: status}, now):
        _DONE_WITH.run(connection, [{"receipt": receipt}])


def received(connection: Connection, receipts: Sequence[str], now: datetime) -> None:
    """The ids of messages which the platform just took were written: applies the reports that came before."""
    rows = [{"receipt": receipt} for receipt in receipts]
    known = _EXPECT.run(connection, rows, now=now)
    ended = {receipt: status for receipt, status in known if status}
    if ended:
        _apply(connection, ended, now)
    _DONE_WITH.run(connection, rows)


def give_up(connection: Connection, account: str, now: datetime) -> None:
    """Nobody can know what became of those whose end was not reported within an hour; a bounded number at a time."""
    values = {"error": "the platform did not report its end", "before": now - AWAITED, "most": _AT_ONCE}
    _GIVE_UP.run(connection, account=account, **values)


def _apply(connection: Connection, ended: Mapping[str, str], now: datetime) -> bool:
    """Writes these ends; whether there was a delivery to any."""
    awaiting = _AWAITING.run(connection, [{"receipt": receipt} for receipt in ended])
    if awaiting:
        _END.run(
            connection, [_end(row, receipt, tried, kind, ended[receipt], now) for row, receipt, tried, kind in awaiting]
        )
    return bool(awaiting)


def _end(delivery_id: int, receipt: str, tried: str, kind: str, status: str, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {"id": delivery_id, "tried": json.loads(tried)}
    if status == SUCCESS:
        said = IN_SHORT if kind == Kind.BROADCAST else ""
        return {**row, "status": DeliveryStatus.SENT, "error": said, "receipt": receipt, "sent_at": stored(now)}
    said = clean(status)
    step = {"route": Route.WECHAT_TEMPLATE, "error": said, "at": now.isoformat()}
    return {**row, "status": DeliveryStatus.QUEUED, "error": said, "tried": [*row["tried"], step]}
