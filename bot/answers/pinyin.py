"""How Chinese sounds, without tones: homophones meet, and so does Chinese typed in latin letters."""

from __future__ import annotations

import os
import unicodedata
from functools import cache
from unittest.mock import patch

_LONGEST = 6  # letters of a syllable: zhuang


def syllable(character: str) -> str:
    """The usual reading of one character, 会 is hui; "" where it has none."""
    return _plain(_readings().get(ord(character), "").split(",")[0])


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
def _readings() -> dict[int, str]:
    """All characters, the commonest reading first. Readings by phrase would cost 50 MiB and half a second at the start;
    one reading a character is enough where both sides are read alike."""
    with patch.dict(os.environ, {"PYPINYIN_NO_PHRASES": "true", "PYPINYIN_NO_DICT_COPY": "true"}):
        from pypinyin.pinyin_dict import pinyin_dict
    readings: dict[int, str] = pinyin_dict
    return readings


@cache
def _syllables() -> frozenset[str]:
    common = range(0x4E00, 0xA000)
    return frozenset(filter(None, {_plain(text.split(",")[0]) for code, text in _readings().items() if code in common}))


@cache
def _plain(reading: str) -> str:
    marked = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(letter for letter in marked if not unicodedata.combining(letter))
