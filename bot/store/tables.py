"""The tables: people's addresses, their conversations, what came in, who is registered, what was asked and erased."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """A time that is aware in Python and UTC in the database, on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses naive times where they enter."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("expected an aware time")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite keeps no offset: what it holds is UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def moment_column(nullable: bool = True) -> Any:
    """A column for an aware time."""
    return Field(default=None, sa_type=UtcDateTime, nullable=nullable)


def belongs_to(table: str, *, nullable: bool = False, on_delete: str = "CASCADE", primary: bool = False) -> Any:
    """A column that names a row of another table, and goes with it unless told otherwise."""
    key = ForeignKey(f"{table}.id", ondelete=on_delete)
    return Column(Integer, key, nullable=nullable and not primary, primary_key=primary, index=not primary)


class Status(StrEnum):
    """Where a registration stands."""

    PENDING = "pending"  # waits for the organizer
    CONFIRMED = "confirmed"  # has a seat
    WAITLISTED = "waitlisted"  # the event is full; first to be asked when a seat is free
    DECLINED = "declined"  # the organizer said no
    CANCELLED = "cancelled"  # the person said no


class Outcome(StrEnum):
    """What became of a question."""

    ANSWER = "answer"  # answered directly
    SUGGEST = "suggest"  # offered what it may mean, and nothing was taken yet
    TAPPED = "tapped"  # one of what was offered was taken
    UNKNOWN = "unknown"  # no entry answers it: an organizer should
    FOREIGN = "foreign"  # not about this event; nobody has to answer
    NOTE = "note"  # left for a person to read


class Event(SQLModel, table=True):
    """One row a event: the lock under which seats are given, and what organizers published."""

    id: str = Field(primary_key=True)
    venue: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    sequence: int = Field(
        default=0, sa_column_kwargs={"server_default": "0"}
    )  # of the calendar entry: one more whenever what it says has changed
    digest: str | None = None  # of what it says


class Contact(SQLModel, table=True):
    """Where a person can be reached, and until when WeChat lets us."""

    __table_args__ = (UniqueConstraint("channel", "account", "user_id"),)

    id: int | None = Field(default=None, primary_key=True)
    channel: str
    account: str
    user_id: str  # after an unfollow: a keyed hash of it
    language: str = "zh"
    language_chosen: bool = False  # picked by the person: nothing else changes it
    source: str = ""  # scene or payload that brought the person
    created_at: datetime = moment_column(nullable=False)
    seen_at: datetime = moment_column(nullable=False)
    message_until: datetime | None = moment_column()  # the 48-hour window after a message
    message_left: int = 0
    tap_until: datetime | None = moment_column()  # the one-minute window after a tap; never shortens the other
    tap_left: int = 0
    blocked_at: datetime | None = moment_column()  # unfollowed or blocked: cannot be reached until they write
    stopped_at: datetime | None = moment_column()  # wants no reminders


class Conversation(SQLModel, table=True):
    """Where a person stands in the dialogue."""

    __table_args__ = (
        # What the clock asks each second: which drafts were left alone?
        Index(
            "draft_touched",
            "draft_at",
            sqlite_where=text("draft_at IS NOT NULL"),
            postgresql_where=text("draft_at IS NOT NULL"),
        ),
    )

    contact_id: int = Field(sa_column=belongs_to("contact", primary=True))
    state: str  # JSON, see bot/conversation/state.py
    draft_at: datetime | None = moment_column()  # when a draft past consent was last touched
    updated_at: datetime = moment_column(nullable=False)


class Message(SQLModel, table=True):
    """One message that was answered: its key, so that a copy gets the same reply, and that reply."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    contact_id: int | None = Field(sa_column=belongs_to("contact", nullable=True))
    received_at: datetime = moment_column(nullable=False)
    reply: str | None = None  # JSON; null: nothing was to be said
    claimed_at: datetime | None = moment_column()  # when one copy began to send the reply (Telegram)
    sent_at: datetime | None = moment_column()


class Registration(SQLModel, table=True):
    """The result, one for each person registered; a contact may hold several (colleagues)."""

    __table_args__ = (
        # One live registration of one's own for each contact, whatever two messages at once may try.
        Index(
            "one_own_registration",
            "contact_id",
            unique=True,
            sqlite_where=text("registered_by IS NULL AND status <> 'cancelled'"),
            postgresql_where=text("registered_by IS NULL AND status <> 'cancelled'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    reference: str = Field(unique=True)
    contact_id: int | None = Field(sa_column=belongs_to("contact", nullable=True, on_delete="SET NULL"))
    status: str = Field(default=Status.PENDING, index=True)
    category: str | None = None
    programme: str | None = None
    organization: str | None = None
    name: str | None = None
    title: str | None = None
    phone: str | None = None  # E.164
    email: str | None = None
    more: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)  # answers to questions beyond those above
    language: str = "zh"
    channel: str = ""
    registered_by: str | None = None  # reference of the colleague who did it
    source: str = ""
    consent_version: str = ""
    consent_at: datetime = moment_column(nullable=False)
    created_at: datetime = Field(sa_type=UtcDateTime, nullable=False, index=True)
    decided_at: datetime | None = moment_column()
    checked_in_at: datetime | None = moment_column()


class Asked(SQLModel, table=True):
    """A question and what became of it, or a note left for a person. Erased with who asked, and after 90 days."""

    __tablename__ = "question"
    __table_args__ = (
        Index(
            "open_question",
            "asked_at",
            sqlite_where=text("closed_at IS NULL AND outcome IN ('unknown', 'note', 'suggest')"),
            postgresql_where=text("closed_at IS NULL AND outcome IN ('unknown', 'note', 'suggest')"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    contact_id: int | None = Field(sa_column=belongs_to("contact", nullable=True))
    asked_at: datetime = Field(sa_type=UtcDateTime, nullable=False, index=True)
    language: str = "zh"
    outcome: str = Outcome.UNKNOWN
    text: str = ""
    entry: str | None = None  # what answered it, or the nearest
    score: float | None = None  # how sure, 0 to 1
    closed_at: datetime | None = moment_column()  # dealt with by an organizer
    answer_id: str | None = None  # the announcement that carries the organizer's answer


class Kept(SQLModel, table=True):
    """A rightly signed body that we did not understand, kept for whoever looks into it."""

    id: int | None = Field(default=None, primary_key=True)
    channel: str
    account: str
    user_id: str = Field(default="", index=True)
    received_at: datetime = Field(sa_type=UtcDateTime, nullable=False, index=True)
    reason: str
    body: bytes


class Nonce(SQLModel, table=True):
    """A signature of WeChat's plain mode and the body that came first with it: see bot/store/nonces.py."""

    id: int | None = Field(default=None, primary_key=True)
    signature: str = Field(unique=True)
    body: str  # SHA-256, in hex
    seen_at: datetime = Field(sa_type=UtcDateTime, nullable=False, index=True)


class Erasure(SQLModel, table=True):
    """A receipt that somebody's data was erased; says how much, never whose."""

    id: str = Field(primary_key=True)
    erased_at: datetime = moment_column(nullable=False)
    by: str  # chat, command
    rows: dict[str, int] = Field(default_factory=dict, sa_type=JSON)


class Setting(SQLModel, table=True):
    """What the installation remembers of itself, such as the demo's own keys."""

    name: str = Field(primary_key=True)
    value: str
