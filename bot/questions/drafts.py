"""Writes what people asked into content/faq: more ways to ask an entry, or a new entry with an organizer's answer."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.content.records import Content
from bot.content.words import LANGUAGES
from bot.errors import Fault, UsherError
from bot.questions.front import extended, quoted

_ID = re.compile(r"[a-z][a-z0-9_]{0,40}")
_TITLE = 30  # characters: it is a button
_ASKED = 80  # characters of an answer that stand for a question
Check = Callable[[Path], Iterable[Fault]]
"""The faults of a content folder, as `usher check` finds them."""


class CannotDraft(UsherError):
    """What was asked cannot become content: why not."""


class WrongId(CannotDraft):
    """The id of a new entry is none, or is taken."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One file of the content as it shall be."""

    name: str  # in the content folder: faq/when.md
    before: bytes | None  # as it was read; None: it is new
    after: bytes
    added: Mapping[str, Sequence[str]]  # by language

    def lines(self) -> list[str]:
        """What is new in it, in words."""
        if self.before is None:
            return [f"{self.name}, new:", *(f"    {line}" for line in self.after.decode().splitlines())]
        rows = [(language, text) for language, texts in self.added.items() for text in texts]
        return [f"{self.name}:", *(f"    ask.{language} + {quoted(text)}" for language, text in rows)]


def more(folder: Path, entry: str, added: Mapping[str, Sequence[str]]) -> Draft:
    """An entry with more ways to ask. Raises CannotEdit, and OSError if it cannot be read."""
    name = f"faq/{entry}.md"
    before = (folder / name).read_bytes()
    return Draft(name, before, extended(before.decode(), added).encode(), added)


def new(
    content: Content, folder: Path, entry: str, asked: Mapping[str, Sequence[str]], answer: Mapping[str, str]
) -> Draft:
    """A new entry. Where nobody asked in a language, the beginning of the answer stands there. Raises WrongId.

    `asked` holds at least one wording.
    """
    if not _ID.fullmatch(entry):
        raise WrongId(f"--id {entry}: expected small letters, digits and _, the first a letter, at most 41")
    name = f"faq/{entry}.md"
    if entry in content.faq or (folder / name).exists():
        raise WrongId(f"--id {entry}: there is such an entry already; expected a new id, or --entry {entry}")
    added: dict[str, Sequence[str]] = {
        language: list(asked.get(language) or [_beginning(answer[language])]) for language in LANGUAGES
    }
    return Draft(name, None, _entry(added, answer).encode(), added)


def free_id(content: Content, folder: Path) -> str:
    """An id that no entry has: answered_1, answered_2 and so on."""
    number = 1
    while f"answered_{number}" in content.faq or (folder / "faq" / f"answered_{number}.md").exists():
        number += 1
    return f"answered_{number}"


def faults(folder: Path, draft: Draft, check: Check) -> list[Fault]:
    """What would be wrong with the content if the draft stood in it: tried in a copy."""
    with tempfile.TemporaryDirectory(prefix="usher-draft-") as name:
        copy = Path(name)
        (copy / "faq").mkdir()
        for file in (*folder.glob("*.toml"), *(folder / "faq").glob("[!.]*.md")):
            shutil.copyfile(file, copy / file.relative_to(folder))
        (copy / draft.name).write_bytes(draft.after)
        return list(check(copy))


def write(folder: Path, draft: Draft) -> None:
    """Puts the file in its place, whole or not at all. Raises OSError, and CannotDraft if it was changed meanwhile."""
    file = folder / draft.name
    now = file.read_bytes() if file.exists() else None
    if now != draft.before:
        raise CannotDraft(f"{draft.name} was changed meanwhile")
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(draft.after)
            out.flush()
            os.fsync(out.fileno())
        _swap(Path(name), file, draft.before is None)
    finally:
        Path(name).unlink(missing_ok=True)


def _swap(ready: Path, file: Path, is_new: bool) -> None:
    if is_new:
        ready.chmod(0o644)
        file.hardlink_to(ready)  # unlike a rename it never takes the place of a file that came meanwhile
        return
    ready.chmod(file.stat().st_mode & 0o777)
    ready.replace(file)


def _entry(asked: Mapping[str, Sequence[str]], answer: Mapping[str, str]) -> str:
    lines = ["+++"]
    lines += [f"title.{language} = {quoted(_title(asked[language][0]))}" for language in LANGUAGES]
    for language in LANGUAGES:
        lines += [f"ask.{language} = [", *(f"    {quoted(text)}," for text in asked[language]), "]"]
    lines.append("+++")
    for language in LANGUAGES:
        lines += ["", f"## {language}", "", answer[language].strip()]
    return "\n".join(lines) + "\n"


def _beginning(text: str) -> str:
    """The first sentence, as somebody may ask it."""
    return re.split(r"[。！？!?\n]|\.(?:\s|$)", text.strip(), maxsplit=1)[0].strip()[:_ASKED] or text.strip()[:_ASKED]


def _title(text: str) -> str:
    bare = " ".join(re.sub(r"[{}｛｝]", " ", text).split()) or "?"
    return bare if len(bare) <= _TITLE else f"{bare[: _TITLE - 1].rstrip()}…"
