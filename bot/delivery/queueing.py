"""Writes the deliveries of an announcement, a slice at a time, so that replies go on in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, case, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, col

from bot.clock import Clock
from bot.delivery.audience import audience
from bot.delivery.batch import Batch
from bot.delivery.people import Person
from bot.delivery.quiet import out_of_quiet
from bot.delivery.routes import Accounts, Off, Step, choose, has_short, in_force, unwanted
from bot.delivery.whom import PEOPLE, registered
from bot.store.database import Database
from bot.store.outbox import EXPECTED, Announcement, DeliveryStatus, Kind, Lane, Priority, State, Way
from bot.store.tables import Registration

SLICE = 500  # people: 10 to 30 ms a transaction
TOO_LATE = "too late to be useful"
_ANNOUNCEMENT = SQLModel.metadata.tables["announcement"]
_MANY = 2_000  # people
_IN_TIME = timedelta(minutes=10)
_PRIORITY = {
    **dict.fromkeys(EXPECTED, Priority.DECISION),
    Kind.REMINDER: Priority.REMINDER,
    Kind.BROADCAST: Priority.BROADCAST,
}
# One statement a slice. Measured with 500 people: 8 ms on SQLite and 14 on PostgreSQL; handed to the driver row by row
# 10 and 25.
_INSERT = Batch(
    """
    INSERT INTO delivery (announcement_id, person, contact_id, registration_id, way, lane, route, priority, status,
                          attempts, tried, error, due_at, available_at, epoch)
    SELECT :announcement_id, r.person, r.contact_id, r.registration_id, r.way, r.lane, r.route, :priority, r.status,
           0, '[]', r.error, :due_at, :available_at, 0
    FROM ROWS WHERE true
    ON CONFLICT DO NOTHING
    """,
    person="text", contact_id="integer", registration_id="integer", way="text", lane="text", route="text",
    status="text", error="text",
)  # fmt: skip


@dataclass(frozen=True)
class Sending:
    """What all deliveries of one announcement share while they are written."""

    id: str
    kind: str
    texts: Mapping[str, Mapping[str, str]]
    more: Mapping[str, Any]
    due_at: datetime
    latest_at: datetime | None
    now: datetime
    accounts: Accounts
    off: Off

    @cached_property
    def ways(self) -> tuple[str, ...]:
        """By which ways each person is told: by mail only where mail is set up."""
        ways = self.more.get("ways", (Way.CHAT,))
        return tuple(way for way in ways if way != Way.MAIL or self.accounts.email)

    @cached_property
    def leaves_at(self) -> datetime:
        """Not before: reminders keep the quiet hours of the event's zone."""
        moment = max(self.due_at, self.now)
        return out_of_quiet(moment, ZoneInfo(self.more["zone"])) if "zone" in self.more else moment

    @cached_property
    def is_late(self) -> bool:
        """Whether it could only leave when it is useless."""
        return self.latest_at is not None and self.leaves_at >= self.latest_at


def queue_slice(
    connection: Connection, announcement_id: str, accounts: Accounts, now: datetime, size: int = SLICE
) -> int:
    """Writes the deliveries of the next people; how many these were. 0: there is nothing left to write.

    Done twice, by two processes or after a crash, it changes nothing: the row of the announcement is locked and says
    how far it got, and a delivery is unique by announcement, person and way.
    """
    row = _locked(connection, announcement_id)
    if row is None or row.due_at > now:
        return 0
    if row.latest_at is not None and row.latest_at <= now and not row.planned_to:
        _note(connection, announcement_id, state=State.MISSED)
        return 0
    known = (row.id, row.kind, row.texts, row.more, row.due_at, row.latest_at)
    sending = Sending(*known, now, accounts, switched_off(connection, now))
    people = connection.execute(_meant(row, size, now)).all()
    write(connection, sending, [registered(person) for person in people])
    if people:
        _note(connection, announcement_id, planned_to=people[-1][0])
    if len(people) < size:
        _note(connection, announcement_id, state=State.PLANNED)
    return len(people)


async def fill_up(
    database: Database, accounts: Accounts, clock: Clock, wake: Callable[[], None] = lambda: None, size: int = SLICE
) -> int:
    """Writes whatever is due and not yet written, also what a crash left; how many people that were.

    What is more urgent goes first, also in the middle of something long. `wake` is called after each slice.
    """
    filled = 0
    while (wanted := await database.read(lambda session: _next(session, clock.now()))) is not None:
        work = partial(queue_slice, announcement_id=wanted, accounts=accounts, now=clock.now(), size=size)
        filled, before = filled + await database.transact(work), filled
        wake()
        if before < _MANY <= filled and not database.sqlite:
            await database.transact(_look_again)
    return filled


def _look_again(connection: Connection) -> None:
    """Lets PostgreSQL see that the table has grown. Else a lane's claim, planned for a few rows, would read all of them
    until autovacuum comes by within a minute: measured with 30,000, 13 ms a flight instead of 0.3."""
    connection.exec_driver_sql("ANALYZE delivery")


def write(connection: Connection, sending: Sending, people: Sequence[Person]) -> None:
    """Writes the deliveries of these people at once; those who have theirs keep it as it is."""
    rows = [_delivery(sending, person, way) for person in people for way in sending.ways]
    shared = {"announcement_id": sending.id, "priority": _PRIORITY[Kind(sending.kind)]}
    times = {"due_at": sending.due_at, "available_at": sending.leaves_at}
    if rows:
        _INSERT.run(connection, rows, **shared, **times)


def fate(sending: Sending, person: Person, way: str) -> Step | tuple[DeliveryStatus, str]:
    """By which route a person would be told now; or the status and the reason of one who is not."""
    if sending.is_late:
        return DeliveryStatus.SKIPPED, TOO_LATE
    if reason := unwanted(person, sending.kind, sending.accounts):
        return DeliveryStatus.SKIPPED, reason
    also_mail = way == Way.CHAT and Way.MAIL in sending.ways
    short = has_short(sending.kind, sending.texts, person.language)
    found = choose(person, way, sending.kind, sending.now, sending.accounts, sending.off, also_mail, short=short)
    return found if isinstance(found, Step) else (found.status, found.reason)


def switched_off(connection: Connection, now: datetime) -> dict[str, dict[str, str]]:
    """Which routes the platforms took away: {account of a lane: {route: why}}."""
    rows = connection.execute(select(col(Lane.account), col(Lane.off)))
    return in_force({account: dict(off) for account, off in rows}, now)


def insert_into(connection: Connection, table: type[SQLModel]) -> Any:
    """An INSERT that may say what to do on a conflict, on either database."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def _delivery(sending: Sending, person: Person, way: str) -> dict[str, Any]:
    found = fate(sending, person, way)
    route, lane = (found.route, found.lane) if isinstance(found, Step) else (None, None)
    status, error = (DeliveryStatus.QUEUED, "") if isinstance(found, Step) else found
    return {
        "person": person.key,
        "contact_id": person.contact_id,
        "registration_id": person.registration_id,
        "way": way,
        "lane": lane,
        "route": route,
        "status": status,
        "error": error,
    }


def _meant(row: Any, size: int, now: datetime) -> Any:
    """The next people of an announcement.

    A broadcast that is written when it is due has nobody who came later. That is not asked: while USHER_NOW is set the
    process that announces may be behind the one that registered them.
    They are picked before their chats are looked up: PostgreSQL, when it has not analysed a new table yet, would
    otherwise look up everybody's for each slice (measured with 20,000: 22 ms instead of 4).
    """
    id_ = col(Registration.id)
    is_late = row.kind != Kind.BROADCAST or now > row.due_at + _IN_TIME
    picked = select(id_).where(audience(row.audience, row.kind, row.due_at if is_late else None), id_ > row.planned_to)
    return PEOPLE.where(id_.in_(picked.order_by(id_).limit(size))).order_by(id_)


def _locked(connection: Connection, announcement_id: str) -> Any:
    """The announcement, if its deliveries are being written; locked until the commit (SQLite has one writer anyway)."""
    named = (col(Announcement.id) == announcement_id, col(Announcement.state) == State.PLANNING)
    return connection.execute(select(*_ANNOUNCEMENT.c).where(*named).with_for_update()).first()


def _note(connection: Connection, announcement_id: str, **values: Any) -> None:
    connection.execute(update(Announcement).where(col(Announcement.id) == announcement_id).values(**values))


def _next(session: Session, now: datetime) -> str | None:
    """The announcement whose deliveries are to be written first."""
    urgency = case(_PRIORITY, value=col(Announcement.kind))
    due = (col(Announcement.state) == State.PLANNING, col(Announcement.due_at) <= now)
    statement = select(col(Announcement.id)).where(*due)
    return session.scalar(statement.order_by(urgency, col(Announcement.due_at), col(Announcement.id)).limit(1))
