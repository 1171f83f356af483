"""Announcements as the tests make them: said, and written for everybody."""

from __future__ import annotations

from functools import partial
from typing import Any

from bot.delivery.announcements import announce
from bot.delivery.queueing import queue_slice
from bot.store.database import Database
from bot.store.outbox import Kind
from tests.conftest import NOW
from tests.delivery.crowd import ALL

TEXTS = {"zh": {"text": "会场定了", "short": "会场定了"}, "en": {"text": "The venue", "short": "The venue"}}


def said(database: Database, **more: Any) -> str:
    """Announces a broadcast to the confirmed, unless told otherwise."""
    fields: dict[str, Any] = {"id": "B-1", "kind": Kind.BROADCAST, "texts": TEXTS, "audience": "status=confirmed"}
    fields |= {"accounts": ALL, "now": NOW} | more
    return database.transact_now(lambda connection: announce(connection, **fields))


def planned(database: Database, announcement_id: str = "B-1", **more: Any) -> int:
    """Writes all slices; how many people they had."""
    common = {"accounts": ALL, "now": NOW} | more
    work = partial(queue_slice, announcement_id=announcement_id, **common)
    written = 0
    while count := database.transact_now(work):
        written += count
    return written
