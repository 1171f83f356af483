"""The linear head: which class a row of features speaks for, learned by least squares in NumPy alone.

NumPy alone: scikit-learn's logistic regression gave the same figures on these features and costs 190 MiB. Least squares
has an exact answer, so that training is the same on every machine, and the score which each row would get from a head
that never saw it, or its whole fold, follows from the same inverse: cross-validation costs no second training.
(Rifkin and Lippert, Notes on regularized least squares, 2007; An et al., Fast cross-validation algorithms for least
squares support vector machine, 2007.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]
_PENALTY = 0.3  # of a row of an average class, whose features have length 1 in each channel
_SMALL = 256  # rows: from here on NumPy does it at once


@dataclass(frozen=True, slots=True)
class Fit:
    """What training found: `scores = rows @ rows_trained_on.T @ weights + base`."""

    weights: Matrix  # a row for each row trained on, a column for each class
    base: Matrix  # one for each class
    _root: Matrix  # of the inverse: inverse = root.T @ root
    _targets: Matrix

    def without(self, groups: Iterable[Sequence[int] | Numbers]) -> Matrix:
        """The scores of each row by a head that was trained without the row's group. Every row is in one group."""
        scores = np.empty_like(self._targets)
        for group in groups:
            rows = np.asarray(group)
            part = self._root[rows.min() :, rows]  # above a row its columns are empty
            missed = np.linalg.solve(part.T @ part, self.weights[rows])
            scores[rows] = self._targets[rows] - missed + self.base
        return scores


def fit(likeness: Matrix, classes: Numbers, count: int) -> Fit:
    """Learns from the likeness of each two rows, and each row's class. `likeness` is used up."""
    sizes = np.bincount(classes, minlength=count)
    average = np.median(sizes[sizes > 0])
    # A class with many phrasings shall not swallow one with few.
    penalty = _PENALTY * np.sqrt(sizes[classes] / average)
    likeness[np.diag_indices_from(likeness)] += penalty.astype(np.float32)
    targets = np.zeros((len(classes), count), np.float32)
    targets[np.arange(len(classes)), classes] = 1
    base = targets.mean(axis=0)
    targets -= base
    invert_root(likeness)
    return Fit(likeness.T @ (likeness @ targets), base, likeness, targets)


def invert_root(matrix: Matrix) -> None:
    """Turns a symmetric positive matrix into the inverse of its lower Cholesky factor.

    By halves and in place: of a matrix as large as the likeness of all phrasings there is memory for one.
    """
    size = len(matrix)
    if size <= _SMALL:
        matrix[:] = np.tril(np.linalg.inv(np.linalg.cholesky(matrix)))
        return
    half = size // 2
    first, second, side = matrix[:half, :half], matrix[half:, half:], matrix[half:, :half]
    invert_root(first)
    factor = side @ first.T
    second -= factor @ factor.T
    invert_root(second)
    np.matmul(-second @ factor, first, out=side)
    matrix[:half, half:] = 0
