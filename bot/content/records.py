"""What the content files say, as frozen records: checked when read, never changed after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class Record(BaseModel):
    """A frozen record which refuses keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Words(Record):
    """One text in each language."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def of(self, language: str) -> str:
        """The text in "zh" or "en"."""
        return self.en if language == "en" else self.zh


def _clock_time(value: object) -> object:
    """`"9:30"` as TOML text, which organizers write without the leading zero."""
    if isinstance(value, str):
        try:
            hour, minute = value.split(":")
            return time(int(hour), int(minute))
        except ValueError:
            raise ValueError('expected a time such as "9:30"') from None
    return value


ClockTime = Annotated[time, BeforeValidator(_clock_time)]


class Privacy(Record):
    """What people agree to."""

    version: str = Field(min_length=1, max_length=40)  # a new one asks for consent again
    notice: Words


class Contact(Record):
    """Whom to ask beyond the bot; empty where not known."""

    name: Words
    email: str = ""
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

    opens: datetime | None = None
    closes: datetime | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        return None if value == "" else value


class Event(Record):
    """content/event.toml."""

    name: Words
    date: date
    starts: ClockTime
    ends: ClockTime
    timezone: str
    city: Words
    cost: Words
    language: Words
    reference_prefix: str = Field("FFS", pattern=r"^[A-Z]{2,6}$")
    capacity: int = Field(0, ge=0)  # seats; 0: no limit
    auto_confirm: bool = False
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

    @model_validator(mode="after")
    def _ends_after_start(self) -> Event:
        if self.ends <= self.starts:
            raise ValueError("ends: expected a time after starts")
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


class FormChoice(Record):
    """One answer to a choice question."""

    id: Id
    label: Words
    words: tuple[str, ...] = ()  # other ways to say it


class Question(Record):
    """One question of content/form.toml."""

    id: Id
    kind: Literal["choice", "text", "phone", "email", "consent"]
    prompt: Words
    label: Words  # its short name in the review
    help: Words | None = None  # what is accepted, said when an answer is not
    choices: tuple[FormChoice, ...] = ()
    when: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)  # asked only if that answer is one of these
    optional: bool = False
    max_length: int = Field(80, ge=1, le=500)
    shared: bool = False  # offered again when the same person registers a colleague

    @model_validator(mode="after")
    def _choices_fit_kind(self) -> Question:
        if (self.kind in ("choice", "consent")) != bool(self.choices):
            raise ValueError("choices: expected for the kinds choice and consent, and for no other")
        ids = [choice.id for choice in self.choices]
        if len(ids) != len(set(ids)):
            raise ValueError("choices: expected each id once")
        if self.kind == "consent" and ids != ["agree", "disagree"]:
            raise ValueError("choices: expected agree and disagree, in this order")
        return self


class Form(Record):
    """content/form.toml."""

    questions: tuple[Question, ...] = Field(alias="question", min_length=1)

    @model_validator(mode="after")
    def _conditions_look_back(self) -> Form:
        before: dict[str, Question] = {}
        for question in self.questions:
            if question.id in before:
                raise ValueError(f"{question.id}: expected each id once")
            for other, wanted in question.when.items():
                known = [choice.id for choice in before[other].choices] if other in before else []
                for value in wanted:
                    if value not in known:
                        raise ValueError(
                            f"{question.id}.when.{other}: expected a choice of an earlier question, not {value!r}"
                        )
            before[question.id] = question
        if self.questions[0].kind != "consent" or any(q.kind == "consent" for q in self.questions[1:]):
            raise ValueError("expected exactly one consent question, and that first")
        return self


class AgendaItem(Record):
    """One item of content/agenda.toml; empty where not known."""

    title: Words
    speaker: Words | None = None
    room: Words | None = None
    starts: ClockTime | None = None
    ends: ClockTime | None = None


class Agenda(Record):
    """content/agenda.toml."""

    items: tuple[AgendaItem, ...] = Field((), alias="item")


class Reminder(Record):
    """One reminder of content/reminders.toml."""

    id: Id
    when: str = Field(pattern=r"^(-\d{1,3}d \d{1,2}:\d{2}|\+?0d \d{1,2}:\d{2}|-\d{1,3}[hm]|draft \d{1,3}h)$")
    audience: str
    latest: str = Field(
        pattern=r"^(-\d{1,3}d \d{1,2}:\d{2}|\+?\d{1,2}d \d{1,2}:\d{2}|[-+]\d{1,3}[hm])$"
    )  # useful until
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


class Entry(Record):
    """One file of content/faq: what people ask, and the answer."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    ask: Mapping[str, tuple[str, ...]]
    title: Words
    answer: Words


class Content(Record):
    """All content files together."""

    event: Event
    form: Form
    agenda: Agenda
    reminders: Reminders
    faq: Mapping[str, Entry]
    out_of_scope: Mapping[str, tuple[str, ...]]  # examples that must not be answered, by language
    texts: Mapping[str, Words]
    version: str  # hash of the files

    def say(self, key: str, language: str, **values: object) -> str:
        """A sentence of texts.toml with its placeholders filled."""
        return self.texts[key].of(language).format_map(values) if values else self.texts[key].of(language)

    def over(self, now: datetime) -> bool:
        """Whether the event lies in the past."""
        return now >= self.event.end
