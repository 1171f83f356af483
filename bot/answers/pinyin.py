"""How Chinese sounds, without tones: homophones meet, and so does Chinese typed in latin letters."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_FIRST, _LAST = 0x3000, 0x9FFF  # all characters that people type, and 〇
_LONGEST = 6  # letters of a syllable: zhuang


def syllable(character: str) -> str:
    """The usual reading of one character, 会 is hui; "" where it has none."""
    place = ord(character) - _FIRST
    return _readings()[place] if 0 <= place <= _LAST - _FIRST else ""


def spelt(word: str) -> list[str] | None:
    """The fewest syllables that make up a word in small latin letters: huiyi is hui, yi. None where it is no pinyin."""
    known = _syllables()
    best: list[list[str] | None] = [[], *([None] * len(word))]
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - _LONGEST), end):
            before, piece = best[start], word[start:end]
            shorter = before is not None and (best[end] is None or len(before) + 1 < len(best[end] or ()))
            if before is not None and shorter and piece in known:
                best[end] = [*before, piece]
    return best[len(word)]


@cache
def _readings() -> Sequence[str]:
    """Of each character from _FIRST to _LAST, the commonest reading.

    pypinyin's table is read without pypinyin, which keeps 10 MiB for all readings of all characters, and 50 MiB and
    half a second more for readings by phrase. One reading a character is enough where both sides are read alike.
    """
    folder = Path(str(find_spec("pypinyin").origin)).parent  # type: ignore[union-attr]
    read = json.loads((folder / "pinyin_dict.json").read_bytes())
    return tuple(_plain(read.get(str(code), "").split(",")[0]) for code in range(_FIRST, _LAST + 1))


@cache
def _syllables() -> frozenset[str]:
    return frozenset(filter(None, (syllable(chr(code)) for code in range(0x4E00, _LAST + 1))))


@cache
def _plain(reading: str) -> str:
    marked = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(letter for letter in marked if not unicodedata.combining(letter))
