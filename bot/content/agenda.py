"""What happens when: content/agenda.toml."""

from __future__ import annotations

from pydantic import Field, field_validator

from bot.content.values import ClockTime, after_starts
from bot.content.words import Record, Words


class AgendaItem(Record):
    """One item of content/agenda.toml; empty where not known."""

    title: Words
    speaker: Words | None = None
    room: Words | None = None
    starts: ClockTime | None = None
    ends: ClockTime | None = None

    _ends = field_validator("ends")(after_starts)


class Agenda(Record):
    """content/agenda.toml."""

    items: tuple[AgendaItem, ...] = Field((), alias="item")
