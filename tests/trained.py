"""A matcher is trained once for the phrasings of a content, by whichever process of a run needs it first."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.answers.cache import matcher_of
from bot.answers.encoder import Encoder, Rows
from bot.answers.matcher import Matcher
from bot.content.records import Content

_FOLDER = "TEST_TRAINED"  # the variable by which workers and commands inherit where matchers are kept
_TRAINED: dict[str, Matcher] = {}  # by version of the content


def trained(content: Content, _cache: Path | None = None) -> Matcher:
    """The matcher of a content; the same one each time."""
    if content.version not in _TRAINED:
        folder = shared_folder()
        with (folder / "one-at-a-time").open("w") as turn:  # the others find what the first one trained
            fcntl.flock(turn, fcntl.LOCK_EX)
            _TRAINED[content.version] = matcher_of(content, folder)
    return _TRAINED[content.version]


def remembering(rows: Callable[[Encoder, Sequence[str]], Rows]) -> Callable[[Encoder, Sequence[str]], Rows]:
    """The encoder's rows of single texts, each found once: tests say the same again and again."""
    found: dict[str, Rows] = {}

    def remembered(encoder: Encoder, texts: Sequence[str]) -> Rows:
        if len(texts) != 1:
            return rows(encoder, texts)
        (text,) = texts
        if text not in found:
            found[text] = rows(encoder, texts)
        return found[text].copy()

    return remembered


def shared_folder() -> Path:
    """Made, and removed at its end, by the first process of a run: no run believes what an older one found."""
    if _FOLDER not in os.environ:
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="usher-trained-")
        atexit.register(_remove, Path(os.environ[_FOLDER]), os.getpid())
    return Path(os.environ[_FOLDER])


def _remove(folder: Path, maker: int) -> None:
    if os.getpid() == maker:  # not at the end of what was forked from it
        shutil.rmtree(folder, ignore_errors=True)
