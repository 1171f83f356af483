"""From scores to probabilities, and from when on they suffice: learned from questions that the head had never seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]
# Of 100 questions that people ask, so many are taken to be other people's matters, and matters of the event which no
# entry treats. The latter are what an entry's phrasings are to a head that never heard of the entry.
_FOREIGN, _UNHEARD = 0.125, 0.125
# Direct answers: at most so many of all questions wrong, at least so many of them right, and at most so many of the
# questions that are not ours answered. Phrasings are written to differ from each other, so that at one threshold three
# times as many of them go astray as of another author's questions.
_WRONG, _RIGHT, _STRAY = 0.04, 0.9, 0.04
_OFFERED = 0.97  # of the questions that are ours, this share is at least offered something
_HEATS = np.geomspace(1, 40, 60)
_FEW = 50  # questions: fewer say too little
_CAUTIOUS = 0.85


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How scores are read."""

    heat: float  # probabilities are softmax(heat * scores)
    sure: float  # the probability from which on an entry is answered
    foreign: float  # the probability of being none of ours from which on nothing is offered
    low: float  # the score of the best entry below which the text is like nothing known

    def probabilities(self, scores: Matrix) -> Matrix:
        """Of each class, for one row of scores or many."""
        hot = np.exp(self.heat * (scores - scores.max(axis=-1, keepdims=True)))
        shares: Matrix = hot / hot.sum(axis=-1, keepdims=True)
        return shares


def derive(unseen: Matrix, unheard: Matrix, classes: Numbers) -> Thresholds:
    """Thresholds from cross-validation. Class 0 is what is not ours.

    `unseen`: each row's scores by a head that saw none of its fold; `unheard`: none of its class.
    """
    ours = classes > 0
    if not ours.any():
        return Thresholds(1.0, 1.0, 0.0, 0.0)
    weights = np.where(ours, _share(ours, 1 - _FOREIGN - _UNHEARD), _share(~ours, _FOREIGN))
    heat = min(_HEATS, key=lambda heat: _surprise(unseen, classes, weights, heat))
    still = Thresholds(float(heat), 1.0, 1.0, -1.0)
    shares = still.probabilities(unseen)
    best = shares[:, 1:].argmax(axis=1) + 1
    silent = unheard.copy()
    silent[np.arange(len(classes)), classes] = -np.inf
    astray = still.probabilities(silent[ours])[:, 1:].max(axis=1)
    sure = max(
        _held_back(shares[~ours, 1:]),
        _sure(
            np.concatenate([shares[:, 1:].max(axis=1), astray]),
            np.concatenate([weights, np.full(len(astray), _share(ours, _UNHEARD)[0])]),
            np.concatenate([(best == classes) & ours, np.zeros(len(astray), bool)]),
        ),
    )
    if ours.sum() < _FEW:
        return Thresholds(float(heat), max(sure, _CAUTIOUS), 0.5, 0.0)
    foreign = float(np.quantile(shares[ours, 0], _OFFERED)) if (~ours).any() else 1.0
    low = float(np.quantile(unseen[ours, 1:].max(axis=1), 1 - _OFFERED) / 2)
    return Thresholds(float(heat), sure, max(foreign, 1 / shares.shape[1]), low)


def _share(some: NDArray[np.bool_], share: float) -> NDArray[np.float64]:
    return np.full(len(some), share / max(int(some.sum()), 1))


def _surprise(scores: Matrix, classes: Numbers, weights: NDArray[np.float64], heat: float) -> float:
    hot = heat * (scores - scores.max(axis=1, keepdims=True))
    missed = np.log(np.exp(hot).sum(axis=1)) - hot[np.arange(len(classes)), classes]
    return float(weights @ missed)


def _sure(shares: Matrix, weights: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The lowest probability at which both limits hold."""
    order = np.argsort(-shares, kind="stable")
    wrong = np.cumsum(np.where(right, 0, weights)[order])
    answered = np.cumsum(weights[order])
    holds = np.flatnonzero((wrong <= _WRONG) & (answered - wrong >= _RIGHT * answered))
    return float(shares[order][holds[-1]]) if len(holds) else 1.0


def _held_back(foreign: Matrix) -> float:
    """The probability which no more than a few of the questions that are not ours reach."""
    return float(np.quantile(foreign.max(axis=1), 1 - _STRAY)) if len(foreign) else 0.0
