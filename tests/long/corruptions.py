"""What can become of a folder of text files: cut, flipped, mixed up, renamed, saved wrongly, gone."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.long.mutations import bytes_changed

_ENCODINGS = ("utf-16", "gbk", "latin-1", "big5")
_WORD = re.compile(rb"^(\s*(?:\[\[?)?)([a-z][a-z0-9_]*)", re.MULTILINE)  # a key, or the name of a table


@dataclass(frozen=True)
class Corruption:
    """Files as they are from now on; None: gone. `kind` says what was done to them."""

    kind: str
    files: dict[str, bytes | None]


def corrupted(sound: dict[str, bytes], often: tuple[str, ...], seed: int) -> Corruption:
    """A corruption of the sound files, the same for the same seed; four of five are of the files named `often`."""
    choose = random.Random(seed)
    while True:
        name = choose.choice(often) if choose.random() < 0.8 else choose.choice(sorted(sound))
        kind, corrupt = choose.choice(_KINDS)
        files = {name: corrupt(sound[name], choose)}
        if kind == "swapped":
            files = _swapped(sound, name, choose)
        if any(body != sound[name] for name, body in files.items()):
            return Corruption(kind, files)


def written(folder: Path, files: dict[str, bytes | None], choose: random.Random) -> None:
    """Writes them as editors do: over the old file, or beside it and then in its place."""
    for name, body in files.items():
        path = folder / name
        if body is None:
            path.unlink(missing_ok=True)
        elif choose.random() < 0.5:
            path.write_bytes(body)
        else:
            beside = path.with_name(f".{path.name}.swp")
            beside.write_bytes(body)
            beside.replace(path)


def read(folder: Path) -> dict[str, bytes]:
    """The files of a content folder by their names in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _lines(change: Callable[[list[bytes], int, random.Random], object]) -> Callable[[bytes, random.Random], bytes]:
    """The same change at one to three lines."""

    def changed(body: bytes, choose: random.Random) -> bytes:
        rows = body.splitlines(keepends=True)
        for _ in range(choose.choice((1, 1, 2, 3))):
            if rows:
                change(rows, choose.randrange(len(rows)), choose)
        return b"".join(rows)

    return changed


def _swapped(sound: dict[str, bytes], name: str, choose: random.Random) -> dict[str, bytes | None]:
    """A few lines in a row change places with as many of another file, or two files do."""
    other = choose.choice(sorted(set(sound) - {name}))
    if choose.random() < 0.3:
        return {name: sound[other], other: sound[name]}
    rows, others = (sound[one].splitlines(keepends=True) for one in (name, other))
    many, at, there = choose.randrange(1, 4), choose.randrange(len(rows)), choose.randrange(len(others))
    rows[at : at + many], others[there : there + many] = others[there : there + many], rows[at : at + many]
    return {name: b"".join(rows), other: b"".join(others)}


def _cut(body: bytes, choose: random.Random) -> bytes:
    return body[: choose.randrange(len(body))]


def _flipped(body: bytes, choose: random.Random) -> bytes:
    whole = bytearray(body)
    for _ in range(choose.choice((1, 2, 4, 8))):
        whole[choose.randrange(len(whole))] ^= 1 << choose.randrange(8)
    return bytes(whole)


def _renamed(body: bytes, choose: random.Random) -> bytes:
    keys = list(_WORD.finditer(body))
    if not keys:
        return body
    key = choose.choice(keys)
    name = choose.choice((key[2] + b"s", key[2].upper(), key[2][1:], b"", choose.choice(keys)[2]))
    return body[: key.start(2)] + name + body[key.end(2) :]


def _placeholder(body: bytes, choose: random.Random) -> bytes:
    places = [found.span() for found in re.finditer(rb"\{[^{}\n]*\}", body)]
    if not places:  # there is none to break, so here is a broken one
        at = choose.choice([found.end() for found in re.finditer(rb"[a-z ]\b", body)] or [0])
        return body[:at] + choose.choice((b"{", b"}", b"{event.moon}", b"{}")) + body[at:]
    start, end = choose.choice(places)
    name = body[start + 1 : end - 1]
    broken = (b"{" + name, name + b"}", b"{" + name + b"x}", b"{{" + name + b"}}", b"{}", b"{event.moon}")
    return body[:start] + choose.choice(broken) + body[end:]


def _encoded(body: bytes, choose: random.Random) -> bytes:
    return body.decode().encode(choose.choice(_ENCODINGS), "replace")


_KINDS: tuple[tuple[str, Callable[[bytes, random.Random], bytes | None]], ...] = (
    ("cut", _cut),
    ("flipped", _flipped),
    ("deleted", _lines(lambda rows, at, _: rows.pop(at))),
    ("doubled", _lines(lambda rows, at, _: rows.insert(at, rows[at]))),
    ("moved", _lines(lambda rows, at, choose: rows.insert(choose.randrange(len(rows)), rows.pop(at)))),
    ("swapped", lambda body, _: body),  # of two files: _swapped
    ("renamed", _renamed),
    ("placeholder", _placeholder),
    ("encoded", _encoded),
    ("noise", bytes_changed),
    ("empty", lambda _, __: b""),
    ("gone", lambda _, __: None),
)
