"""Trains a matcher on the phrasings of a content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bot.answers.blas import one_thread
from bot.answers.encoder import Encoder
from bot.answers.features import LONGEST, english, heard, look, sound, weighed
from bot.answers.grams import learn
from bot.answers.head import Fit, fit
from bot.answers.matcher import OUT_OF_SCOPE, Found, Learned, Matcher
from bot.answers.normalize import question
from bot.answers.thresholds import Thresholds, derive

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]
Phrasings = Mapping[str, Iterable[str]]
_FOLDS = 5
_TWINS = 0.8  # likeness from which on two phrasings are hardly two: both are left out together


def train(asked: Phrasings, out_of_scope: Iterable[str], encoder: Encoder | None) -> Matcher:
    """A matcher of entries by their phrasings. `encoder` None: it knows words only, and suggests."""
    texts, names = rows_of(asked, out_of_scope)
    return train_on(texts, names, encoder.encode(texts) if encoder and texts else None, encoder, tuple(asked))


def train_on(
    texts: Sequence[str], names: Sequence[str], senses: Matrix | None, encoder: Encoder | None, entries: Sequence[str]
) -> Matcher:
    """The same on texts as `question` reads them, each with its entry, and with the encoder's rows, if any."""
    one_thread()
    texts, names = texts or [""], names or [OUT_OF_SCOPE]  # a content without any phrasing: everything is unknown
    classes = (OUT_OF_SCOPE, *entries)
    number = {name: position for position, name in enumerate(classes)}
    labels = np.array([number[name] for name in names], np.int64)
    words = frozenset(english(texts))
    looks, look_rows = learn(weighed(look(text)) for text in texts)
    sounds, sound_rows = learn(weighed(sound(text, words)) for text in texts)
    likeness = np.zeros((len(texts), len(texts)), np.float32) if senses is None else senses @ senses.T
    look_rows.add_likeness(likeness)
    sound_rows.add_likeness(likeness)
    folds = list(_folds(likeness, labels))
    head = fit(likeness, labels, len(classes))
    unseen = head.without(folds)
    limits = derive(unseen, head.without(_classes(labels)), labels)
    learned = Learned(
        entries=classes,
        looks=looks,
        sounds=sounds,
        look_weights=look_rows.times(head.weights),
        sound_weights=sound_rows.times(head.weights),
        sense_weights=_senses(senses, head),
        base=head.base,
        thresholds=limits,
        exact=_exact(texts, names),
        heard=_exact([heard(text, words) for text in texts], names),
        words=words,
        report=_report(classes, limits, unseen, labels),
    )
    return Matcher(learned, encoder if senses is not None else None)


def rows_of(asked: Phrasings, out_of_scope: Iterable[str]) -> tuple[list[str], list[str]]:
    """Every phrasing as the matcher reads it, once an entry, and its entry."""
    named = {OUT_OF_SCOPE: out_of_scope, **asked}
    pairs = {(question(text[:LONGEST]), name): None for name, texts in named.items() for text in texts}
    return [text for text, _ in pairs if text], [name for text, name in pairs if text]


def _senses(senses: Matrix | None, head: Fit) -> Matrix:
    return np.zeros((0, len(head.base)), np.float32) if senses is None else senses.T @ head.weights


def _folds(likeness: Matrix, labels: Numbers) -> Iterator[Numbers]:
    """Rows in five groups, each entry spread over all of them, and twins never parted."""
    length = np.sqrt(np.maximum(np.diag(likeness), 1e-9))
    leader = np.array([np.argmax(row >= _TWINS * own * length) for row, own in zip(likeness, length, strict=True)])
    fold = np.zeros(len(labels), np.int64)
    seen: Counter[int] = Counter()
    for row, (first, label) in enumerate(zip(leader, labels, strict=True)):
        if first < row:
            fold[row] = fold[first]
        else:
            fold[row] = seen[int(label)] % _FOLDS
            seen[int(label)] += 1
    return (rows for rows in (np.flatnonzero(fold == number) for number in range(_FOLDS)) if len(rows))


def _classes(labels: Numbers) -> Iterator[Numbers]:
    return (np.flatnonzero(labels == number) for number in np.unique(labels))


def _exact(texts: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    owners: dict[str, set[str]] = {}
    for text, name in zip(texts, names, strict=True):
        owners.setdefault(text, set()).add(name)
    return {text: min(found) for text, found in owners.items() if text and len(found) == 1}


def _report(entries: Sequence[str], limits: Thresholds, unseen: Matrix, labels: Numbers) -> dict[str, Found]:
    shares = limits.probabilities(unseen)
    order = np.argsort(-shares[:, 1:], axis=1)[:, :3] + 1
    report: dict[str, Found] = {}
    for number, name in enumerate(entries[1:], 1):
        rows = np.flatnonzero(labels == number)
        best, right = order[rows, 0], (order[rows] == number).any(axis=1)
        sure = shares[rows, best] >= limits.sure
        report[name] = Found(
            asked=len(rows),
            answered=int((sure & (best == number)).sum()),
            suggested=int((~sure & right & (shares[rows, 0] < limits.foreign)).sum()),
            confused=dict(Counter(entries[other] for other in best[sure & (best != number)]).most_common(3)),
        )
    return report
