"""One update, read for one bot at one time."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from bot.adapters.telegram.convert import Called, Came, Skipped, read

BOT = "123456789"
NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)


def convert(update: object) -> Came | Called | Skipped:
    """What it becomes."""
    return read(json.dumps(update).encode(), BOT, NOW)


def came(update: object) -> Came:
    """What it becomes, a person's doing."""
    found = convert(update)
    assert isinstance(found, Came), found
    return found


def skipped(update: object) -> Skipped:
    """What it becomes, nothing for the core."""
    found = convert(update)
    assert isinstance(found, Skipped), found
    return found
