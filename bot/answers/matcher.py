"""Finds the entry that answers a question: sure, worth offering, or none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bot.answers.encoder import Encoder
from bot.answers.features import LONGEST, heard, look, sound, typed_sounds, weighed
from bot.answers.grams import Vocabulary
from bot.answers.items import PREFIX, Mention, loose, mention
from bot.answers.normalize import question
from bot.answers.thresholds import Thresholds

Matrix = NDArray[np.float32]
OUT_OF_SCOPE = ""  # the class of questions that are not ours
_RANKED, _OFFERED = 5, 3
_FAINT = 0.08  # of the best entry's probability: below, an entry is not offered beside it
_IN_CONTEXT = 0.5  # of the sure probability: enough where a follow-up can only mean this event
_AHEAD = 1.5  # times as likely as the next entry: with it
_NOT_OURS = 0.9  # so likely foreign that no organizer is bothered with it
_ONLY_HEARD = 2.0  # what the sound of a text counts where its look and its sense say nothing
_FOLLOWS = re.compile(
    r"^(?:那么?|那|还有|另外|然后)?(?P<zh>.{1,12}?)(?:呢|咧|捏|啦)$|^(?:那么|那|还有|另外)(?P<zh2>.{1,10})$"
    r"|^(?:and|or|but|ok|okay|so)? ?(?:what|how) about (?P<en>.{1,40})$|^(?:and|so|then) (?P<en2>.{1,40})$"
)


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
    ranked: tuple[tuple[str, float], ...] = ()  # up to five entries with their probabilities, the likeliest first
    follow_up: bool = False  # reads like a follow-up: 那地址呢, and where?
    spelt: bool = False  # Chinese, typed in latin letters
    item: int | None = None  # a number that is an agenda item's if the agenda was spoken of before: 第6个呢


@dataclass(frozen=True, slots=True)
class Found:
    """What became of an entry's phrasings, asked of a head that saw none of their fold."""

    asked: int
    answered: int  # directly and rightly
    suggested: int  # the right entry was among the suggestions
    confused: Mapping[str, int]  # entries answered instead, the commonest first


@dataclass(frozen=True, slots=True)
class Learned:
    """What training leaves behind; `bot.answers.cache` keeps it in a file."""

    entries: tuple[str, ...]  # the classes; the first is OUT_OF_SCOPE
    looks: Vocabulary
    sounds: Vocabulary
    look_weights: Matrix  # a row for each piece, a column for each class
    sound_weights: Matrix
    sense_weights: Matrix  # a row for each number of the encoder; none where it was not there
    base: Matrix
    thresholds: Thresholds
    exact: Mapping[str, str]  # phrasings that only one class has, as the matcher reads them
    heard: Mapping[str, str] = field(default_factory=dict)  # the same for how Chinese phrasings sound
    words: frozenset[str] = frozenset()  # stems of English words
    report: Mapping[str, Found] = field(default_factory=dict)  # cross-validation, by entry


class Matcher:
    """A linear head over how a question looks, sounds and, with the encoder, what it means."""

    def __init__(self, learned: Learned, encoder: Encoder | None) -> None:
        self.learned = learned
        self._encoder = encoder if len(learned.sense_weights) else None
        self._items = sum(entry.startswith(PREFIX) and entry[len(PREFIX) :].isdigit() for entry in learned.entries)

    def warm(self) -> None:
        """Reads the encoder's weights, in about a second: otherwise the first question waits for it."""
        if self._encoder:
            self._encoder.warm()

    def match(self, text: str) -> Match:
        """The outcome for one question."""
        said = question(text[:LONGEST])
        if not any(character.isalnum() for character in said):
            return Match(Outcome.UNKNOWN)
        follow = _FOLLOWS.search(said)
        core = next(filter(None, follow.groups()), said).strip() if follow else said
        found = self._known(said) or self._item(said) or _cautious(said, self._weigh(said, core))
        named = mention(said)
        spelt = typed_sounds(said, self.learned.words)
        return replace(found, follow_up=bool(follow), item=named.number if named else None, spelt=spelt)

    def with_last(self, match: Match, last: str) -> Match:
        """Decides a follow-up by the entry that was answered last. Pure arithmetic: it may stand in a transaction."""
        if match.outcome is Outcome.ANSWER or not last:
            return match
        if match.item and last.startswith("agenda") and (found := self._numbered(match.item)):
            return replace(found, follow_up=match.follow_up, item=match.item, ranked=match.ranked)
        if not match.follow_up or not match.ranked or match.item:
            return match
        (entry, best), *others = match.ranked
        second = others[0][1] if others else 0.0
        enough = best >= self.learned.thresholds.sure * _IN_CONTEXT and best >= _AHEAD * second
        if self._encoder and enough and match.ours:
            return replace(match, outcome=Outcome.ANSWER, entry=entry, suggestions=())
        return match

    def vectors(self, texts: Sequence[str]) -> Matrix:
        """A unit row for each text, near to each other where texts are alike: for grouping."""
        said = [question(text[:LONGEST]) for text in texts]
        if self._encoder:
            return self._encoder.encode(said)
        rows = np.zeros((len(said), len(self.learned.looks.keys)), np.float32)
        for number, text in enumerate(said):
            columns, values = self.learned.looks.row(weighed(look(text)))
            rows[number, columns] = values
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(lengths, lengths, 1), np.float32)

    def _known(self, said: str) -> Match | None:
        learned = self.learned
        entry = learned.exact.get(said)
        if entry is None:
            words = () if typed_sounds(said, learned.words) else learned.words
            entry = learned.heard.get(heard(said, words))
        if entry is None:
            return None
        if entry == OUT_OF_SCOPE:
            return Match(Outcome.UNKNOWN, score=1.0, ours=False)
        return Match(Outcome.ANSWER, entry=entry, score=1.0, ranked=((entry, 1.0),))

    def _item(self, said: str) -> Match | None:
        """An item of the agenda by its number, unless something else is asked about it: 第三个议题谁讲."""
        named = mention(said)
        if not self._items or named is None or not named.worded or (found := self._numbered(named.number)) is None:
            return None
        return found if found.outcome is Outcome.SUGGEST else self._beside(named, found)

    def _beside(self, named: Mention, found: Match) -> Match:
        rest = self._weigh(named.rest, named.rest) if any(map(str.isalnum, named.rest)) else Match(Outcome.UNKNOWN)
        other = rest.entry if rest.outcome is Outcome.ANSWER else None
        if other is None or other.startswith("agenda"):
            return found
        both = (found.entry or "", other)
        return Match(Outcome.SUGGEST, suggestions=both, score=rest.score, ranked=tuple((entry, 0.5) for entry in both))

    def _numbered(self, number: int) -> Match | None:
        entry = f"{PREFIX}{number}"
        if entry in self.learned.entries:
            return Match(Outcome.ANSWER, entry=entry, score=1.0, ranked=((entry, 1.0),))
        if self._items and "agenda" in self.learned.entries:
            return Match(Outcome.SUGGEST, suggestions=("agenda",), score=0.5, ranked=(("agenda", 0.5),))
        return None

    def _weigh(self, said: str, core: str) -> Match:
        learned, limits = self.learned, self.learned.thresholds
        scores = self._scores(said)
        if core != said:
            scores = np.maximum(scores, self._scores(core))
        shares = limits.probabilities(scores)
        order = [int(number) for number in np.argsort(-shares[1:], kind="stable")[:_RANKED] + 1]
        ranked = tuple((learned.entries[number], float(shares[number])) for number in order)
        if not ranked:
            return Match(Outcome.UNKNOWN)
        best, foreign = ranked[0][1], float(shares[0])
        if best >= limits.sure and self._encoder:
            return Match(Outcome.ANSWER, entry=ranked[0][0], score=best, ranked=ranked)
        if foreign >= limits.foreign or scores[1:].max() < limits.low:
            return Match(Outcome.UNKNOWN, score=best, ours=foreign < _NOT_OURS, ranked=ranked)
        offered = tuple(entry for entry, share in ranked[:_OFFERED] if share >= _FAINT * best)
        return Match(Outcome.SUGGEST, suggestions=offered, score=best, ranked=ranked)

    def _scores(self, said: str) -> Matrix:
        learned = self.learned
        columns, values = learned.looks.row(weighed(look(said)))
        scores = learned.base + values @ learned.look_weights[columns]
        columns, values = learned.sounds.row(weighed(sound(said, learned.words)))
        heard = values @ learned.sound_weights[columns]
        if typed_sounds(said, learned.words):
            scores += _ONLY_HEARD * heard
        else:
            scores += heard
            if self._encoder:
                scores += self._encoder.encode([said])[0] @ learned.sense_weights
        found: Matrix = scores
        return found


def _cautious(said: str, found: Match) -> Match:
    """An item is not answered for a number which may count something else."""
    if found.entry and found.entry.startswith(PREFIX) and loose(said):
        offered = tuple(entry for entry, share in found.ranked[:_OFFERED] if share >= _FAINT * found.score)
        return replace(found, outcome=Outcome.SUGGEST, entry=None, suggestions=offered)
    return found
