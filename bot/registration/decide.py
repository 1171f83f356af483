"""Decides under the event's lock who has a seat, who waits and who has none; whoever did not ask is told.

Order of locks: contact, event, registration. No decision locks a contact: it writes nothing there, and whoever moves up
from the waiting list is not the person who wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Executable, func, select
from sqlmodel import col

from bot.content.event import Event
from bot.conversation.turn import Turn
from bot.errors import UsherError
from bot.registration.decision import MAIL, Decided, Desk, Known, settle
from bot.registration.register import lock_event, read_reference
from bot.store.database import Database
from bot.store.tables import Registration, Status

__all__ = ["Decided", "Desk", "cancel", "confirm", "confirm_pending", "decline", "desk", "move_up", "promote"]
SLICE = 100  # decisions in one transaction: other people wait for the event's lock meanwhile
_NO_LIMIT = 1_000_000_000
_FIELDS = (col(Registration.id), col(Registration.reference), col(Registration.status), col(Registration.decided_at))
_IN_ORDER = (col(Registration.created_at), col(Registration.id))  # of registration


class CannotDecide(UsherError):
    """A reference that nothing can be decided about: which, why, what was expected."""


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
    return [settle(connection, row, Status.DECLINED, desk) for row in rows] + _promote(connection, desk)


def cancel(connection: Connection, reference: str, desk: Desk) -> list[Decided]:
    """The person takes the registration back; the seat goes to the first of the waiting list, named behind it.

    Who had a seat gets a mail that takes it out of the calendar; all else is said by the reply. Cancelled twice is
    cancelled once. Raises CannotDecide for a reference that is unknown.
    """
    lock_event(connection)
    (row,) = _found(connection, [reference], desk.event.reference_prefix)
    ways = MAIL if row.status == Status.CONFIRMED else ()
    return [settle(connection, row, Status.CANCELLED, desk, ways), *_promote(connection, desk)]


def promote(connection: Connection, desk: Desk, size: int = SLICE) -> list[Decided]:
    """Gives free seats to the first of the waiting list, `size` at most; [] when nobody moves up.

    To be called by whoever frees a seat in another way than by `cancel` or `decline`. With auto_confirm they are
    confirmed in the order of registration. Without, event.toml promises that an organizer decides about everybody: so
    first come those whom an organizer confirmed when the event was full (their decided_at is set), and they are
    confirmed now. For seats left over, those whom nobody has looked at yet become pending, unless as many others are
    pending already: the organizer has them before him, and they were there first.
    """
    lock_event(connection)
    return _promote(connection, desk, size)


async def move_up(database: Database, desk: Desk) -> None:
    """The same for whatever nobody else did, such as a capacity that was raised; to be called each second.

    As long as nobody can move up it only reads. Raises Unavailable.
    """
    if desk.now >= desk.event.end:
        return
    if await database.read(lambda session: _movable(session.connection(), desk, 1)):
        while await database.transact(lambda connection: promote(connection, desk)):
            pass


def _promote(connection: Connection, desk: Desk, size: int = SLICE) -> list[Decided]:
    return [settle(connection, row, status, desk) for row, status in _movable(connection, desk, size)]


def _movable(connection: Connection, desk: Desk, size: int) -> list[tuple[Known, Status]]:
    """Who can move up from the waiting list now, and to what."""
    free = seats_free(connection, desk.event)
    if free <= 0 or not _waitlisted(connection, 1):
        return []
    approved = [] if desk.event.auto_confirm else [col(Registration.decided_at).is_not(None)]
    seated = _waitlisted(connection, min(free, size), *approved)
    moved = [(row, Status.CONFIRMED) for row in seated]
    if desk.event.auto_confirm or len(moved) == size:
        return moved
    unclaimed = min(free - len(moved) - _count(connection, Status.PENDING), size - len(moved))
    unseen = _waitlisted(connection, unclaimed, col(Registration.decided_at).is_(None))
    return moved + [(row, Status.PENDING) for row in unseen]


def seats_free(connection: Connection, event: Event) -> int:
    """How many seats nobody has; a billion where there is no limit. Certain only under the event's lock."""
    return event.capacity - _count(connection, Status.CONFIRMED) if event.capacity else _NO_LIMIT


def _confirm(connection: Connection, rows: list[Known], desk: Desk) -> list[Decided]:
    free = seats_free(connection, desk.event)
    decided = []
    for row in rows:
        seated = row.status == Status.CONFIRMED
        status = Status.CONFIRMED if seated or free > 0 else Status.WAITLISTED
        free -= status is Status.CONFIRMED and not seated
        decided.append(settle(connection, row, status, desk))
    return decided


def _named(connection: Connection, references: Iterable[str], prefix: str) -> list[Known]:
    rows = _found(connection, references, prefix)
    cancelled = [row.reference for row in rows if row.status == Status.CANCELLED]
    if cancelled:
        raise CannotDecide(f"{', '.join(cancelled)}: cancelled by the person; they would have to register again")
    return rows


def _found(connection: Connection, references: Iterable[str], prefix: str) -> list[Known]:
    """The registrations as named, each once."""
    wanted = list(dict.fromkeys(read_reference(typed, prefix) for typed in references))
    named = select(*_FIELDS).where(col(Registration.reference).in_(wanted))
    rows = {row.reference: row for row in _known(connection, named)}
    missing = [reference for reference in wanted if reference not in rows]
    if missing:
        example = f"{prefix}-7K2M9Q"
        raise CannotDecide(f"{', '.join(missing)}: no such registration; expected a reference such as {example}")
    return [rows[reference] for reference in wanted]


def _waitlisted(connection: Connection, most: int, *conditions: Any) -> list[Known]:
    if most <= 0:
        return []
    waiting = select(*_FIELDS).where(col(Registration.status) == Status.WAITLISTED, *conditions)
    return _known(connection, waiting.order_by(*_IN_ORDER).limit(most))


def _known(connection: Connection, wanted: Executable) -> list[Known]:
    return [Known(*row) for row in connection.execute(wanted)]


def _count(connection: Connection, status: Status) -> int:
    counted = select(func.count()).select_from(Registration).where(col(Registration.status) == status)
    return int(connection.execute(counted).scalar_one())
