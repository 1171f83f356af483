"""What the commands do, over the services: read, print, write; each a few lines."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from bot.adapters.telegram.render import fit as telegram_fit
from bot.adapters.wechat.text import fit as wechat_fit
from bot.answers.evaluate import cross_validate
from bot.answers.matcher import Matcher
from bot.answers.normalize import language_of
from bot.app import CONTENT_LOADED
from bot.clock import Clock, seconds
from bot.content.facts import fill
from bot.content.load import load
from bot.content.records import Content
from bot.conversation import check as conversation_check
from bot.delivery.audience import WrongFilter, where
from bot.errors import BrokenContent, Fault, UsherError
from bot.questions import waiting
from bot.registration import export
from bot.registration.forget import forget_registration
from bot.registration.register import read_reference
from bot.settings import Settings
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.tables import Erasure, Registration, Setting

_REMINDERS_OWN = ("draft=stale", "checked_in=yes")  # audiences that only reminders have
_WRITERS = {"jsonl": export.as_jsonl, "csv": export.as_csv, "xlsx": export.as_xlsx}


def opened(settings: Settings) -> Database:
    """The database of the settings, with the newest tables."""
    database = Database(settings.database_url)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def check(settings: Settings, content: Path | None) -> list[Fault]:
    """Every fault of a content folder."""
    try:
        loaded = load(content or settings.content_folder())
    except BrokenContent as error:
        return error.faults
    return conversation_check.faults(loaded, (wechat_fit, telegram_fit)) + _audience_faults(loaded)


def _audience_faults(content: Content) -> list[Fault]:
    """Reminders whose audience is no filter."""
    faults = []
    for reminder in content.reminders.reminders:
        words = [word for word in reminder.audience.split() if word not in _REMINDERS_OWN]
        try:
            where(" ".join(words))
        except WrongFilter as error:
            faults.append(Fault(f"reminders.toml:{reminder.id}.audience", str(error)))
    return faults


def answers_report(settings: Settings, content: Path | None) -> Iterator[str]:
    """How well each entry is found by phrasings it was not trained on, one line an entry."""
    loaded = load(content or settings.content_folder())
    asked = {entry.id: [text for rows in entry.ask.values() for text in rows] for entry in loaded.faq.values()}
    out_of_scope = [text for rows in loaded.out_of_scope.values() for text in rows]
    for entry, found in cross_validate(asked, out_of_scope).items():
        confused = ", ".join(f"{other} {count}" for other, count in found.confused.most_common(3))
        line = f"{entry}: {found.answered} of {found.asked} answered, {found.suggested} suggested"
        yield f"{line}, answered as {confused}" if confused else line


class Asker:
    """What the bot would answer to a question asked out of nowhere."""

    def __init__(self, content: Content, match: Matcher) -> None:
        self.content, self._match = content, match

    def ask(self, text: str, language: str | None) -> dict[str, Any]:
        """The record which `usher ask --jsonl` prints."""
        started = seconds()
        match = self._match.match(text)
        return {
            "text": text,
            "lang": language or language_of(text) or "zh",
            "outcome": match.outcome.value,
            "entry": match.entry,
            "suggestions": list(match.suggestions),
            "score": round(match.score, 4),
            "ms": round((seconds() - started) * 1000, 3),
        }

    def sentence(self, text: str, language: str | None) -> str:
        """The answer as a person would read it."""
        record = self.ask(text, language)
        spoken = record["lang"]
        known = self.content.known["en" if spoken == "en" else "zh"]
        if record["entry"]:
            return fill(self.content.faq[record["entry"]].answer.of(spoken), known)
        if record["suggestions"]:
            titles = [self.content.faq[entry].title.of(spoken) for entry in record["suggestions"]]
            return "\n".join(
                [fill(self.content.texts["unknown.which"].of(spoken), known), *(f"- {title}" for title in titles)]
            )
        key = "unknown.forwarded" if self._match.match(text).ours else "unknown.not_ours"
        return fill(self.content.texts[key].of(spoken), known)


def asked_lines(asker: Asker, lines: Iterator[str]) -> Iterator[str]:
    """One JSON answer for each JSON question. Raises UsherError naming the line that is none."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text, language = row["text"], row.get("lang")
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UsherError(f'line {number}: expected {{"text": "...", "lang": "zh" or "en", optional}}') from None
        if not isinstance(text, str) or language not in (None, "zh", "en"):
            raise UsherError(f'line {number}: expected "text" as a string and "lang" zh or en')
        yield json.dumps(asker.ask(text, language), ensure_ascii=False)


def registrations(settings: Settings, form: str, filter_text: str) -> Generator[bytes]:
    """The export in the wanted form."""
    zone = load(settings.content_folder()).event.zone
    condition = where(filter_text)
    with closing(opened(settings)) as database, Session(database.reader) as session:
        yield from _WRITERS[form](export.rows(session, condition, zone))


def forget(settings: Settings, clock: Clock, reference: str) -> tuple[Erasure, str]:
    """Erases the person of one registration: the receipt, and its time in the event's zone.

    Raises UsherError if there is no such registration.
    """
    event = load(settings.content_folder()).event
    prefix = event.reference_prefix

    def erase(session: Session) -> Erasure:
        wanted = read_reference(reference, prefix)
        row = session.scalar(select(Registration).where(col(Registration.reference) == wanted))
        if row is None:
            raise UsherError(f"{reference}: no such registration; expected a reference such as {prefix}-7K2M9Q")
        return forget_registration(session, row, "command", clock.now())

    with closing(opened(settings)) as database:
        receipt = database.write_now(erase)
        database.scrub_now()
    return receipt, receipt.erased_at.astimezone(event.zone).isoformat(timespec="seconds")


def status(settings: Settings) -> dict[str, Any]:
    """How things stand; times in the event's zone."""
    zone = load(settings.content_folder()).event.zone

    def look(session: Session) -> dict[str, Any]:
        loaded = session.get(Setting, CONTENT_LOADED)
        served = json.loads(loaded.value) if loaded else None
        if served:
            served["at"] = datetime.fromisoformat(served["at"]).astimezone(zone).isoformat(timespec="seconds")
        return {
            "registrations": export.by_status(session),
            "deliveries": {},
            "lanes": [],
            "questions": waiting.count(session),
            "content": served,
        }

    with closing(opened(settings)) as database:
        return database.read_now(look)


def questions(settings: Settings) -> list[dict[str, Any]]:
    """What was asked and waits for a person, the newest last; times in the event's zone."""
    zone = load(settings.content_folder()).event.zone

    def look(session: Session) -> list[dict[str, Any]]:
        rows = waiting.waiting(session)
        return [
            {
                "id": row.id,
                "asked_at": row.asked_at.astimezone(zone).isoformat(timespec="seconds"),
                "kind": row.outcome,
                "lang": row.language,
                "text": row.text,
            }
            for row in rows
        ]

    with closing(opened(settings)) as database:
        return database.read_now(look)


def backup(settings: Settings, file: Path) -> None:
    """A consistent copy of the SQLite database, made while it is served. Raises UsherError on PostgreSQL."""
    database = Database(settings.database_url)
    if not database.sqlite:
        raise UsherError("backup: the database is PostgreSQL; run pg_dump --format=custom --file=FILE DATABASE instead")
    source = Path(database.url.database or "")
    if not source.is_file():
        raise UsherError(f"backup: {source} does not exist; expected the database that serve uses")
    if file.exists():
        raise UsherError(f"backup: {file} exists already; expected a new file")
    try:
        with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(file)) as copy:
            live.backup(copy)
    except sqlite3.Error as error:
        file.unlink(missing_ok=True)
        raise UsherError(f"backup: {source} to {file}: {error}") from None
