"""The tables of what leaves later: announcements, their deliveries, and the lanes that send them."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from bot.store.tables import UtcDateTime, belongs_to, moment_column


class Kind(StrEnum):
    """What an announcement is."""

    REMINDER = "reminder"  # what content/reminders.toml says, at its time
    BROADCAST = "broadcast"  # what an organizer says, once
    DECISION = "decision"  # what became of one registration
    NOTE = "note"  # what a person said to the organizers, passed on into their chats
    ANSWER = "answer"  # what an organizer says to those who asked


EXPECTED = frozenset({Kind.DECISION, Kind.NOTE, Kind.ANSWER})
"""What its people are waiting for: told at any hour, also to who unsubscribed or cancelled."""


class Priority(IntEnum):
    """Which of two that are due leaves first."""

    DECISION = 0  # and what is answered
    REMINDER = 1
    BROADCAST = 2


class State(StrEnum):
    """Where an announcement stands."""

    PLANNING = "planning"  # its deliveries are being written, a slice at a time
    PLANNED = "planned"  # they all are
    MISSED = "missed"  # its time was over before anybody could be told
    PAUSED = "paused"  # an organizer holds it
    STOPPED = "stopped"  # an organizer ended it; what was queued is skipped


class DeliveryStatus(StrEnum):
    """What became of one message to one person."""

    QUEUED = "queued"  # waits for its lane
    SENDING = "sending"  # handed to the platform, or about to be; a template until the platform reports its end
    WAITING = "waiting"  # no way to reach them now: shown when they next write
    SENT = "sent"  # the platform took it
    FAILED = "failed"  # the platform refused it for good
    UNREACHABLE = "unreachable"  # no route is left; the error says why
    SKIPPED = "skipped"  # not wanted any more: cancelled, unsubscribed, too late, stopped
    UNCONFIRMED = "unconfirmed"  # nobody can know whether it arrived


class Way(StrEnum):
    """By which of the two ways a person is told."""

    CHAT = "chat"
    MAIL = "mail"


class Route(StrEnum):
    """How a message reaches a person."""

    WECHAT_MESSAGE = "wechat_message"
    WECHAT_TEMPLATE = "wechat_template"
    WECHAT_REPLY = "wechat_reply"
    TELEGRAM = "telegram"
    EMAIL = "email"


class Announcement(SQLModel, table=True):
    """A reminder, a broadcast, one decision about one registration, a note to the organizers, or their answer."""

    id: str = Field(primary_key=True)  # a reminder's own id; B-... a broadcast; D-REFERENCE-n a decision; N-..., A-...
    kind: str
    audience: str = ""  # the filter, as written; empty for everybody with a live registration
    texts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)  # {"zh": {"text", "short"}, "en": ...}
    more: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)  # {"venue": true}, {"decision": status}
    due_at: datetime = Field(sa_type=UtcDateTime, nullable=False, index=True)
    latest_at: datetime | None = moment_column()  # useless after that
    created_at: datetime = moment_column(nullable=False)
    state: str = Field(default=State.PLANNING, index=True)
    planned_to: int = 0  # the id of the last registration whose deliveries are written
    digest: str = Field(default="", index=True)  # of a broadcast's texts and people: the same twice is asked back
    by: str = ""  # command, chat, console; never a name


class Delivery(SQLModel, table=True):
    """One message to one person by one way, unique by (announcement, person, way)."""

    __table_args__ = (
        UniqueConstraint("announcement_id", "person", "way"),
        # What a lane asks at every flight.
        Index(
            "due_in_lane",
            *("lane", "priority", "available_at", "id"),
            sqlite_where=text("status = 'queued'"),
            postgresql_where=text("status = 'queued'"),
        ),
        # What every message asks: is something waiting for this person?
        Index(
            "waiting_for_person",
            "contact_id",
            sqlite_where=text("status = 'waiting'"),
            postgresql_where=text("status = 'waiting'"),
        ),
        Index("delivery_status", "status", "lane"),
        Index(
            "template_receipt",
            "receipt",
            sqlite_where=text("receipt IS NOT NULL"),
            postgresql_where=text("receipt IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    announcement_id: str = Field(foreign_key="announcement.id", ondelete="CASCADE")
    person: str  # r12: of registration 12; c5: of contact 5, who has none
    contact_id: int | None = Field(sa_column=belongs_to("contact", nullable=True, on_delete="SET NULL"))
    registration_id: int | None = Field(sa_column=belongs_to("registration", nullable=True))
    way: str
    lane: str | None = None  # the account that sends it: Lane.account
    route: str | None = None
    priority: int
    status: str = DeliveryStatus.QUEUED
    attempts: int = 0
    tried: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)  # [{"route", "error", "at"}]
    error: str = ""  # why it stands as it stands, for organizers
    due_at: datetime = moment_column(nullable=False)
    available_at: datetime | None = moment_column()  # not before; null: held by a pause
    sent_at: datetime | None = moment_column()
    epoch: int = 0  # of the lane's holder that took it up last
    receipt: str | None = None  # the platform's own id of a template message, or of a note in an organizer's chat


CLOSE = "handoff.close."
"""What the button below a note remembers, in front of the note's id."""


def about_chat(contact_id: int) -> str:
    """The audience of a note: whose words it passes on, so that it is found when they are erased."""
    return f"contact={contact_id}"


class Lane(SQLModel, table=True):
    """The one sender of one account, held by a lease on the real clock."""

    account: str = Field(primary_key=True)  # wechat:APPID, telegram:BOTID, email
    holder: str = ""
    epoch: int = 0  # one more for each new holder
    until: datetime = moment_column(nullable=False)
    paused_until: datetime | None = moment_column()  # real clock: the platform asked for a rest
    reason: str = ""  # of the pause
    off: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)  # {route: why the account may not use it}
    wanted_by: str | None = None  # a node that has two lanes less


class TemplateEnd(SQLModel, table=True):
    """The platform's report on a template message that came before our own result was written."""

    __tablename__ = "template_end"

    receipt: str = Field(primary_key=True)
    status: str
    at: datetime = moment_column(nullable=False)
