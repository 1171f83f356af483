"""What a question is made of: pieces of Chinese, stems of English words, and how the Chinese in it sounds."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from bot.answers.pinyin import spelt, syllable

LONGEST = 300  # characters of a question that are looked at
_PIECE = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+(?:'[a-z]+)?")
_LATIN = re.compile(r"[a-z]+")
_CHINESE = (1, 2, 3)  # characters, or syllables, in a row
_LETTERS = (3, 4)  # letters in a row: a typo leaves most of them
_ENDINGS = (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("ly", ""))
_SHORTEST = 3  # letters that must stay of a stem
_TELLING = 4  # syllables: fewer may be many things


def pieces(text: str) -> list[str]:
    """Runs of Chinese characters and single other words, in their order."""
    return _PIECE.findall(text)


def chinese(piece: str) -> bool:
    """Whether a piece is a run of Chinese characters."""
    return "\u3400" <= piece[0] <= "\u9fff"


def stem(word: str) -> str:
    """An English word without its commonest endings: registered, registering and registers are one."""
    word = word.replace("'", "")
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word[: -len(ending)] + instead
            break
    if len(word) > _SHORTEST and (word[-1] == "e" or word[-1] == word[-2]):
        word = word[:-1]
    return word


def look(text: str) -> Counter[str]:
    """How a text is written, as counted pieces of it."""
    grams: Counter[str] = Counter()
    stems: list[str] = []
    for piece in pieces(text):
        if chinese(piece):
            grams.update(_runs(piece, _CHINESE))
            stems.append("")
        else:
            framed = f"<{piece}>"
            grams.update(f"~{part}" for part in _runs(framed, _LETTERS))
            stems.append(stem(piece))
    grams.update(f"={word}" for word in stems if word)
    grams.update(f"={first} {second}" for first, second in pairwise(stems) if first and second)
    return grams


def sound(text: str, words: Collection[str] = ()) -> Counter[str]:
    """How the Chinese in a text sounds. `words`: stems of English words, which are read as such."""
    grams: Counter[str] = Counter()
    for run in _spoken(text, words):
        for size in _CHINESE:
            grams.update(f"'{' '.join(run[i : i + size])}" for i in range(len(run) - size + 1))
    return grams


def heard(text: str, words: Collection[str] = ()) -> str:
    """The whole text as it sounds: 会议几点, 会义几点 and hui yi ji dian are one. "" where not all of it is Chinese."""
    runs = _spoken(text, words)
    return " ".join(runs[0]) if len(runs) == 1 and len(runs[0]) >= _TELLING else ""


def typed_sounds(text: str, words: Collection[str]) -> bool:
    """Whether a text is Chinese typed in latin letters, so that its look says nothing."""
    found = pieces(text)
    heard = [None if chinese(piece) else _syllables(piece, ()) for piece in found]
    strange = sum(stem(piece) not in words for piece in found)
    return bool(found) and all(heard) and 2 * strange >= len(found) and sum(len(run or ()) for run in heard) > 1


def english(texts: Iterable[str]) -> set[str]:
    """The stems of the words in texts without any Chinese."""
    found = (pieces(text) for text in texts)
    return {stem(piece) for row in found if not any(map(chinese, row)) for piece in row}


def weighed(grams: Counter[str]) -> dict[str, float]:
    """Counts, flattened: said twice is not twice as much."""
    return {gram: 1 + math.log(count) for gram, count in grams.items()}


def _spoken(text: str, words: Collection[str]) -> list[list[str]]:
    """Runs of syllables; a word of another language parts them."""
    runs: list[list[str]] = [[]]
    for piece in pieces(text):
        heard = [syllable(character) for character in piece] if chinese(piece) else _syllables(piece, words)
        if heard:
            runs[-1] += heard
        else:
            runs.append([])
    return runs


def _syllables(piece: str, words: Collection[str]) -> list[str] | None:
    return spelt(piece) if _LATIN.fullmatch(piece) and stem(piece) not in words else None


def _runs(text: str, sizes: Sequence[int]) -> Iterable[str]:
    return (text[i : i + size] for size in sizes for i in range(len(text) - size + 1))
