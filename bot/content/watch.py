"""Notices that an organizer changed a content file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import awatch

_SETTLE_MS = 300  # editors write a file in several steps


async def changes(folder: Path) -> AsyncIterator[None]:
    """One step for each change of the folder, once it has settled."""
    async for _ in awatch(folder, debounce=_SETTLE_MS, step=50):
        yield
