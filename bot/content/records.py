"""What the content files say, as frozen records: checked when read, never changed after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator, model_validator

from bot.content.values import AtLeastOne, ClockTime, Day, Id, Moment, Phrases, after_starts, matching

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


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


class FormChoice(Record):
    """One answer to a choice question."""

    id: Id
    label: Words
    words: Phrases = ()  # other ways to say it


class Question(Record):
    """One question of content/form.toml."""

    id: Id
    kind: Literal["choice", "text", "phone", "email", "consent"]
    prompt: Words
    colleague: Words | None = None  # the prompt when a colleague is registered, where that differs
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

    @model_validator(mode="after")
    def _words_mean_one_choice(self) -> Question:
        taken: set[str] = set()
        for choice in self.choices:
            said = {word.casefold() for word in (choice.label.zh, choice.label.en, *choice.words)}
            if said & taken:
                raise ValueError(f"choices: expected {min(said & taken)!r} to mean one choice only")
            taken |= said
        return self


class Form(Record):
    """content/form.toml."""

    questions: Annotated[tuple[Question, ...], AtLeastOne] = Field(alias="question")

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
            raise ValueError("question: expected exactly one consent question, and that first")
        return self


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


class Asked(Record):
    """Ways to ask one thing, at least one a language."""

    zh: Annotated[Phrases, AtLeastOne]
    en: Annotated[Phrases, AtLeastOne]


class Front(Record):
    """What stands above the answers of a file of content/faq."""

    ask: Asked
    title: Words | None = None  # empty: the first way to ask


class Examples(Record):
    """Things asked that are not ours, by language."""

    zh: Phrases = ()
    en: Phrases = ()


class OutOfScope(Record):
    """content/faq/_out_of_scope.md."""

    ask: Examples


class Entry(Record):
    """One file of content/faq: what people ask, and the answer."""

    id: Annotated[
        str, matching("[a-z][a-z0-9_]{0,40}", "a file named with small letters, digits and _, the first a letter")
    ]
    ask: Mapping[str, Phrases]
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
    known: Mapping[Language, Mapping[str, str]]  # what placeholders stand for while no venue is published, by language
    version: str  # hash of the files

    def over(self, now: datetime) -> bool:
        """Whether the event lies in the past."""
        return now >= self.event.end
