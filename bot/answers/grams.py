"""Counted pieces of texts as sparse rows of numbers: weighed, of length 1, and their likeness to each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]
Keys = NDArray[np.uint64]
_COMMON = 16  # rows which share a piece: above, whole columns are multiplied, below, pairs are counted
_BLOCK = 512  # columns at once
_PAIRS = 1 << 18  # at once


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The pieces seen in training, each with its weight: the rarer, the heavier.

    A piece is kept as 8 bytes of its BLAKE2b: tens of thousands of strings in a dict would be 6 MiB for each channel.
    """

    keys: Keys  # sorted: where a piece stands is its column
    weight: Matrix
    strange: float  # the weight of a piece that was never seen

    def row(self, counted: Mapping[str, float]) -> tuple[Numbers, Matrix]:
        """Columns and values of one text. What was never seen has no column, and still makes the rest weigh less."""
        keys, values = _keys(counted), np.fromiter(counted.values(), np.float32, len(counted))
        columns = np.searchsorted(self.keys, keys)
        known = columns < len(self.keys)
        known[known] = self.keys[columns[known]] == keys[known]
        columns, strange = columns[known], values[~known]
        values = values[known] * self.weight[columns]
        length = np.sqrt(float(values @ values) + float(strange @ strange) * self.strange**2)
        return columns, values / np.float32(length or 1)


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows by their entries other than 0, sorted by column."""

    rows: Numbers
    columns: Numbers
    values: Matrix
    height: int
    width: int

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


def learn(counted: Iterable[Mapping[str, float]]) -> tuple[Vocabulary, Sparse]:
    """The vocabulary of the texts trained on, and their rows. Texts are let go of one by one."""
    number: dict[str, int] = {}
    seen: list[Numbers] = []
    counts: list[Matrix] = []
    for text in counted:
        seen.append(np.array([number.setdefault(name, len(number)) for name in text], np.int64))
        counts.append(np.fromiter(text.values(), np.float32, len(text)))
    keys, place = np.unique(_keys(number), return_inverse=True)
    rows = np.repeat(np.arange(len(seen)), [len(row) for row in seen])
    columns = place[np.concatenate([*seen, np.zeros(0, np.int64)])]
    weight = np.log(1 + len(seen) / np.maximum(np.bincount(columns, minlength=len(keys)), 1)).astype(np.float32)
    values = np.concatenate([*counts, np.zeros(0, np.float32)]) * weight[columns]
    length = np.sqrt(np.bincount(rows, values.astype(np.float64) ** 2, len(seen)))
    values /= length.astype(np.float32)[rows]
    order = np.argsort(columns, kind="stable")
    matrix = Sparse(rows[order], columns[order], values[order], len(seen), len(keys))
    return Vocabulary(keys, weight, float(np.log(1 + len(seen)))), matrix


def _keys(names: Collection[str]) -> Keys:
    digests = b"".join(blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(digests, "<u8").astype(np.uint64)
