"""Keeps what training found in a file, so that a start need not train: named by all that it depends on."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.answers.encoder import VERSION, WIDTH, Encoder, installed
from bot.answers.grams import Vocabulary
from bot.answers.matcher import Found, Learned, Matcher
from bot.answers.thresholds import Thresholds
from bot.answers.training import rows_of, train_on
from bot.content.records import Content

log = logging.getLogger(__name__)
Matrix = NDArray[np.float32]
CODE = 3  # counted up whenever the same content would be trained to something else
_HASH = 32  # bytes of SHA-256
_KEPT = 4  # matchers; older files are removed
# What a file says that is whole, and of another version or another program.
_NOT_OURS = (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile)


def phrasings(content: Content) -> tuple[dict[str, list[str]], list[str]]:
    """What people ask, by entry, its titles among it, and what is not ours."""
    asked = {
        entry.id: [*(text for rows in entry.ask.values() for text in rows), entry.title.zh, entry.title.en]
        for entry in content.faq.values()
    }
    return asked, [text for rows in content.out_of_scope.values() for text in rows]


def matcher_of(content: Content, cache: Path | None = None) -> Matcher:
    """The matcher of a content: out of the folder `cache` where it was kept before, else trained, and kept there.

    Without the `semantic` extra it suggests only. A file that is broken, or not ours, is written anew.
    """
    if found := kept(content, cache):
        return found
    encoder = installed()
    asked, out_of_scope = phrasings(content)
    texts, names = rows_of(asked, out_of_scope)
    path = cache and cache / f"matcher-{_key(texts, names, list(asked), encoder)}.npz"
    senses = _senses(texts, encoder, cache) if encoder else None
    matcher = train_on(texts, names, senses, encoder, tuple(asked))
    if path:
        _keep(path, matcher)
    return matcher


def kept(content: Content, cache: Path | None) -> Matcher | None:
    """The same without training: None where it was not kept before."""
    encoder = installed()
    asked, out_of_scope = phrasings(content)
    texts, names = rows_of(asked, out_of_scope)
    return read(cache / f"matcher-{_key(texts, names, list(asked), encoder)}.npz", encoder) if cache else None


def read(path: Path, encoder: Encoder | None) -> Matcher | None:
    """A matcher that `write` kept; None where there is none, or none to be trusted."""
    with suppress(*_NOT_OURS), _opened(path) as file:
        said = json.loads(bytes(file["said"]))
        learned = Learned(
            entries=tuple(said["entries"]),
            looks=Vocabulary(file["looks"], file["look_rarity"], float(said["strange"])),
            sounds=Vocabulary(file["sounds"], file["sound_rarity"], float(said["strange"])),
            look_weights=file["look_weights"],
            sound_weights=file["sound_weights"],
            sense_weights=file["sense_weights"],
            base=file["base"],
            thresholds=Thresholds(**said["thresholds"]),
            exact=said["exact"],
            heard=said["heard"],
            words=frozenset(said["words"]),
            report={entry: Found(**found) for entry, found in said["report"].items()},
        )
        if _whole(learned):
            return Matcher(learned, encoder)
    return None


def write(path: Path, matcher: Matcher) -> None:
    """Keeps a matcher in a file, whole or not at all. Raises OSError."""
    learned = matcher.learned
    said = {
        "entries": learned.entries,
        "strange": learned.looks.strange,
        "thresholds": asdict(learned.thresholds),
        "exact": dict(learned.exact),
        "heard": dict(learned.heard),
        "words": sorted(learned.words),
        "report": {entry: asdict(found) for entry, found in learned.report.items()},
    }
    _write(
        path,
        said=np.frombuffer(json.dumps(said).encode(), np.uint8),
        looks=learned.looks.keys,
        sounds=learned.sounds.keys,
        look_rarity=learned.looks.weight,
        sound_rarity=learned.sounds.weight,
        look_weights=learned.look_weights,
        sound_weights=learned.sound_weights,
        sense_weights=learned.sense_weights,
        base=learned.base,
    )


def _key(texts: Sequence[str], names: Sequence[str], entries: Sequence[str], encoder: Encoder | None) -> str:
    means = [CODE, VERSION if encoder else "", np.__version__, entries, list(zip(names, texts, strict=True))]
    return hashlib.sha256(json.dumps(means).encode()).hexdigest()[:24]


def _whole(learned: Learned) -> bool:
    """Whether the parts fit each other."""
    classes = len(learned.entries)
    shapes = [
        (learned.look_weights, (len(learned.looks.keys), classes)),
        (learned.sound_weights, (len(learned.sounds.keys), classes)),
        (learned.looks.weight, (len(learned.looks.keys),)),
        (learned.sounds.weight, (len(learned.sounds.keys),)),
        (learned.base, (classes,)),
    ]
    keys = [learned.looks.keys, learned.sounds.keys]
    width = learned.sense_weights.shape
    parts = [array for array, _ in shapes] + [learned.sense_weights]
    return (
        all(array.shape == shape for array, shape in shapes)
        and all(array.dtype == np.uint64 and array.ndim == 1 for array in keys)
        and width in ((0, classes), (WIDTH, classes))
        and all(array.dtype == np.float32 and bool(np.isfinite(array).all()) for array in parts)
    )


def _keep(path: Path, matcher: Matcher) -> None:
    """A cache that cannot be written costs a slower start, no more."""
    try:
        write(path, matcher)
        for old in sorted(path.parent.glob("matcher-*.npz"), key=lambda file: -file.stat().st_mtime)[_KEPT:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        log.warning("the matcher cannot be kept", extra={"fault": type(error).__name__})


def _senses(texts: Sequence[str], encoder: Encoder, cache: Path | None) -> Matrix:
    """The encoder's rows of texts, of which most were there before: a change of content touches few."""
    path = cache and cache / f"vectors-{VERSION}.npz"
    known = _vectors(path) if path else {}
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    if missing:
        known |= dict(zip(missing, encoder.encode(missing), strict=True))
        if path:
            with suppress(OSError):
                said = np.frombuffer(json.dumps(texts).encode(), np.uint8)
                _write(path, said=said, rows=np.array([known[text] for text in texts], np.float32))
    return np.array([known[text] for text in texts], np.float32).reshape(-1, WIDTH)


def _vectors(path: Path) -> dict[str, Matrix]:
    with suppress(*_NOT_OURS), _opened(path) as file:
        texts, rows = json.loads(bytes(file["said"])), file["rows"]
        if rows.shape == (len(texts), WIDTH) and rows.dtype == np.float32 and np.isfinite(rows).all():
            return dict(zip(texts, rows, strict=True))
    return {}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The arrays of a file. Raises ValueError where a single bit is not as it was written: the hash leads the file."""
    with path.open("rb") as file:  # not all at once: what is read and let go of stays with the process
        expected = file.read(_HASH)
        if hashlib.file_digest(file, "sha256").digest() != expected:
            raise ValueError
        file.seek(_HASH)
        with np.load(file, allow_pickle=False) as arrays:
            yield arrays


def _write(path: Path, **arrays: NDArray[Any]) -> None:
    """Writes beside and renames: a reader sees the old file or the new one, whole."""
    packed = io.BytesIO()
    np.savez(packed, **arrays)  # type: ignore[arg-type]
    body = packed.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as file:
        try:
            file.write(hashlib.sha256(body).digest() + body)
            file.flush()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
