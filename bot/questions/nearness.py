"""How near two questions are: by what they mean, or by the letters they share."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.answers.encoder import installed
from bot.answers.normalize import plain

Vectors = NDArray[np.float32]
"""One row a text, of length 1; the nearer two are, the nearer their product is to 1."""

_WIDTH = 256  # columns; twice and four times as many were measured to change nothing
_PIECE = re.compile(r"[a-z0-9]+|[^\Wa-z0-9_]+")
_LONGEST = 300  # characters of a text that are looked at


@dataclass(frozen=True, slots=True)
class Space:
    """Where questions lie, and from which product on two of them ask the same."""

    vectors: Callable[[Sequence[str]], Vectors]
    near: float
    most: int = 20_000  # wordings that are compared in it, the oldest
    before: Space | None = None  # in which they are joined first, because that is quicker


def _letters(texts: Sequence[str]) -> Vectors:
    """Vectors that depend on nothing but the text itself: so a group stays what it is when more is asked."""
    rows = np.zeros((len(texts), _WIDTH), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for gram, weight in _grams(plain(text[:_LONGEST])):
            number = zlib.crc32(gram.encode())
            row[number % _WIDTH] += weight if number >> 31 else -weight
        row /= np.linalg.norm(row) or 1
    return rows


def _grams(text: str) -> Iterator[tuple[str, float]]:
    """Chinese by its characters, pairs and threes; letters by whole words and, for typing errors, their threes."""
    for piece in _PIECE.findall(text):
        if piece[0].isascii():
            word = f" {piece} "
            yield word, 1.0
            yield from ((word[i : i + 3], 0.5) for i in range(len(word) - 2))
        else:
            for size, weight in ((1, 0.3), (2, 1.0), (3, 1.0)):
                yield from ((piece[i : i + size], weight) for i in range(len(piece) - size + 1))


# Measured on the 1,644 phrasings of the shipped answers, in random order, grouped as groups.py does: the share that
# lies in a group most of which belongs to the same answer. From 0.45 on 0.83, 0.50 0.87, 0.55 0.91, 0.60 0.95; but from
# 0.60 on only an eighth of them finds company, where 0.55 joins a fifth. Nine in ten right is what an organizer who
# reads the group before answering can do with.
LETTERS = Space(_letters, 0.55)


def meaning() -> Space:
    """The sentence encoder's space, in which languages meet; LETTERS where it is not installed.

    Measured like LETTERS: from 0.60 on 0.87, 0.65 0.92 (joining 0.38 of all), 0.70 0.96. It takes 1 ms a text: so what
    differs by a word of courtesy is joined by its letters, and 2,000 wordings are looked at.
    """
    encoder = installed()
    if encoder is None:
        return LETTERS
    return Space(encoder.encode, 0.65, most=2000, before=Space(_letters, 0.7))
