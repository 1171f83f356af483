"""Reads the content folder into records, or lists every fault with its file and key."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from bot.content.agenda import Agenda
from bot.content.event import Event
from bot.content.facts import NAMES, PLACEHOLDER, facts
from bot.content.faq import Entry, Front, OutOfScope
from bot.content.faults import place_and_words
from bot.content.form import Form
from bot.content.records import Content
from bot.content.reminders import Reminders
from bot.content.sentences import SENTENCES
from bot.content.words import LANGUAGES, Record, Words
from bot.errors import BrokenContent, Fault

R = TypeVar("R", bound=Record)
OUT_OF_SCOPE = "_out_of_scope"
_REMINDER_NAMES = frozenset({"name", "reference", "cannot_come"})
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # pasted from a word processor; WeChat's XML cannot carry them
_ITEM = re.compile(r"item\.\d+")  # of which there are many
_STRAY_BRACE = re.compile(r"[{}｛｝]")


def load(folder: Path) -> Content:
    """Reads every file of a content folder. Raises BrokenContent with all faults found."""
    return _Reader(folder).content()


def load_event(folder: Path) -> Event:
    """event.toml alone, whatever is wrong with the other files. Raises BrokenContent."""
    return _Reader(folder).one("event.toml", Event)


def load_form(folder: Path) -> Form:
    """form.toml alone. Raises BrokenContent."""
    return _Reader(folder).one("form.toml", Form)


class _Reader:
    """One reading of one folder: collects faults, so that an organizer sees all of them at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []
        self._hash = hashlib.sha256()

    def content(self) -> Content:
        """The whole content, or BrokenContent."""
        self._look()
        event = self._record("event.toml", Event)
        form = self._record("form.toml", Form)
        agenda = self._record("agenda.toml", Agenda)
        reminders = self._record("reminders.toml", Reminders)
        texts = self._texts("texts.toml")
        entries = dict(self._entries())
        out_of_scope = self._out_of_scope(f"faq/{OUT_OF_SCOPE}.md")
        self._placeholders(event, form, reminders, entries)
        if self.faults or not (event and form and agenda and reminders):
            raise BrokenContent(self.faults)
        known = {language: facts(event, texts, None, language, agenda.items) for language in LANGUAGES}
        return Content(
            event=event,
            form=form,
            agenda=agenda,
            reminders=reminders,
            texts=texts,
            faq=entries,
            out_of_scope=out_of_scope,
            known=known,
            version=self._hash.hexdigest()[:16],
        )

    def one(self, name: str, kind: type[R]) -> R:
        """One file, or BrokenContent with its faults."""
        self._look()
        record = self._record(name, kind)
        if record is None:
            raise BrokenContent(self.faults)
        return record

    def _look(self) -> None:
        if not self.folder.is_dir():
            raise BrokenContent([Fault(str(self.folder), "no such folder; expected the content files in it")])

    def _fault(self, place: str, what: str) -> None:
        self.faults.append(Fault(place, what))

    def _read(self, name: str) -> str | None:
        try:
            body = (self.folder / name).read_bytes()
        except OSError:
            self._fault(name, "cannot be read; expected this file")
            return None
        self._hash.update(name.encode() + b"\0" + body)
        try:
            text = body.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = body[: error.start].count(b"\n") + 1
            self._fault(f"{name}:{line}", "is not UTF-8; expected text saved as UTF-8")
            return None
        if odd := _NOT_TEXT.search(text):
            line = text[: odd.start()].count("\n") + 1
            self._fault(f"{name}:{line}", f"has the control character {odd[0]!r}; expected plain text")
            return None
        return text

    def _toml(self, name: str, text: str | None, first_line: int = 1) -> dict[str, Any] | None:
        if text is None:
            return None
        try:
            return tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            found = re.search(r"\(at line (\d+), column \d+\)", str(error))
            line = int(found[1]) if found else text.count("\n") + 1
            what = re.sub(r"\s*\(at .*\)$", "", str(error))
            if not isinstance(error, tomllib.TOMLDecodeError):  # int() and the stack have limits of their own
                what = "a number or a nesting is too long"
            self._fault(f"{name}:{line + first_line - 1}", f"{what[0].lower()}{what[1:]}; expected TOML")
            return None

    def _record(self, name: str, kind: type[R]) -> R | None:
        table = self._toml(name, self._read(name))
        return None if table is None else self._checked(name, kind, table)

    def _checked(self, name: str, kind: type[R], table: Mapping[str, Any]) -> R | None:
        try:
            return kind.model_validate(table)
        except ValidationError as error:
            for row in error.errors(include_input=False, include_url=False):
                self._fault(*place_and_words(name, row))
            return None

    def _texts(self, name: str) -> dict[str, Words]:
        table = self._toml(name, self._read(name))
        if table is None:
            return {}
        texts = dict(self._flat(name, "", table))
        for key in sorted(set(SENTENCES) - set(texts)):
            if not any(f"{fault.place}.".startswith(f"{name}:{key}.") for fault in self.faults):
                self._fault(f"{name}:{key}", "is missing; expected zh and en")
        for key, words in texts.items():
            if key not in SENTENCES:
                self._fault(f"{name}:{key}", "is not a sentence that the bot says; expected one of the shipped keys")
                continue
            self._names(f"{name}:{key}.", words, NAMES | SENTENCES[key])
        return texts

    def _flat(self, name: str, prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, Words]]:
        for key, value in table.items():
            path = f"{prefix}.{key}" if prefix else key
            if isinstance(value, dict) and _is_group(value):
                yield from self._flat(name, path, value)
            elif (words := self._checked(f"{name}:{path}", Words, value)) is not None:
                yield path, words

    def _entries(self) -> Iterator[tuple[str, Entry]]:
        for path in sorted((self.folder / "faq").glob("[!.]*.md")):  # a dot: an editor's or a Mac's own file
            if path.stem != OUT_OF_SCOPE and (entry := self._entry(f"faq/{path.name}", path.stem)):
                yield entry.id, entry

    def _entry(self, name: str, entry_id: str) -> Entry | None:
        parts = self._front_matter(name)
        if parts is None:
            return None
        table, body, line = parts
        front = self._checked(name, Front, table)
        answer = self._sections(name, body, line)
        if front is None or answer is None:
            return None
        title = front.title or Words(zh=front.ask.zh[0], en=front.ask.en[0])
        return self._checked(
            name, Entry, {"id": entry_id, "ask": front.ask.model_dump(), "title": title, "answer": answer}
        )

    def _out_of_scope(self, name: str) -> dict[str, tuple[str, ...]]:
        if not (self.folder / name).is_file() or (parts := self._front_matter(name)) is None:
            return {}
        table, body, line = parts
        if body.strip():
            first = line + body[: len(body) - len(body.lstrip())].count("\n")
            self._fault(f"{name}:{first}", "expected nothing below the second +++")
        examples = self._checked(name, OutOfScope, table)
        return examples.ask.model_dump() if examples else {}

    def _front_matter(self, name: str) -> tuple[dict[str, Any], str, int] | None:
        text = self._read(name)
        if text is None:
            return None
        lines = text.split("\n")
        if lines[0].strip() != "+++" or "+++" not in (line.strip() for line in lines[1:]):
            self._fault(f"{name}:1", "expected front matter between two lines of +++")
            return None
        end = next(number for number, line in enumerate(lines) if number and line.strip() == "+++")
        front = self._toml(name, "\n".join(lines[1:end]), first_line=2)
        return None if front is None else (front, "\n".join(lines[end + 1 :]), end + 2)

    def _sections(self, name: str, body: str, line: int) -> dict[str, str] | None:
        answer: dict[str, list[str]] = {}
        current: list[str] | None = None
        for number, row in enumerate(body.split("\n"), start=line):
            if row.startswith("## "):
                section = row[3:].strip()
                if section not in LANGUAGES or section in answer:
                    self._fault(f"{name}:{number}", "expected one section ## zh and one section ## en")
                    return None
                current = answer.setdefault(section, [])
            elif current is not None:
                current.append(row)
            elif row.strip():
                self._fault(f"{name}:{number}", "text outside a section; expected ## zh or ## en above it")
                return None
        texts = {language: "\n".join(rows).strip() for language, rows in answer.items()}
        missing = [language for language in LANGUAGES if not texts.get(language)]
        for language in missing:
            self._fault(f"{name}:## {language}", "is missing or empty; expected the answer")
        return None if missing else texts

    def _placeholders(
        self, event: Event | None, form: Form | None, reminders: Reminders | None, entries: Mapping[str, Entry]
    ) -> None:
        if event:
            self._names("event.toml:privacy.notice.", event.privacy.notice, NAMES)
        for number, question in enumerate(form.questions if form else (), start=1):
            self._names(f"form.toml:question[{number}].prompt.", question.prompt, NAMES)
            self._names(f"form.toml:question[{number}].colleague.", question.colleague, NAMES)
            self._names(f"form.toml:question[{number}].help.", question.help, NAMES)
        for number, reminder in enumerate(reminders.reminders if reminders else (), start=1):
            of_person = frozenset() if reminder.when.startswith("draft") else _REMINDER_NAMES
            self._names(f"reminders.toml:reminder[{number}].text.", reminder.text, NAMES | of_person)
            self._names(f"reminders.toml:reminder[{number}].short.", reminder.short, frozenset())
        for entry in entries.values():
            self._names(f"faq/{entry.id}.md:title.", entry.title, frozenset())
            self._names(f"faq/{entry.id}.md:## ", entry.answer, NAMES)

    def _names(self, place: str, words: Words | None, known: frozenset[str]) -> None:
        if words is None:
            return
        shown = sorted({_ITEM.sub("item.1", name) for name in known})
        expected = f"expected one of {', '.join(shown)}" if known else "expected no placeholder here"
        for language in LANGUAGES:
            text = words.of(language)
            for name in PLACEHOLDER.findall(text):
                if name not in known:
                    self._fault(f"{place}{language}", f"{{{name}}} is not known; {expected}")
            if stray := _STRAY_BRACE.search(PLACEHOLDER.sub("", text)):
                self._fault(f"{place}{language}", f"{stray[0]} belongs to no placeholder; {expected}")


def _is_group(table: Mapping[str, Any]) -> bool:
    """Whether sentences lie below, not languages; `language.en` may be a sentence itself."""
    return bool(table) and (not set(table) & set(LANGUAGES) or all(isinstance(row, dict) for row in table.values()))
