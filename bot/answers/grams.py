"""Counted pieces of texts as sparse rows of numbers: weighed, of length 1, and their likeness to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]
_COMMON = 16  # rows which share a piece: above, whole columns are multiplied, below, pairs are counted
_BLOCK = 512  # columns at once
_PAIRS = 1 << 18  # at once


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The pieces seen in training, each with its column and its weight: the rarer, the heavier."""

    column: Mapping[str, int]
    weight: Matrix
    strange: float  # the weight of a piece that was never seen

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, float]]) -> Vocabulary:
        """Learned from the rows trained on."""
        names = sorted({name for row in rows for name in row})
        column = {name: number for number, name in enumerate(names)}
        seen = np.bincount([column[name] for row in rows for name in row], minlength=len(names))
        weight = np.log(1 + len(rows) / np.maximum(seen, 1)).astype(np.float32)
        return cls(column, weight, float(np.log(1 + len(rows))))

    def row(self, counted: Mapping[str, float]) -> tuple[Numbers, Matrix]:
        """Columns and values of one text. What was never seen has no column, and still makes the rest weigh less."""
        known = [(self.column[name], value) for name, value in counted.items() if name in self.column]
        columns = np.array([column for column, _ in known], np.int64)
        values = np.array([value for _, value in known], np.float32) * self.weight[columns]
        strange = sum(value * value for name, value in counted.items() if name not in self.column)
        length = np.sqrt(float(values @ values) + strange * self.strange**2)
        return columns, values / np.float32(length or 1)


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows by their entries other than 0, sorted by column."""

    rows: Numbers
    columns: Numbers
    values: Matrix
    height: int
    width: int

    @classmethod
    def of(cls, vocabulary: Vocabulary, counted: Sequence[Mapping[str, float]]) -> Sparse:
        """All texts' rows."""
        made = [vocabulary.row(row) for row in counted]
        rows = np.repeat(np.arange(len(made)), [len(columns) for columns, _ in made])
        columns = np.concatenate([columns for columns, _ in made] or [np.zeros(0, np.int64)])
        values = np.concatenate([values for _, values in made] or [np.zeros(0, np.float32)])
        order = np.argsort(columns, kind="stable")
        return cls(rows[order], columns[order], values[order], len(made), len(vocabulary.column))

    def add_likeness(self, total: Matrix) -> None:
        """Adds the product of each two rows to `total`."""
        shared = np.bincount(self.columns, minlength=self.width)
        start = np.concatenate([[0], np.cumsum(shared)[:-1]])
        flat = total.reshape(-1)
        for count in range(1, _COMMON + 1):
            begins = start[shared == count]
            for first in range(0, len(begins), _PAIRS // count**2):
                at = begins[first : first + _PAIRS // count**2, None] + np.arange(count)
                rows, values = self.rows[at], self.values[at]
                pairs = rows[:, :, None] * self.height + rows[:, None, :]
                np.add.at(flat, pairs.ravel(), (values[:, :, None] * values[:, None, :]).ravel())
        common = np.flatnonzero(shared > _COMMON)
        for first in range(0, len(common), _BLOCK):
            block = np.zeros((self.height, min(_BLOCK, len(common) - first)), np.float32)
            for number, column in enumerate(common[first : first + _BLOCK]):
                of = slice(start[column], start[column] + shared[column])
                block[self.rows[of], number] = self.values[of]
            for top in range(0, self.height, _BLOCK):
                total[top : top + _BLOCK] += block[top : top + _BLOCK] @ block.T

    def times(self, weights: Matrix) -> Matrix:
        """The product of the transposed rows with `weights`: one row for each column."""
        result = np.zeros((self.width, weights.shape[1]), np.float32)
        used, starts = np.unique(self.columns, return_index=True)
        for first in range(0, len(used), _BLOCK * 8):
            part = slice(first, first + _BLOCK * 8)
            begin = starts[first]
            end = starts[first + _BLOCK * 8] if first + _BLOCK * 8 < len(used) else len(self.columns)
            spread = self.values[begin:end, None] * weights[self.rows[begin:end]]
            result[used[part]] = np.add.reduceat(spread, starts[part] - begin, axis=0)
        return result
