"""What people are reminded of, and when: content/reminders.toml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from bot.content.values import Id, matching
from bot.content.words import Record, Words

_AT = r"([01]?\d|2[0-3]):[0-5]\d"
_When = matching(
    rf"-\d{{1,3}}d {_AT}|\+?0d {_AT}|-\d{{1,3}}[hm]|draft \d{{1,3}}h",
    'a time such as "-7d 10:00", "-2h" or "draft 24h"',
)
_Latest = matching(
    rf"-\d{{1,3}}d {_AT}|\+?\d{{1,2}}d {_AT}|[-+]\d{{1,3}}[hm]", 'a time such as "-1d 22:00", "+0h" or "+2d 17:00"'
)
_Audience = matching(r"[a-z_]+=\S+( [a-z_]+=\S+)*", 'conditions such as "status=confirmed category=factory"')


class Reminder(Record):
    """One reminder of content/reminders.toml."""

    id: Id
    when: Annotated[str, _When]
    audience: Annotated[str, _Audience]
    latest: Annotated[str, _Latest]  # useful until
    text: Words
    short: Words | None = None  # for templates: each field at most 20 characters

    @field_validator("short")
    @classmethod
    def _template_field(cls, value: Words | None) -> Words | None:
        if value and max(len(value.zh), len(value.en)) > 20:
            raise ValueError("expected at most 20 characters")
        return value


class Reminders(Record):
    """content/reminders.toml."""

    reminders: tuple[Reminder, ...] = Field((), alias="reminder")

    @model_validator(mode="after")
    def _each_once(self) -> Reminders:
        ids = [reminder.id for reminder in self.reminders]
        for reminder_id in ids:
            if ids.count(reminder_id) > 1:
                raise ValueError(f"{reminder_id}: expected each id once")
        return self
