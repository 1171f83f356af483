"""Lints the content and asks it: check, ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.adapters.telegram.render import fit as telegram_fit
from bot.adapters.wechat.text import fit as wechat_fit
from bot.answers.cache import matcher_of
from bot.answers.matcher import Matcher
from bot.answers.normalize import language_of
from bot.clock import seconds
from bot.content.facts import fill
from bot.content.load import load
from bot.content.records import Content
from bot.conversation import check as conversation_check
from bot.delivery import reminders
from bot.errors import BrokenContent, Fault, UsherError
from bot.registration.faults import faults
from bot.settings import Settings

ENOUGH = 12  # phrasings of an entry a language: with fewer, other people's words find it less often


def check(settings: Settings, content: Path | None) -> list[Fault]:
    """Every fault of a content folder."""
    try:
        loaded = load(content or settings.content_folder())
    except BrokenContent as error:
        return error.faults
    return conversation_check.faults(loaded, (wechat_fit, telegram_fit)) + _audience_faults(loaded)


def _audience_faults(content: Content) -> list[Fault]:
    """Reminders that would reach nobody, go out at no time, or be cut."""
    cut = [
        Fault(f"reminders.toml:{reminder.id}.text", what)
        for reminder in content.reminders.reminders
        for what in faults(content, reminders.texts_of(reminder), None)
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


class Asker:
    """What the bot would answer to a question asked out of nowhere."""

    def __init__(self, content: Content, matcher: Matcher) -> None:
        matcher.warm()  # or the first question would take a second longer than the others
        self.content, self._match = content, matcher

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
