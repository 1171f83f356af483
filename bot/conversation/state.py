"""Where a person stands in the dialogue, as it is stored between two messages."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from bot.message import Choice, dumps


@dataclass(slots=True)
class Draft:
    """A registration that is being filled in, or one answer of a registration that is being changed."""

    answers: dict[str, str] = field(default_factory=dict)  # by question id; "" is a skipped one
    consent_version: str = ""
    consent_at: str = ""  # ISO time
    colleague: bool = False  # for somebody else, under the same chat
    editing: str = ""  # the question whose answer is being changed
    changes: str = ""  # the reference of the registration that is being changed; empty: a new one
    same: dict[str, str] = field(default_factory=dict)  # a colleague's: what the sender answered for both
    form: str = ""  # the version of the content whose form took the answers
    at: str = ""  # the question that was asked last: an answer is to that one, whatever a changed form asks before it
    doubted: str = ""  # what read like a question where a name is expected: said once more, it is the answer
    active: bool = True  # False after 退出: kept, and 报名 goes on with it

    def as_dict(self) -> dict[str, Any]:
        """As stored."""
        return {name: getattr(self, name) for name in _PARTS}


@dataclass(slots=True)
class Letter:
    """What an organizer is about to send to many."""

    at: str = "who"  # what comes next: who, zh, en, check
    where: str = ""  # the filter that says to whom
    zh: str = ""
    en: str = ""
    people: int = 0  # whom the organizer saw counted
    again: bool = False  # the same was sent a moment ago, and the organizer knows

    @property
    def listens(self) -> bool:
        """Whether whatever is typed now is part of it, known words too: "您好" may be all that is to be said."""
        return self.at in ("zh", "en")

    @property
    def texts(self) -> dict[str, dict[str, str]]:
        """By language; one that is empty is left out."""
        return {name: {"text": text} for name, text in (("zh", self.zh), ("en", self.en)) if text}

    def as_dict(self) -> dict[str, Any]:
        """As stored."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is kept in mind for a while: an entry, an announcement."""

    id: str
    until: str  # ISO time, by the product's clock

    @classmethod
    def of(cls, id_: str, now: datetime, lasts: timedelta) -> Held:
        """From now on for so long."""
        return cls(id_, (now + lasts).isoformat())

    def holds(self, now: datetime) -> bool:
        """Whether it is still kept."""
        return now < datetime.fromisoformat(self.until)


_PARTS = tuple(row.name for row in fields(Draft))
_LETTER = {row.name for row in fields(Letter)}


@dataclass(slots=True)
class State:
    """What the next message is read by."""

    draft: Draft | None = None  # a new registration
    change: Draft | None = None  # a change of one that was sent
    letter: Letter | None = None  # an organizer's, to many
    offered: tuple[Choice, ...] = ()  # the choices of the last reply
    note: bool = False  # the next message is a note to the organizer
    asked: str = ""  # the question for which suggestions were offered
    rest: str = ""  # what 继续 shows
    notice: int = 0  # the delivery that is shown wholly once `rest` is
    waits: bool = False  # the last reply said that something waits for 继续
    last: Held | None = None  # the entry that was answered last: a follow-up is about it
    handed: Held | None = None  # the note with which the person was handed to a person: until then the bot is quiet

    @property
    def form(self) -> Draft | None:
        """What is being filled in now."""
        return self.change or (self.draft if self.draft and self.draft.active else None)

    def to_json(self) -> str:
        """As stored; empty parts are left out."""
        parts: dict[str, Any] = {"note": self.note, "asked": self.asked, "rest": self.rest}
        parts |= {"notice": self.notice, "waits": self.waits}
        parts["offered"] = [choice.as_dict() for choice in self.offered]
        kept = (("draft", self.draft), ("change", self.change), ("letter", self.letter))
        parts |= {name: part.as_dict() for name, part in kept if part}
        held = (("last", self.last), ("handed", self.handed))
        parts |= {name: [part.id, part.until] for name, part in held if part}
        return dumps({name: value for name, value in parts.items() if value})

    @classmethod
    def from_json(cls, stored: str | None) -> State:
        """Reads what `to_json` wrote; nothing stored is a new conversation."""
        kept: dict[str, Any] = json.loads(stored) if stored else {}
        offered = tuple(Choice.from_dict(choice) for choice in kept.pop("offered", ()))
        drafts: dict[str, Any] = {name: Draft(**kept.pop(name)) for name in ("draft", "change") if name in kept}
        written: dict[str, Any] = kept.pop("letter", {})
        letter = Letter(**{name: written[name] for name in written.keys() & _LETTER}) if written.get("at") else None
        held: dict[str, Any] = {name: Held(*kept.pop(name)) for name in ("last", "handed") if name in kept}
        return cls(letter=letter, offered=offered, **drafts, **held, **kept)
