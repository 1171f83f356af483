"""All that the content files say, as frozen records checked when read; each file has a module of its own here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.content.agenda import Agenda
from bot.content.event import Event
from bot.content.faq import Entry
from bot.content.form import Form
from bot.content.reminders import Reminders
from bot.content.words import Language, Record, Words


class Content(Record):
    """All content files together."""

    event: Event
    form: Form
    agenda: Agenda
    reminders: Reminders
    faq: Mapping[str, Entry]
    out_of_scope: Mapping[str, tuple[str, ...]]  # examples that must not be answered, by language
    texts: Mapping[str, Words]
    known: Mapping[Language, Mapping[str, str]]  # what placeholders stand for while no venue is published, by language
    version: str  # hash of the files

    def over(self, now: datetime) -> bool:
        """Whether the event lies in the past."""
        return now >= self.event.end
