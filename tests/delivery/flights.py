"""What lanes are tried with: a platform that does what it is told, and deliveries put straight into the table."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text, update
from sqlmodel import col, select

from bot.adapters.base import Outgoing
from bot.clock import Clock, seconds
from bot.content.facts import Venue
from bot.delivery.lane import Lane
from bot.delivery.people import Due
from bot.delivery.routes import Accounts
from bot.message import Address, Reply
from bot.store import outbox
from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery, DeliveryStatus, Kind, Priority, Route, State, Way
from bot.store.tables import Contact, Registration
from tests.delivery.crowd import ALL, APP, BOT, registered, settle, telegram, wechat
from tests.stored import rows

WECHAT, TELEGRAM, MAIL = f"wechat:{APP}", f"telegram:{BOT}", "email"
SHORT = timedelta(seconds=1)  # a lease whose end a test may wait for
TEXTS = {"zh": {"text": "会场定了", "short": "会场"}, "en": {"text": "The venue", "short": "Venue"}}
_CHANNELS = {
    Route.EMAIL: None,
    Route.TELEGRAM: "telegram",
    Route.WECHAT_MESSAGE: "wechat",
    Route.WECHAT_TEMPLATE: "wechat",
}
_PRIORITY = {Kind.DECISION: Priority.DECISION, Kind.REMINDER: Priority.REMINDER, Kind.BROADCAST: Priority.BROADCAST}


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that reached the platform."""

    to: str  # a user id, or an e-mail address
    route: str
    key: str
    at: float  # on the clock for durations


@dataclass
class Platform:
    """Takes every message, unless told otherwise: `says` holds what it answers next to somebody, in turn."""

    seconds: float = 0.0  # that a send takes
    says: dict[str, list[BaseException | str | float]] = field(default_factory=lambda: defaultdict(list))
    asked: list[Sent] = field(default_factory=list)  # every call
    took: list[Sent] = field(default_factory=list)  # those that it took
    busy: int = 0
    most: int = 0  # calls at once

    async def send(self, to: Address | str, outgoing: Outgoing, route: str) -> str:
        """One call, refused if it makes no sense: a chat's message to a mail address, or to another channel."""
        channel = _CHANNELS[Route(route)]
        assert isinstance(to, str) if channel is None else isinstance(to, Address) and to.channel == channel
        who = to if isinstance(to, str) else to.user_id
        self.asked.append(Sent(who, route, outgoing.key, seconds()))
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            return await self._answer(self.asked[-1])
        finally:
            self.busy -= 1

    async def _answer(self, message: Sent) -> str:
        said = self.says[message.to].pop(0) if self.says[message.to] else ""
        await asyncio.sleep(said if isinstance(said, float) else self.seconds)
        if isinstance(said, BaseException):
            raise said
        self.took.append(message)
        return said if isinstance(said, str) else ""


def composed(due: Due, route: Route, venue: Venue | None, sequence: int) -> Outgoing:
    """The message of one delivery: its text, and a key that tells it from every other."""
    text = due.texts[due.person.language]["text"]
    place = f" {venue.name.zh}" if venue else ""
    return Outgoing(f"{due.announcement_id}/{due.person.key}/{due.way}", Reply(f"{text}{place} {sequence}"))


@dataclass
class Yard:
    """Deliveries of one database, and lanes that send them to a platform."""

    database: Database
    clock: Clock
    platform: Platform = field(default_factory=Platform)
    accounts: Accounts = ALL

    def people(self, *chats: dict[str, Any], **more: Any) -> None:
        """Writes people, each registered; 1, 2, 3 in this order. `more`: of the registrations."""
        now = self.clock.now()
        settle(self.database, chats, [registered(number, now, **more) for number in range(1, len(chats) + 1)])

    def on_telegram(self, count: int, **more: Any) -> None:
        """So many people on Telegram."""
        self.people(*(telegram(number, self.clock.now(), **more) for number in range(1, count + 1)))

    def on_wechat(self, count: int, **more: Any) -> None:
        """So many people on WeChat, with an open window of five messages unless told otherwise."""
        self.people(*(wechat(number, self.clock.now(), **more) for number in range(1, count + 1)))

    def people_get_mail(self, *numbers: int) -> None:
        """Gives these an e-mail address."""
        for number in numbers:
            named = update(Registration).where(col(Registration.id) == number)
            mail = named.values(email=f"p{number}@example.com")
            self.database.write_now(lambda session: session.execute(mail))  # noqa: B023  # runs at once

    def queue(
        self,
        people: Iterable[int],
        name: str = "B-1",
        kind: Kind = Kind.BROADCAST,
        lane: str = TELEGRAM,
        route: str = Route.TELEGRAM,
        way: Way = Way.CHAT,
        announcement: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Queues a delivery to each of these people, as if planned for now."""
        now = self.clock.now()
        row = Announcement(id=name, kind=kind, texts=TEXTS, due_at=now, created_at=now, state=State.PLANNED)
        said = row.model_dump() | (announcement or {})
        common = {"announcement_id": name, "way": way, "lane": lane, "route": route, "priority": _PRIORITY[kind],
                  "status": DeliveryStatus.QUEUED, "attempts": 0, "tried": [], "error": "", "due_at": now,
                  "available_at": now, "epoch": 0}  # fmt: skip
        each = [
            {**common, "person": f"r{number}", "contact_id": number, "registration_id": number, **more}
            for number in people
        ]

        def write(connection: Connection) -> None:
            connection.execute(Announcement.__table__.insert(), said)
            connection.execute(Delivery.__table__.insert(), each)

        self.database.transact_now(write)

    def lane(self, account: str = TELEGRAM, **more: Any) -> Lane:
        """A lane to the platform, without a pace and with a short lease unless told otherwise."""
        values: dict[str, Any] = {"holder": "here", "lease": timedelta(seconds=2), "accounts": self.accounts} | more
        send, compose = values.pop("send", self.platform.send), values.pop("compose", composed)
        database = values.pop("database", self.database)
        return Lane(database, account, send, compose, clock=self.clock, **values)

    def change(self, table: type[Any], **values: Any) -> None:
        """Changes every row of a table."""
        self.database.write_now(lambda session: session.execute(update(table).values(**values)))

    def deliveries(self) -> list[Delivery]:
        """All of them, in the order in which they were queued."""
        return sorted(rows(self.database, Delivery), key=lambda row: row.id or 0)

    @property
    def delivery(self) -> Delivery:
        """The only one."""
        (row,) = self.deliveries()
        return row

    def contact(self, number: int = 1) -> Contact:
        """One of the people."""
        return next(row for row in rows(self.database, Contact) if row.id == number)

    def stored_lane(self, account: str = TELEGRAM) -> outbox.Lane:
        """What the table says of a lane."""
        return next(row for row in rows(self.database, outbox.Lane) if row.account == account)

    def all_are(self, *wanted: str) -> Callable[[], bool]:
        """A condition: every delivery stands in one of these statuses."""
        waiting = select(col(Delivery.id)).where(col(Delivery.status).not_in(wanted)).limit(1)
        return lambda: self.database.read_now(lambda session: session.execute(waiting).first()) is None

    async def send_all(self, *lanes: Lane, until: Callable[[], bool] | None = None) -> None:
        """Runs a lane until nothing is queued and nothing is being sent, or until something else."""
        over = [status for status in DeliveryStatus if status not in (DeliveryStatus.QUEUED, DeliveryStatus.SENDING)]
        async with running(*(lanes or (self.lane(),))):
            await eventually(until or self.all_are(*over))


@contextlib.asynccontextmanager
async def running(*lanes: Lane) -> AsyncIterator[None]:
    """Lanes that run meanwhile, and are drained then."""
    tasks = [asyncio.create_task(lane.run()) for lane in lanes]
    try:
        yield
    finally:
        await asyncio.gather(*(lane.drain() for lane in lanes))
        await asyncio.gather(*tasks)


@contextlib.asynccontextmanager
async def killed(lane: Lane) -> AsyncIterator[None]:
    """A lane that runs meanwhile and then is no more, with everything that it was doing: nothing is written after."""
    task = asyncio.create_task(lane.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def eventually(condition: Callable[[], Any], within: float = 10.0) -> None:
    """Waits until a condition holds."""
    until = seconds() + within
    while not condition():
        assert seconds() < until, "it did not come about in time"
        await asyncio.sleep(0.01)


def shift(database: Database, by: timedelta) -> None:
    """Moves the end of every lease, as if time had passed (or the clock been set back)."""

    def move(connection: Connection) -> None:
        for row in connection.execute(outbox.Lane.__table__.select()).all():
            lane = col(outbox.Lane.account) == row.account
            connection.execute(update(outbox.Lane).where(lane).values(until=row.until + by))

    database.transact_now(move)


def to(yard: Yard) -> list[str]:
    """Who got something, in order."""
    return [message.to for message in yard.platform.took]


def statuses(database: Database) -> Counter[str]:
    """How many deliveries stand in each status."""
    counted = text("SELECT status, count(*) FROM delivery GROUP BY status")
    return Counter({row[0]: row[1] for row in database.read_now(lambda session: session.execute(counted).all())})
