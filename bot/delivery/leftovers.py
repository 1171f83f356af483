"""What is found in `sending` although nobody is sending it any more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from bot.delivery.batch import Batch
from bot.store.statement import Statement

INTERRUPTED = "the sender ended while this was being sent"
# platforms/wechat.md: client_msg_id makes a template message idempotent for 10 minutes. That is counted from the first
# time; so one that was interrupted before is not tried a second time.
_SAME_KEY = 540.0  # seconds
_AGAIN = Statement("""
    UPDATE delivery SET status = 'queued', error = :interrupted, available_at = :now
    WHERE lane = :account AND status = 'sending' AND receipt IS NULL AND route = 'wechat_template'
        AND error <> :interrupted
""")
_NOBODY_KNOWS = Statement("""
    UPDATE delivery SET status = 'unconfirmed', error = :interrupted
    WHERE lane = :account AND status = 'sending' AND receipt IS NULL
""")
_NOT_BEGUN = Batch(
    """
    UPDATE delivery SET status = 'queued', attempts = attempts - 1
    WHERE lane = :account AND status = 'sending' AND epoch = :epoch AND receipt IS NULL
        AND id NOT IN (SELECT r.id FROM ROWS)
    """,
    id="int",
)


def settle(connection: Connection, account: str, silence: float, now: datetime) -> None:
    """A new holder found the lane so many seconds after the last sign of life: what was being sent then?

    Nobody can know, so it is not sent again; a template message may be, with the same key.
    """
    if silence < _SAME_KEY:
        _AGAIN.run(connection, account=account, interrupted=INTERRUPTED, now=now)
    _NOBODY_KNOWS.run(connection, account=account, interrupted=INTERRUPTED)


def put_back(connection: Connection, account: str, epoch: int, known: Iterable[int]) -> None:
    """Queues again what this holder took up without knowing it: a commit that was done, and its answer lost."""
    _NOT_BEGUN.run(connection, [{"id": row} for row in known], account=account, epoch=epoch)
