"""Lints the content and asks it: check, ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, select
from sqlmodel import Session, col

import handlers
from bot.adapters.telegram.render import fit as telegram_fit
from bot.adapters.wechat.text import fit as wechat_fit
from bot.answers.cache import matcher_of
from bot.answers.matcher import Matcher
from bot.answers.normalize import language_of
from bot.clock import seconds
from bot.content.facts import Venue, facts, fill
from bot.content.load import load
from bot.content.records import Content
from bot.conversation import check as conversation_check
from bot.delivery import reminders
from bot.errors import BrokenContent, Fault, UsherError
from bot.registration.faults import faults as text_faults
from bot.settings import Settings
from bot.store.database import Database
from bot.store.tables import Event

ENOUGH = 12  # phrasings of an entry a language: with fewer, other people's words find it less often


def check(settings: Settings, content: Path | None) -> list[Fault]:
    """Every fault of a content folder."""
    folder = content or settings.content_folder()
    try:
        loaded = load(folder)
    except BrokenContent as error:
        return error.faults
    return (
        _strays(folder)
        + conversation_check.faults(loaded, (wechat_fit, telegram_fit), handlers.router.knows)
        + _audience_faults(loaded)
    )


def _strays(folder: Path) -> list[Fault]:
    """What lies among the entries and is never read. It stops nothing: editors leave files there for a moment."""
    others = (path for path in sorted((folder / "faq").glob("*")) if path.suffix != ".md" or path.is_dir())
    return [
        Fault(f"faq/{path.name}", "is not read; expected only files whose names end with .md")
        for path in others
        if not path.name.startswith(".") and not path.name.endswith("~")
    ]


def _audience_faults(content: Content) -> list[Fault]:
    """Reminders that would reach nobody, go out at no time, or be cut."""
    cut = [
        Fault(f"reminders.toml:{reminder.id}.text", what)
        for reminder in content.reminders.reminders
        for what in text_faults(content, reminders.texts_of(reminder), None)
    ]
    return reminders.faults(content) + cut


def answers_report(settings: Settings, content: Path | None) -> Iterator[str]:
    """How well each entry is found by phrasings that were held back from training, one line an entry."""
    loaded = load(content or settings.content_folder())
    learned = matcher_of(loaded, settings.cache_folder()).learned
    limits = learned.thresholds
    yield f"answered from a probability of {limits.sure:.2f} on, not ours from {limits.foreign:.2f} on"
    for entry, found in learned.report.items():
        line = f"{entry}: {found.answered} of {found.asked} answered, {found.suggested} suggested"
        confused = ", ".join(f"{other} {count}" for other, count in found.confused.items())
        few = [language for language, rows in loaded.faq[entry].ask.items() if len(rows) < ENOUGH]
        yield "".join(
            [
                line,
                f", answered as {confused}" if confused else "",
                f"; fewer than {ENOUGH} phrasings: {', '.join(few)}" if few else "",
            ]
        )


def published_venue(settings: Settings) -> Venue | None:
    """The venue as organizers published it; None as well where nothing was ever stored. Raises Unavailable."""
    with closing(Database(settings.database_url)) as database:
        if database.sqlite and not Path(database.url.database or "").is_file():
            return None  # asking makes no database
        return database.read_now(_venue)


def _venue(session: Session) -> Venue | None:
    if not inspect(session.connection()).has_table(str(Event.__tablename__)):
        return None
    stored = session.scalar(select(col(Event.venue)))
    return Venue.from_stored(stored) if stored else None


class Asker:
    """What the bot would answer to a question asked out of nowhere."""

    def __init__(self, content: Content, matcher: Matcher, venue: Venue | None = None) -> None:
        matcher.warm()  # or the first question would take a second longer than the others
        self.content, self._match, self._venue = content, matcher, venue

    def ask(self, text: str, language: str | None) -> dict[str, Any]:
        """The record which `usher ask --jsonl` prints."""
        started = seconds()
        match = self._match.match(text)
        return {
            "text": text,
            "lang": language or ("zh" if match.spelt else language_of(text) or "zh"),
            "outcome": match.outcome.value,
            "entry": match.entry,
            "suggestions": list(match.suggestions),
            "score": round(match.score, 4),
            "ms": round((seconds() - started) * 1000, 3),
        }

    def sentence(self, text: str, language: str | None) -> str:
        """The answer as a person would read it."""
        if does := handlers.router.stands_for(text):
            return f"{text}: a word that the bot knows. {does}"
        record = self.ask(text, language)
        spoken = record["lang"]
        known = facts(self.content.event, self.content.texts, self._venue, spoken)
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
