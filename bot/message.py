"""What travels between people and handlers: addresses, messages that came in, replies that go out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Address:
    """Who, on which channel."""

    channel: str  # wechat, telegram
    account: str  # our own account there: an app id, a bot id
    user_id: str  # the person's id, known to that account alone

    def __str__(self) -> str:
        return f"{self.channel}:{self.user_id}"


class Kind(StrEnum):
    """What a message is, the same on every channel."""

    TEXT = "text"  # typed words, or a tapped choice
    START = "start"  # /start, a follow, a scanned code: the person turns to us
    LEAVE = "leave"  # unfollowed: the platform asks to delete
    BLOCK = "block"  # blocked the bot: cannot be reached
    UNBLOCK = "unblock"  # unblocked it, and has not written yet
    PHONE = "phone"  # the person's own number, shared by button
    MEDIA = "media"  # image, voice, sticker, file, place: nothing that we can read
    EDITED = "edited"  # an old message was changed afterwards


@dataclass(frozen=True, slots=True)
class Opened:
    """The window for sending later which a message opens: so many messages within so long."""

    window: str  # "message" or "tap"
    count: int
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that a person did. /start, a follow and a scan read alike."""

    id: str  # the same for every copy of it that the platform sends, and for nothing else; holds no personal data
    sender: Address
    sent_at: datetime  # aware
    kind: Kind = Kind.TEXT
    text: str = ""
    tapped: str = ""  # the tag of the choice that was tapped; a stranger can forge it, so it is checked like typed text
    source: str = ""  # scene of the code or payload of the link which brought the person
    language: str = ""  # "en" where the platform says that the person reads English
    phone: str = ""  # with Kind.PHONE: as the platform wrote it
    reply_to: str = ""  # the platform's id of our message which this answers, or on which the tapped choice stands
    reply_tag: str = ""  # the tag of the first choice below that message, where the platform shows it
    opened: Opened | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One tappable answer. Its number is its place in the reply."""

    label: str  # what is printed
    text: str  # what picking it says, as if typed
    tag: str = ""  # which question it answers, and how ("form.category.factory"); empty: plain words, good at any time
    also: tuple[str, ...] = ()  # other words that mean it

    def as_dict(self) -> dict[str, object]:
        """The form in which choices are stored."""
        return {"label": self.label, "text": self.text, "tag": self.tag, "also": self.also}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Choice:
        """Reads what `as_dict` wrote."""
        return cls(stored["label"], stored["text"], stored["tag"], tuple(stored["also"]))


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back. `text` may be cut on a small screen; `ask` and the choices never are."""

    text: str = ""
    ask: str = ""  # the question that ends the reply
    choices: tuple[Choice, ...] = ()
    contact_button: str = ""  # label of a button that shares the person's own number, where a channel has one

    def to_json(self) -> str:
        """The form in which replies are stored."""
        fields = {name: getattr(self, name) for name in ("text", "ask", "contact_button")}
        return dumps(fields | {"choices": [choice.as_dict() for choice in self.choices]})

    @classmethod
    def from_json(cls, stored: str) -> Reply:
        """Reads what `to_json` wrote."""
        fields = json.loads(stored)
        choices = tuple(Choice.from_dict(choice) for choice in fields.pop("choices"))
        return cls(**fields, choices=choices)
