"""Decides under the event's lock who has a seat, who waits and who has none; whoever did not ask is told.

Order of locks: contact, event, registration. No decision locks a contact: it writes nothing there, and whoever moves up
from the waiting list is not the person who wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Executable, func, select, update
from sqlmodel import col

from bot.content.records import Event
from bot.conversation.turn import Turn
from bot.delivery.announcements import announce
from bot.delivery.routes import Accounts
from bot.errors import UsherError
from bot.registration.register import lock_event, read_reference
from bot.store.outbox import Announcement, Delivery, DeliveryStatus, Kind, Way
from bot.store.tables import Registration, Status

BOTH: tuple[Way, ...] = (Way.CHAT, Way.MAIL)
MAIL: tuple[Way, ...] = (Way.MAIL,)  # for people whom the reply in the chat tells already
SLICE = 100  # decisions in one transaction: other people wait for the event's lock meanwhile
_NO_LIMIT = 1_000_000_000
_FIELDS = (col(Registration.id), col(Registration.reference), col(Registration.status), col(Registration.decided_at))
_IN_ORDER = (col(Registration.created_at), col(Registration.id))  # of registration
SUPERSEDED = "a later decision took its place"


class _Known(NamedTuple):
    """A registration as it stood before."""

    id: int
    reference: str
    status: str
    decided_at: datetime | None


class CannotDecide(UsherError):
    """A reference that nothing can be decided about: which, why, what was expected."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where decisions are made: by what rules, with which ways to tell people, when and by whom."""

    event: Event  # capacity, auto_confirm, the prefix of references
    accounts: Accounts
    now: datetime  # of the product's clock
    by: str  # command, chat, console; never a name


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of one registration."""

    reference: str
    before: Status
    status: Status
    full: bool = False  # it was to be confirmed, and no seat was free

    @property
    def changed(self) -> bool:
        """Whether it stands otherwise than before; only then the person is told."""
        return self.status is not self.before

    def __str__(self) -> str:
        """As a command prints it."""
        if self.full:
            still = "" if self.changed else "still "
            return f"{self.reference}: {still}on the waiting list, all seats are taken"
        if not self.changed:
            return f"{self.reference}: {self.status} already, nobody is told again"
        moved = " (a seat is free)" if self.before is Status.WAITLISTED and self.status is not Status.DECLINED else ""
        return f"{self.reference}: {self.status}, was {self.before}{moved}"


def desk(turn: Turn) -> Desk:
    """The desk of a chat."""
    return Desk(turn.content.event, turn.accounts, turn.now, "chat")


def confirm(connection: Connection, references: Iterable[str], desk: Desk) -> list[Decided]:
    """Gives each a seat, in the order named; when none is left, a place on the waiting list.

    An organizer who names somebody means that person: nobody else's place on the waiting list stops it.
    Raises CannotDecide for a reference that is unknown or was cancelled by the person; then nothing was changed.
    """
    lock_event(connection)
    return _confirm(connection, _named(connection, references, desk.event.reference_prefix), desk)


def confirm_pending(connection: Connection, desk: Desk, size: int = SLICE) -> list[Decided]:
    """Confirms the first of those who wait for a decision, in order of registration; [] when there is nobody left.

    To be called until then, each time in a transaction of its own. Those who waited for a seat come first.
    """
    moved = promote(connection, desk, size)
    pending = select(*_FIELDS).where(col(Registration.status) == Status.PENDING).order_by(*_IN_ORDER).limit(size)
    return moved + _confirm(connection, _known(connection, pending), desk)


def decline(connection: Connection, references: Iterable[str], desk: Desk) -> list[Decided]:
    """Says no to each; a seat that gets free goes to the first of the waiting list, named behind them.

    Raises CannotDecide for a reference that is unknown or was cancelled by the person; then nothing was changed.
    """
    lock_event(connection)
    rows = _named(connection, references, desk.event.reference_prefix)
    return [_settle(connection, row, Status.DECLINED, desk) for row in rows] + _promote(connection, desk)


def cancel(connection: Connection, reference: str, desk: Desk) -> list[Decided]:
    """The person takes the registration back; the seat goes to the first of the waiting list, named behind it.

    Who had a seat gets a mail that takes it out of the calendar; all else is said by the reply. Cancelled twice is
    cancelled once. Raises CannotDecide for a reference that is unknown.
    """
    lock_event(connection)
    (row,) = _found(connection, [reference], desk.event.reference_prefix)
    ways = MAIL if row.status == Status.CONFIRMED else ()
    return [_settle(connection, row, Status.CANCELLED, desk, ways), *_promote(connection, desk)]


def promote(connection: Connection, desk: Desk, size: int = SLICE) -> list[Decided]:
    """Gives free seats to the first of the waiting list, `size` at most; [] when there is nothing to give.

    To be called by whoever frees a seat, and now and then: an organizer may have raised the capacity.

    With auto_confirm they are confirmed in the order of registration. Without, event.toml promises that an organizer
    decides about everybody: so first come those whom an organizer confirmed when the event was full (their decided_at
    is set), and they are confirmed now. For seats left over, those whom nobody has looked at yet become pending, unless
    as many others are pending already: the organizer has them before him, and they were there first.
    """
    lock_event(connection)
    return _promote(connection, desk, size)


def _promote(connection: Connection, desk: Desk, size: int = SLICE) -> list[Decided]:
    if not _waitlisted(connection, 1):
        return []
    free = seats_free(connection, desk.event)
    approved = [] if desk.event.auto_confirm else [col(Registration.decided_at).is_not(None)]
    moved = [
        _settle(connection, row, Status.CONFIRMED, desk) for row in _waitlisted(connection, min(free, size), *approved)
    ]
    if desk.event.auto_confirm or len(moved) == size:
        return moved
    open_ = min(free - len(moved) - _count(connection, Status.PENDING), size - len(moved))
    unseen = _waitlisted(connection, open_, col(Registration.decided_at).is_(None))
    return moved + [_settle(connection, row, Status.PENDING, desk) for row in unseen]


def seats_free(connection: Connection, event: Event) -> int:
    """How many seats nobody has; a billion where there is no limit. Certain only under the event's lock."""
    return event.capacity - _count(connection, Status.CONFIRMED) if event.capacity else _NO_LIMIT


def tell(
    connection: Connection, reference: str, before: str, status: str, desk: Desk, ways: tuple[Way, ...] = BOTH
) -> None:
    """Announces one decision to its person. Under the event's lock, so that its number is its own."""
    number = 1
    while connection.execute(select(1).where(col(Announcement.id) == _name(reference, number))).first():
        number += 1
    announce(
        connection,
        id=_name(reference, number),
        kind=Kind.DECISION,
        accounts=desk.accounts,
        now=desk.now,
        audience=f"reference={reference}",
        more={"decision": status, "before": before, "number": number},
        ways=ways,
        latest_at=desk.event.end,  # nobody is told afterwards
        by=desk.by,
    )


def _confirm(connection: Connection, rows: list[_Known], desk: Desk) -> list[Decided]:
    free = seats_free(connection, desk.event)
    decided = []
    for row in rows:
        seated = row.status == Status.CONFIRMED
        status = Status.CONFIRMED if seated or free > 0 else Status.WAITLISTED
        free -= status is Status.CONFIRMED and not seated
        decided.append(_settle(connection, row, status, desk))
    return decided


def _settle(connection: Connection, row: _Known, status: Status, desk: Desk, ways: tuple[Way, ...] = BOTH) -> Decided:
    """Writes one decision and has it told; what stands so already is left alone."""
    before = Status(row.status)
    decided = Decided(row.reference, before, status, full=status is Status.WAITLISTED)
    by_organizer = status in (Status.CONFIRMED, Status.DECLINED, Status.WAITLISTED)
    if decided.changed or (by_organizer and row.decided_at is None):
        decided_at = desk.now if by_organizer else row.decided_at
        values = {"status": status, "decided_at": decided_at}
        connection.execute(update(Registration).where(col(Registration.id) == row.id).values(**values))
    if decided.changed:
        _withdraw(connection, row.id)
        if ways:
            tell(connection, row.reference, before, status, desk, ways)
    return decided


def _withdraw(connection: Connection, registration_id: int) -> None:
    """Earlier decisions that did not leave yet would only confuse."""
    decisions = select(col(Announcement.id)).where(col(Announcement.kind) == Kind.DECISION)
    connection.execute(
        update(Delivery)
        .where(
            col(Delivery.registration_id) == registration_id,
            col(Delivery.status).in_((DeliveryStatus.QUEUED, DeliveryStatus.WAITING)),
            col(Delivery.announcement_id).in_(decisions),
        )
        .values(status=DeliveryStatus.SKIPPED, error=SUPERSEDED)
    )


def _named(connection: Connection, references: Iterable[str], prefix: str) -> list[_Known]:
    rows = _found(connection, references, prefix)
    cancelled = [row.reference for row in rows if row.status == Status.CANCELLED]
    if cancelled:
        raise CannotDecide(f"{', '.join(cancelled)}: cancelled by the person; they would have to register again")
    return rows


def _found(connection: Connection, references: Iterable[str], prefix: str) -> list[_Known]:
    """The registrations as named, each once."""
    wanted = list(dict.fromkeys(read_reference(typed, prefix) for typed in references))
    named = select(*_FIELDS).where(col(Registration.reference).in_(wanted))
    rows = {row.reference: row for row in _known(connection, named)}
    missing = [reference for reference in wanted if reference not in rows]
    if missing:
        example = f"{prefix}-7K2M9Q"
        raise CannotDecide(f"{', '.join(missing)}: no such registration; expected a reference such as {example}")
    return [rows[reference] for reference in wanted]


def _waitlisted(connection: Connection, most: int, *conditions: Any) -> list[_Known]:
    if most <= 0:
        return []
    waiting = select(*_FIELDS).where(col(Registration.status) == Status.WAITLISTED, *conditions)
    return _known(connection, waiting.order_by(*_IN_ORDER).limit(most))


def _known(connection: Connection, wanted: Executable) -> list[_Known]:
    return [_Known(*row) for row in connection.execute(wanted)]


def _count(connection: Connection, status: Status) -> int:
    counted = select(func.count()).select_from(Registration).where(col(Registration.status) == status)
    return int(connection.execute(counted).scalar_one())


def _name(reference: str, number: int) -> str:
    return f"D-{reference}-{number}"
