"""One decision about one registration: what is written, and how its person is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, update
from sqlmodel import col

from bot.content.event import Event
from bot.delivery.announcements import SUPERSEDED, announce
from bot.delivery.routes import Accounts
from bot.store.outbox import Announcement, Delivery, DeliveryStatus, Kind, Way
from bot.store.tables import Registration, Status

BOTH: tuple[Way, ...] = (Way.CHAT, Way.MAIL)
MAIL: tuple[Way, ...] = (Way.MAIL,)  # for people whom the reply in the chat tells already


class Known(NamedTuple):
    """A registration as it stood before."""

    id: int
    reference: str
    status: str
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Desk:
    """Where decisions are made: by what rules, with which ways to tell people, when and by whom."""

    event: Event  # capacity, auto_confirm, the prefix of references
    accounts: Accounts
    now: datetime  # of the product's clock
    by: str  # command, chat, console, clock; never a name


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


def settle(connection: Connection, row: Known, status: Status, desk: Desk, ways: tuple[Way, ...] = BOTH) -> Decided:
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


def _name(reference: str, number: int) -> str:
    return f"D-{reference}-{number}"
