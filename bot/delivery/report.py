"""What became of announcements: the lines of `usher deliveries`, the call list, how far each has come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from bot.delivery.announcements import NoSuchAnnouncement
from bot.store.outbox import Announcement, Delivery, DeliveryStatus, Kind, State, Way
from bot.store.tables import Registration, Status

_AT_ONCE = 1000  # rows
_NOT_REACHED = (DeliveryStatus.UNREACHABLE, DeliveryStatus.WAITING, DeliveryStatus.FAILED)
_ON_ITS_WAY = (DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.SENT, DeliveryStatus.UNCONFIRMED)
_UNSENT = (DeliveryStatus.QUEUED, DeliveryStatus.SENDING)
_FIELDS = {
    "announcement": col(Delivery.announcement_id),
    "kind": col(Announcement.kind),
    "reference": col(Registration.reference),
    "way": col(Delivery.way),
    "route": col(Delivery.route),
    "status": col(Delivery.status),
    "attempts": col(Delivery.attempts),
    "error": case((col(Delivery.error) == "", None), else_=col(Delivery.error)),
    "due_at": col(Delivery.due_at),
    "sent_at": col(Delivery.sent_at),
}

_BROADCASTS: Any = select(col(Announcement.id)).where(col(Announcement.kind) == Kind.BROADCAST)
_AGE = (col(Announcement.created_at), col(Announcement.id))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one announcement has come."""

    id: str
    kind: str
    state: str
    due_at: datetime
    counts: dict[str, int]  # deliveries by status, every status named
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # {"zh": {"text", "short"}, "en": ...}

    @property
    def total(self) -> int:
        """How many deliveries are written so far."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """How many of them no lane will touch any more."""
        return self.total - self.counts[DeliveryStatus.QUEUED] - self.counts[DeliveryStatus.SENDING]

    def scheduled(self, now: datetime) -> bool:
        """Whether its time is still to come, and nobody holds it."""
        return self.state == State.PLANNING and self.due_at > now

    @property
    def is_over(self) -> bool:
        """Whether nothing of it can leave any more, whatever an organizer does."""
        return self.state not in (State.PLANNING, State.PAUSED) and self.done == self.total


@dataclass(frozen=True, slots=True)
class Call:
    """One person to phone."""

    reference: str
    name: str
    phone: str
    reason: str
    announcement: str  # the newest of those that do not reach them


def listing(session: Session, zone: ZoneInfo, announcement_id: str | None = None) -> Iterator[dict[str, Any]]:
    """The lines of `usher deliveries`, in the order they were written, streamed; times in the event's zone.

    Raises NoSuchAnnouncement.
    """
    statement: Any = (
        select(*(column.label(name) for name, column in _FIELDS.items()))
        .select_from(Delivery)
        .join(Announcement, col(Announcement.id) == col(Delivery.announcement_id))
        .join(Registration, col(Registration.id) == col(Delivery.registration_id), isouter=True)
        .order_by(col(Delivery.id))
    )
    if announcement_id is not None:
        _known(session, announcement_id)
        statement = statement.where(col(Delivery.announcement_id) == announcement_id)
    for row in session.execute(statement, execution_options={"yield_per": _AT_ONCE}).mappings():
        yield {name: _shown(value, zone) for name, value in row.items()}


def calls(session: Session, now: datetime) -> Iterator[Call]:
    """Whom to phone: each person once, whom no way reaches for something that is due and still useful; streamed.

    Somebody with a message on its way for the same announcement is not among them, nor who cancelled or was declined.
    """
    newest: Call | None = None
    rows = session.execute(_unreached(now), execution_options={"yield_per": _AT_ONCE})
    for row in rows:
        call = Call(row.reference, row.name or "", row.phone or "", row.error or row.status, row.announcement_id)
        if newest and newest.reference != call.reference:
            yield newest
        newest = call
    if newest:
        yield newest


def progress(session: Session, announcement_id: str) -> Progress:
    """How far one announcement has come. Raises NoSuchAnnouncement."""
    row = _known(session, announcement_id)
    counted = select(col(Delivery.status), func.count()).where(col(Delivery.announcement_id) == announcement_id)
    counts = _every_status(session, counted)
    return Progress(row.id, row.kind, row.state, row.due_at, counts, row.texts)


def under_way(session: Session) -> list[Progress]:
    """Every broadcast that is not over, those for later too, in the order in which they were announced.

    Whoever announced it and from wherever: what is on its way has to be found again, also after a restart.
    """
    unsent = select(col(Delivery.announcement_id)).where(col(Delivery.status).in_(_UNSENT))
    is_open = or_(
        col(Announcement.state).in_((State.PLANNING, State.PAUSED)),
        and_(col(Announcement.state) == State.PLANNED, col(Announcement.id).in_(unsent)),
    )
    found = session.scalars(_BROADCASTS.where(is_open).order_by(*_AGE))
    return [progress(session, name) for name in found.all()]


def last_broadcast(session: Session) -> Progress | None:
    """The one that was announced last."""
    name = session.scalar(_BROADCASTS.order_by(*(column.desc() for column in _AGE)).limit(1))
    return progress(session, name) if name else None


def by_status(session: Session) -> dict[str, int]:
    """How many deliveries stand in each status, every status named."""
    return _every_status(session, select(col(Delivery.status), func.count()))


def fates(session: Session) -> dict[str, int]:
    """The same as an organizer reads it: unreachable are those whom nothing else tells what their delivery says."""
    unreachable = (col(Delivery.status) == DeliveryStatus.UNREACHABLE, col(Delivery.way) == Way.CHAT, ~_told())
    count = session.scalar(select(func.count()).select_from(Delivery).where(*unreachable))
    return by_status(session) | {DeliveryStatus.UNREACHABLE.value: int(count or 0)}


def _told() -> Any:
    """Whether the same announcement is on its way to the same person otherwise."""
    other = aliased(Delivery)
    return exists().where(
        col(other.announcement_id) == col(Delivery.announcement_id),
        col(other.person) == col(Delivery.person),
        col(other.status).in_(_ON_ITS_WAY),
    )


def _unreached(now: datetime) -> Any:
    """Deliveries that reach nobody, by person, the newest last. All of them are due: they are written when they are."""
    return (
        select(
            col(Registration.reference), col(Registration.name), col(Registration.phone),
            col(Delivery.error), col(Delivery.status), col(Delivery.announcement_id),
        )
        .join(Registration, col(Registration.id) == col(Delivery.registration_id))
        .join(Announcement, col(Announcement.id) == col(Delivery.announcement_id))
        .where(
            col(Delivery.way) == Way.CHAT,  # which falls back on e-mail; who gets only that was told in the chat itself
            col(Delivery.status).in_(_NOT_REACHED),
            or_(col(Announcement.latest_at).is_(None), col(Announcement.latest_at) > now),
            col(Announcement.state).in_((State.PLANNING, State.PLANNED)),
            col(Registration.status).not_in((Status.CANCELLED, Status.DECLINED)),
            ~_told(),
        )
        .order_by(col(Registration.id), col(Delivery.id))
    )  # fmt: skip


def _known(session: Session, announcement_id: str) -> Announcement:
    row = session.get(Announcement, announcement_id)
    if row is None:
        raise NoSuchAnnouncement(f"{announcement_id}: no such announcement")
    return row


def _every_status(session: Session, counted: Any) -> dict[str, int]:
    found = session.execute(counted.group_by(col(Delivery.status)))
    return {status.value: 0 for status in DeliveryStatus} | {str(status): count for status, count in found}


def _shown(value: Any, zone: ZoneInfo) -> Any:
    return value.astimezone(zone).isoformat(timespec="seconds") if isinstance(value, datetime) else value
