"""The event as organizers describe it: content/event.toml."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, StrictBool, field_validator, model_validator

from bot.content.values import ClockTime, Day, Moment, after_starts, matching
from bot.content.words import Record, Words


class Privacy(Record):
    """What people agree to."""

    version: str = Field(min_length=1, max_length=40)  # a new one asks for consent again
    notice: Words


class Contact(Record):
    """Whom to ask beyond the bot; empty where not known."""

    name: Words
    email: Annotated[str, matching(r"|[^@\s]+@[^@\s]+", "an e-mail address, or empty")] = ""
    phone: str = ""


class Links(Record):
    """Addresses; empty until known."""

    booklet: str = ""

    @field_validator("*")
    @classmethod
    def _web(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("expected an address that starts with https://, or empty")
        return value


class Opening(Record):
    """When registration opens and closes, as local time; empty: at once, and at the event's start."""

    opens: Moment = None
    closes: Moment = None


class Event(Record):
    """content/event.toml."""

    name: Words
    date: Day
    starts: ClockTime
    ends: ClockTime
    timezone: str
    city: Words
    cost: Words
    language: Words
    reference_prefix: Annotated[str, matching("[A-Z]{2,6}", "2 to 6 capital letters")] = "FFS"
    capacity: int = Field(0, ge=0)  # seats; 0: no limit
    auto_confirm: StrictBool = False
    registration: Opening = Opening()
    contact: Contact
    links: Links = Links()
    controller: Words
    retention_days: int = Field(90, ge=1, le=3650)
    privacy: Privacy

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            raise ValueError("expected a time zone such as Asia/Shanghai") from None
        return value

    _ends = field_validator("ends")(after_starts)

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Event:
        if self.opens and self.opens >= self.closes:
            raise ValueError("registration.opens: expected a time before registration closes")
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """The event's own time zone."""
        return ZoneInfo(self.timezone)

    @cached_property
    def start(self) -> datetime:
        """When it begins, aware."""
        return datetime.combine(self.date, self.starts, self.zone)

    @cached_property
    def end(self) -> datetime:
        """When it is over, aware."""
        return datetime.combine(self.date, self.ends, self.zone)

    @cached_property
    def opens(self) -> datetime | None:
        """When registration opens, aware; None: it is open."""
        return self._local(self.registration.opens)

    @cached_property
    def closes(self) -> datetime:
        """When registration closes, aware."""
        return self._local(self.registration.closes) or self.start

    def _local(self, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=self.zone) if value and value.tzinfo is None else value
