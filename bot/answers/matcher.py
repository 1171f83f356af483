"""Finds the entry that answers a question by the character n-grams it shares with the entry's phrasings."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.answers.normalize import plain

OUT_OF_SCOPE = ""  # the class of questions that are not ours
# Sure from here on, and this far ahead of the next entry; a guess worth offering from there on. Set by eye on the
# shipped phrasings, each asked of the others.
_SURE, _AHEAD, _GUESS = 0.62, 0.12, 0.3
_SIZES = (1, 2, 3)
_LONGEST = 300  # characters of a question that are looked at


class Outcome(StrEnum):
    """What to do with a question."""

    ANSWER = "answer"
    SUGGEST = "suggest"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Match:
    """What the matcher makes of a question."""

    outcome: Outcome
    entry: str | None = None  # with ANSWER
    suggestions: tuple[str, ...] = ()  # with SUGGEST: up to three entries, the likeliest first
    score: float = 0.0  # 0 to 1
    ours: bool = True  # False: like questions that are known not to be ours


class Matcher:
    """TF-IDF over character n-grams; an entry is as near as its nearest phrasing."""

    def __init__(self, asked: Mapping[str, Iterable[str]], out_of_scope: Iterable[str] = ()) -> None:
        rows = [(entry, plain(text)) for entry, texts in asked.items() for text in texts]
        rows += [(OUT_OF_SCOPE, plain(text)) for text in out_of_scope]
        counted = [(entry, _grams(text)) for entry, text in rows]
        seen = Counter(gram for _, grams in counted for gram in grams)
        self._weight = {gram: math.log(1 + len(counted) / count) for gram, count in seen.items()}
        self._rare = math.log(1 + len(counted))
        self._entries = [entry for entry, _ in counted]
        self._rows: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, (_, grams) in enumerate(counted):
            length = self._length(grams)
            for gram, count in grams.items():
                self._rows[gram].append((number, count * self._weight[gram] / length))

    def match(self, text: str) -> Match:
        """The outcome for one question."""
        best = self._nearest(plain(text[:_LONGEST]))
        if not best:
            return Match(Outcome.UNKNOWN)
        (entry, score), *others = best
        if entry == OUT_OF_SCOPE and score >= _GUESS:
            return Match(Outcome.UNKNOWN, score=score, ours=False)
        ahead = score - (others[0][1] if others else 0)
        if entry != OUT_OF_SCOPE and score >= _SURE and (ahead >= _AHEAD or score > 1 - 1e-9):
            return Match(Outcome.ANSWER, entry=entry, score=score)
        offered = tuple(other for other, near in best if near >= _GUESS and other != OUT_OF_SCOPE)[:3]
        return Match(Outcome.SUGGEST if offered else Outcome.UNKNOWN, suggestions=offered, score=score)

    def _nearest(self, text: str) -> list[tuple[str, float]]:
        grams = _grams(text)
        if not grams:
            return []
        length = self._length(grams)
        scores: dict[int, float] = defaultdict(float)
        for gram, count in grams.items():
            weight = count * self._weight.get(gram, self._rare) / length
            for number, other in self._rows.get(gram, ()):
                scores[number] += weight * other
        best: dict[str, float] = {}
        for number, score in scores.items():
            entry = self._entries[number]
            best[entry] = max(best.get(entry, 0.0), min(score, 1.0))
        return sorted(best.items(), key=lambda pair: -pair[1])

    def _length(self, grams: Mapping[str, int]) -> float:
        return math.sqrt(sum((count * self._weight.get(gram, self._rare)) ** 2 for gram, count in grams.items()))


def _grams(text: str) -> Counter[str]:
    """Chinese by one to three characters; letters by whole words and their threes."""
    grams: Counter[str] = Counter()
    for piece in _pieces(text):
        if piece[0].isascii():
            grams[f" {piece} "] += 1
            grams.update(f" {piece} "[i : i + 3] for i in range(len(piece)))
        else:
            grams.update(piece[i : i + size] for size in _SIZES for i in range(len(piece) - size + 1))
    return grams


def _pieces(text: str) -> Iterable[str]:
    """Runs of letters and digits of one script; marks and spaces part them."""
    run = ""
    for character in text + " ":
        letter = unicodedata.category(character)[0] in "LN"
        if run and (not letter or run[0].isascii() != character.isascii()):
            yield run
            run = ""
        run += character if letter else ""
