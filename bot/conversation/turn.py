"""One message with everything that an answer to it may need."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session

from bot.answers.matcher import Match
from bot.content.facts import Venue, facts, fill
from bot.content.records import Content
from bot.content.words import LANGUAGES, Words
from bot.conversation.state import Held, State
from bot.conversation.words import COMMANDS
from bot.message import Choice, Message


@dataclass(slots=True)
class Person:
    """The contact's row, as far as a conversation needs it."""

    id: int
    language: str
    language_chosen: bool
    stopped_at: datetime | None
    source: str
    created_at: datetime
    is_new: bool = False


_REMEMBERED = timedelta(minutes=30)  # for which a follow-up is about the entry that was answered last


def unchanged(match: Match, _: str) -> Match:
    """What becomes of a follow-up where nothing knows how to read one."""
    return match


@dataclass
class Turn:
    """One message, its conversation, the content, the transaction."""

    message: Message
    person: Person
    state: State
    content: Content
    connection: Connection
    now: datetime
    reading: Callable[[], Match]  # what the matcher makes of the text
    secret: bytes = b""  # for the keyed hash which an unfollow leaves
    with_last: Callable[[Match, str], Match] = unchanged  # a match, read as a follow-up to an entry
    accounts: Any = None  # by which ways messages leave: bot.delivery's Accounts, carried here for who announces
    published: str | None = None  # the venue, as stored
    organizer: bool = False  # one of USHER_TELEGRAM_ORGANIZERS
    text: str = ""  # what was said: typed, or what the picked choice says
    picked: Choice | None = None  # the offered choice that was taken, by tap, number or label
    outcome: str = "other"  # for the metrics
    changed: set[str] = field(default_factory=set)  # columns of the contact to be written: language, stopped_at ...
    continues: bool = False  # the reply is the rest of the one before
    filler: bool = False  # the reply says what there is to say if nothing waits for the person
    erased: bool = False  # the person's data is gone: nothing of this turn may be kept

    @cached_property
    def match(self) -> Match:
        """What the matcher makes of the text; a handler that reads it as a follow-up puts that here."""
        return self.reading()

    @cached_property
    def session(self) -> Session:
        """The transaction for what is not asked at every message; made when first used."""
        return Session(bind=self.connection, expire_on_commit=False, join_transaction_mode="rollback_only")

    @property
    def language(self) -> str:
        """The language of the reply."""
        return self.person.language

    @property
    def tag(self) -> list[str]:
        """The parts of the picked choice's tag."""
        return self.picked.tag.split(".") if self.picked else []

    def say(self, key: str, **values: object) -> str:
        """A sentence of texts.toml."""
        return self.fill(self.content.texts[key], **values)

    @property
    def quiet(self) -> bool:
        """Whether a person was asked to answer here, and the bot keeps out of it."""
        return self.state.handed is not None and self.state.handed.holds(self.now)

    def fill(self, words: Words, **values: object) -> str:
        """A text of the content with its placeholders replaced by facts and values."""
        text = words.of(self.language)
        if "{" not in text:
            return text
        known = (
            self._facts_with_venue if "{venue." in text else self.content.known["en" if self.language == "en" else "zh"]
        )
        return fill(text, {**known, **{name: str(value) for name, value in values.items()}})

    def choice(self, key: str, tag: str = "") -> Choice:
        """A tappable answer labelled by a sentence of texts.toml; its label in the other language means it too.

        Without a tag it is one of the COMMANDS and says that word, whatever its label was changed to.
        """
        words = self.content.texts[key]
        text = self.say(key) if tag else COMMANDS[key.removeprefix("choice.")][self.language == "en"]
        return Choice(self.say(key), text, tag, tuple(words.of(language) for language in LANGUAGES))

    def remember(self, entry: str) -> None:
        """What was answered just now: a follow-up will be about it."""
        self.state.last = Held.of(entry, self.now, _REMEMBERED)

    @property
    def last(self) -> str:
        """The entry that was answered last, while a follow-up may be about it; else ""."""
        last = self.state.last
        return last.id if last and last.holds(self.now) else ""

    def speak(self, language: str, *, chosen: bool) -> None:
        """Goes on in a language, for good when the person chose it."""
        if chosen or not self.person.language_chosen:
            self.person.language = language
            self.person.language_chosen = self.person.language_chosen or chosen
            self.changed |= {"language", "language_chosen"}

    def flush(self) -> None:
        """Sends what the session still holds back to the database."""
        if "session" in self.__dict__:
            self.session.flush()

    @cached_property
    def venue(self) -> Venue | None:
        """The venue as published; None until then."""
        stored = json.loads(self.published) if self.published else None
        return Venue.from_stored(stored) if stored else None

    @cached_property
    def _facts_with_venue(self) -> dict[str, str]:
        content = self.content
        return facts(content.event, content.texts, self.venue, self.language, content.agenda.items)
