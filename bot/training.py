"""Trains the matcher of changed content in a process of its own, so that replies go on meanwhile.

Measured on 2 cores, with work such as training is (texts counted, vectors, a linear head in NumPy): a heartbeat of
10 ms is late by up to 74 ms while it runs in a thread of the server, and by 4 ms while it runs beside it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.answers.cache import matcher_of
from bot.answers.matcher import Matcher
from bot.content.load import load
from bot.content.records import Content
from bot.errors import BrokenContent, UsherError

_SECONDS = 120  # far more than any content needs
_NICE = 10  # people who wait for an answer come first
_CHANGED = 3  # the exit code where the folder has not the content any more that was asked for


class Outdated(UsherError):
    """The content changed again before it was trained."""


async def train_apart(content: Content, folder: Path, cache: Path | None, *, hurry: bool = False) -> Matcher:
    """The matcher of the content of a folder, trained in another process, which hands it over in the cache.

    Without `hurry` it leaves the processor to whoever answers people.
    Raises Outdated, or UsherError where that did not succeed.
    """
    with TemporaryDirectory(prefix="usher-") as handover:
        between = cache or Path(handover)
        await _train(content.version, folder, between, 0 if hurry else _NICE)
        return await asyncio.to_thread(matcher_of, content, between)


async def _train(version: str, folder: Path, cache: Path, nice: int) -> None:
    words = [sys.executable, "-m", "bot.training", str(folder), str(cache), version, str(nice)]
    # A session of its own: Ctrl-C is for the server, which ends it in its turn.
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, start_new_session=True)
    try:
        async with asyncio.timeout(_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        raise UsherError(f"training took more than {_SECONDS} s; expected a few") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == _CHANGED:
        raise Outdated
    if process.returncode:
        raise UsherError(f"training ended with {process.returncode}: {said.decode(errors='replace').strip()}")


def main() -> None:
    """`python -m bot.training FOLDER CACHE VERSION NICE`."""
    folder, cache, version, nice = sys.argv[1:]
    with suppress(OSError):
        os.nice(int(nice))
    try:
        content = load(Path(folder))
    except BrokenContent:
        sys.exit(_CHANGED)
    if content.version != version:
        sys.exit(_CHANGED)
    try:
        matcher_of(content, Path(cache))
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        print(f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}")  # noqa: T201  # for who started it
        sys.exit(1)


if __name__ == "__main__":
    main()
