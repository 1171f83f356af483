"""The race for seats: never one given twice, and never one left over, whoever registers, cancels and decides at once.

pytest -m long tests/long/test_seats.py: 200 rounds of 500 people for 50 seats on each database (TEST_ROUNDS and
TEST_SEED change number and seed; both are printed). In every other round people are confirmed as they register, else an
organizer's commands confirm them one by one; meanwhile some cancel, some are declined, and whoever waits moves up. All
of it goes through the services that chat, console and commands use, in threads with connections of their own, which to
both databases is the same as processes.

On PostgreSQL the guard is the lock of the event's row, and the control arm takes nothing. On SQLite it is that every
transaction begins as the one writer, so that what it counts holds; the control arm counts before it begins.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlmodel import Session, SQLModel, col

from bot.clock import seconds
from bot.content.records import Content
from bot.delivery.routes import Accounts
from bot.registration import decide, register
from bot.registration.decision import MAIL, Desk, tell
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.outbox import Announcement, Delivery
from bot.store.tables import Contact, Registration, Status
from tests.conftest import NOW
from tests.edits import with_event
from tests.emptied import empty

ROUNDS = int(os.environ.get("TEST_ROUNDS", "200"))
SEED = int(os.environ.get("TEST_SEED", "20191022"))
PEOPLE, SEATS = 500, 50
THREADS = 4
ANSWERS = {"consent": "agree", "category": "factory", "name": "王芳", "email": "wangfang@example.com"}
CANCEL, DECLINE = 0.05, 0.03  # how often, after one was given, a seat is given back by its person, or taken away
Count = Callable[[Connection], int]


@dataclass
class Report:
    """What came of the rounds."""

    rounds: int = 0
    oversold: int = 0  # rounds with more confirmed people than seats, at any time
    empty_seats: int = 0  # rounds that ended with a free seat and somebody waiting for one
    untold: int = 0  # people whose last decision was not announced
    moved_up: int = 0
    took: list[float] = field(default_factory=list)  # seconds a round

    def __str__(self) -> str:
        mean = sum(self.took) / max(len(self.took), 1)
        return (
            f"{self.rounds} rounds of {PEOPLE} people for {SEATS} seats, seed {SEED}: oversold {self.oversold}, "
            f"empty seats {self.empty_seats}, untold {self.untold}, moved up {self.moved_up}, {mean:.2f} s a round"
        )


class Race:
    """Rounds on one database."""

    def __init__(self, url: str, content: Content, people: int, seats: int, control: bool = False) -> None:
        self.databases = [Database(url) for _ in range(THREADS)]
        migrate(self.databases[0])
        self.content, self.people, self.seats, self.control = content, people, seats, control
        self.random = random.Random(SEED)
        self.seen = threading.local()  # the control arm's count, made before the transaction

    def run(self, rounds: int) -> Report:
        """Runs so many rounds."""
        report = Report(rounds)
        for number in range(rounds):
            started = seconds()
            self._round(report, auto=number % 2 == 0)
            report.took.append(seconds() - started)
        return report

    def close(self) -> None:
        for database in self.databases:
            database.close()

    def _round(self, report: Report, auto: bool) -> None:
        event = with_event(self.content, capacity=self.seats, auto_confirm=auto).event
        desk = Desk(event, Accounts(email=True), NOW, "command")
        empty(self.databases[0])
        contacts = self._people()
        references = [] if auto else self._pending(contacts)
        work = contacts if auto else references
        plans = [(part, self.databases[place], self.random.random()) for place, part in enumerate(_parts(work))]
        with ThreadPoolExecutor(THREADS) as threads:
            jobs = [threads.submit(self._work, desk, *plan) for plan in plans]
        most = max(job.result() for job in jobs)
        self._settle(desk)
        self._judge(report, most)

    def _work(self, desk: Desk, part: list[Any], database: Database, seed: float) -> int:
        """One of those who work at once: registers, or confirms, one after the other; now and then a seat gets free.

        The most people with a seat that it ever saw: it looks after each commit that gave one.
        """
        chance, seated, most = random.Random(seed), [], 0
        act = _register if desk.event.auto_confirm else _confirm
        for one in part:
            reference, status = self._transact(database, act, one, desk)
            if status == Status.CONFIRMED:
                seated.append(reference)
                most = max(most, database.read_now(lambda session: _confirmed(session.connection())))
            if seated and (drawn := chance.random()) < CANCEL + DECLINE:
                undo = _cancel if drawn < CANCEL else _decline
                self._transact(database, undo, seated.pop(chance.randrange(len(seated))), desk)
        return most

    def _transact(self, database: Database, act: Callable[..., Any], *what: Any) -> Any:
        if self.control:
            self.seen.free = database.read_now(lambda session: self.seats - _confirmed(session.connection()))
        return database.transact_now(lambda connection: act(connection, *what))

    def _settle(self, desk: Desk) -> None:
        """What housekeeping does: whoever may move up does."""
        while self._transact(self.databases[0], decide.promote, desk):
            pass

    def _judge(self, report: Report, most: int) -> None:
        with self.databases[0].engine.connect() as connection:
            confirmed, waiting = _confirmed(connection), _count(connection, Status.WAITLISTED)
            decided = {row.reference: row.status for row in connection.execute(_DECIDED)}
            announced = {row.id: (row.reference, row.more) for row in connection.execute(_ANNOUNCED)}.values()
        assert confirmed + waiting > 0
        report.oversold += max(confirmed, most) > self.seats
        report.empty_seats += confirmed < self.seats and waiting > 0
        report.moved_up += sum(
            more["decision"] == "confirmed" and more["before"] == "waitlisted" for _, more in announced
        )
        told = {(reference, more["decision"]) for reference, more in announced}
        report.untold += len({row for row in decided.items() if row[1] in _TOLD} - told)

    def _people(self) -> list[int]:
        rows = [
            {"channel": "memory", "account": "m", "user_id": f"u{number}", "created_at": NOW, "seen_at": NOW}
            | {"language": "zh", "language_chosen": False, "source": "", "message_left": 0, "tap_left": 0}
            for number in range(self.people)
        ]
        with self.databases[0].engine.begin() as connection:
            connection.execute(_table(Contact).insert(), rows)
            return list(connection.scalars(select(col(Contact.id)).order_by(col(Contact.id))))

    def _pending(self, contacts: list[int]) -> list[str]:
        def write(session: Session) -> list[str]:
            rows = [
                Registration(
                    reference=f"FFS-{number:06}", contact_id=contact, status=Status.PENDING, consent_at=NOW,
                    email="wangfang@example.com", created_at=NOW - timedelta(seconds=self.people - number),
                )
                for number, contact in enumerate(contacts)
            ]  # fmt: skip
            session.add_all(rows)
            return [row.reference for row in rows]

        return self.databases[0].write_now(write)


_TOLD = (Status.CONFIRMED, Status.DECLINED)
_DECIDED = select(col(Registration.reference), col(Registration.status))
_ANNOUNCED = (
    select(col(Announcement.id), col(Announcement.more), col(Registration.reference))
    .join(Delivery, col(Delivery.registration_id) == col(Registration.id))
    .join(Announcement, col(Announcement.id) == col(Delivery.announcement_id))
)


def _confirmed(connection: Connection) -> int:
    return _count(connection, Status.CONFIRMED)


def _count(connection: Connection, status: Status) -> int:
    counted = select(func.count()).select_from(Registration).where(col(Registration.status) == status)
    return int(connection.execute(counted).scalar_one())


def _register(connection: Connection, contact_id: int, desk: Desk) -> tuple[str, str]:
    """As handlers/registration.py does."""
    origin = register.Origin(contact_id, "memory", "zh", "", "1", NOW)
    row = register.submit(connection, desk.event, ANSWERS, origin, NOW)
    if row.status == Status.CONFIRMED:
        tell(connection, row.reference, "", Status.CONFIRMED, desk, MAIL)
    return row.reference, row.status


def _confirm(connection: Connection, reference: str, desk: Desk) -> tuple[str, str]:
    return reference, decide.confirm(connection, [reference], desk)[0].status


def _cancel(connection: Connection, reference: str, desk: Desk) -> None:
    decide.cancel(connection, reference, desk)


def _decline(connection: Connection, reference: str, desk: Desk) -> None:
    decide.decline(connection, [reference], desk)


def _table(table: type[SQLModel]) -> Any:
    return SQLModel.metadata.tables[str(table.__tablename__)]


def _parts(work: list[Any]) -> list[list[Any]]:
    return [work[place::THREADS] for place in range(THREADS)]


@pytest.fixture
def url(database_url: str) -> str:
    return database_url.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def race(url: str, content: Content) -> Iterator[Callable[..., Race]]:
    """Makes a race on a new database."""
    races: list[Race] = []

    def make(people: int = PEOPLE, seats: int = SEATS, control: bool = False) -> Race:
        races.append(Race(url, content, people, seats, control))
        return races[-1]

    yield make
    for one in races:
        one.close()


def unguarded(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the guard away."""
    if race.databases[0].sqlite:
        monkeypatch.setattr(decide, "seats_free", lambda connection, event: race.seen.free)
        monkeypatch.setattr(register, "seats_taken", lambda connection: race.seats - race.seen.free)
        return
    for service in (register, decide):
        monkeypatch.setattr(service, "lock_event", lambda connection: None)
    race.control = False


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_seat_is_given_twice(race: Callable[..., Race], capsys: pytest.CaptureFixture[str]) -> None:
    made = race()
    report = made.run(ROUNDS)
    with capsys.disabled():
        print(f"\n{made.databases[0].url.get_backend_name()}: {report}")
    assert (report.oversold, report.empty_seats, report.untold) == (0, 0, 0)
    assert report.moved_up > 0


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_without_the_guard_seats_are_given_twice(
    race: Callable[..., Race], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = race(control=True)
    unguarded(made, monkeypatch)
    report = made.run(max(ROUNDS // 10, 2))
    with capsys.disabled():
        print(f"\n{made.databases[0].url.get_backend_name()}, control: {report}")
    assert report.oversold, "the control arm sold no seat twice: this test cannot fail"


def test_four_rounds_of_sixty_people_for_seven_seats(race: Callable[..., Race]) -> None:
    report = race(60, 7).run(4)
    assert (report.oversold, report.empty_seats, report.untold) == (0, 0, 0), str(report)
    assert report.moved_up > 0


def test_the_same_without_the_guard(race: Callable[..., Race], monkeypatch: pytest.MonkeyPatch) -> None:
    made = race(60, 7, control=True)
    unguarded(made, monkeypatch)
    assert made.run(4).oversold, "the control arm sold no seat twice: this test cannot fail"
