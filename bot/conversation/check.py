"""What the content must keep so that every question with its choices fits one reply on every channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bot.content.facts import fill
from bot.content.form import Question
from bot.content.records import Content
from bot.content.words import LANGUAGES
from bot.errors import Fault
from bot.message import Choice, Reply

Fit = Callable[[Reply, Choice | None], tuple[Reply, str]]


def faults(content: Content, fits: Iterable[Fit]) -> list[Fault]:
    """One fault for each question, language and channel where it would be cut."""
    found: list[Fault] = []
    for question in content.form.questions:
        for language in LANGUAGES:
            longest = max(
                (question.prompt, question.colleague or question.prompt), key=lambda words: len(words.of(language))
            )
            prompt = fill(longest.of(language), content.known[language])
            reply = Reply(ask=f"99/99 {prompt}", choices=_choices(content, question, language))
            for fit in fits:
                try:
                    fit(reply, None)
                except ValueError as error:
                    place = f"form.toml:question.{question.id}.prompt.{language}"
                    found.append(Fault(place, f"{error}; expected a shorter prompt or fewer choices"))
    return found


def _choices(content: Content, question: Question, language: str) -> tuple[Choice, ...]:
    rows = [
        Choice(row.label.of(language), row.label.of(language), f"form.{question.id}.{row.id}")
        for row in question.choices
    ]
    if question.optional:
        label = content.texts["form.skip"].of(language)
        rows.append(Choice(label, label, f"form.{question.id}._skip"))
    return tuple(rows)
