"""Notices that an organizer changed the content, whatever they changed it with: an editor, a copy, a link, git."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path

from watchfiles import awatch

# What no message tells: a folder that was put back, a link that points elsewhere, a disk of another machine.
_LOOK_MS = 1000
_QUIET, _LOOKS = 0.2, 15  # seconds, and how often: editors write a file in several steps, and copies take their time

Picture = frozenset[tuple[str, int, int, int]]
"""The content files as they look from outside: path, inode, bytes, time of the last change (of rights as well)."""


def picture(folder: Path) -> Picture:
    """How the folder looks now, without opening a file. Files which are no content do not show in it."""
    return frozenset(_looks(path) for pattern in ("*.toml", "faq/[!.]*.md") for path in _found(folder, pattern))


async def changes(folder: Path, seen: Picture) -> AsyncGenerator[None, None]:
    """One step each time that the folder looks unlike before, as soon as it is left alone; at first unlike `seen`.

    What changes while the caller is busy with a step makes one more step, however often it changed.
    """
    async with aclosing(_stirrings(folder)) as stirrings:
        async for _ in stirrings:
            if await asyncio.to_thread(picture, folder) != seen:
                seen = await _settled(folder)
                yield


async def _settled(folder: Path) -> Picture:
    """The picture that stays as it is for a moment; who never stops writing is read nevertheless."""
    now = await asyncio.to_thread(picture, folder)
    for _ in range(_LOOKS):
        before = now
        await asyncio.sleep(_QUIET)
        now = await asyncio.to_thread(picture, folder)
        if now == before:
            break
    return now


async def _stirrings(folder: Path) -> AsyncGenerator[None, None]:
    """A step whenever something may have changed: at once where the system tells it, within a second elsewhere."""
    while True:
        yield  # what changed while nobody watched
        with suppress(OSError, RuntimeError):  # it is gone, or the system has no more watches to give
            told = awatch(folder, debounce=200, rust_timeout=_LOOK_MS, yield_on_timeout=True)
            async with aclosing(told):
                async for _ in told:
                    yield
        await asyncio.sleep(_LOOK_MS / 1000)


def _found(folder: Path, pattern: str) -> list[Path]:
    try:
        return list(folder.glob(pattern))
    except OSError:  # it vanished under our eyes
        return []


def _looks(path: Path) -> tuple[str, int, int, int]:
    try:
        stat = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), stat.st_ino, stat.st_size, stat.st_ctime_ns
