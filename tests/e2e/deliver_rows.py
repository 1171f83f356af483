"""What leaves for the people of a station: announced, waited for, and looked at on both sides."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlmodel import col, select

from bot.clock import seconds
from bot.delivery import announcements, report
from bot.delivery.queueing import queue_slice
from bot.registration import decide
from bot.registration.decision import Desk
from bot.store.outbox import Delivery, Kind, Lane, Way
from tests.e2e.deliver import TEXTS, Guest, Station
from tests.e2e.talk import Phone, whose
from tests.served import House, Platforms

_UNDECIDED = ("queued", "sending")
_names = itertools.count(1)

Row = Mapping[str, Any]
"""A line of `usher deliveries`."""


async def announce(home: Station, *guests: Guest, **more: Any) -> str:
    """Announces something to these people; the announcement's id. A broadcast is told in short by its template.

    `more`: kind, ways, texts.
    """
    return (await announce_at_once(home, 1, *guests, **more))[0]


async def announce_at_once(
    home: Station,
    count: int,
    *guests: Guest,
    kind: Kind = Kind.BROADCAST,
    ways: Sequence[Way] = (Way.CHAT,),
    texts: announcements.Texts = TEXTS,
) -> list[str]:
    """So many announcements in one transaction; their ids."""
    names = [f"{kind}-{next(_names)}" for _ in range(count)]
    audience = f"reference={','.join(one.reference for one in guests)}"
    said: dict[str, Any] = {"kind": kind, "audience": audience, "texts": texts, "ways": ways}
    accounts, now = home.usher.lanes.accounts, home.now

    def write(connection: Connection) -> None:
        for name in names:
            announcements.announce(connection, id=name, accounts=accounts, now=now, **said)
            queue_slice(connection, name, accounts, now)

    await home.usher.database.transact(write)
    home.usher.lanes.wake()
    return names


async def confirms(home: Station, *references: str) -> None:
    """An organizer confirms these, in this process."""
    desk = Desk(home.usher.content.event, home.usher.lanes.accounts, home.now, "command")
    await home.usher.database.transact(lambda found: decide.confirm(found, references, desk))
    home.usher.lanes.wake()


async def listed(home: Station, name: str) -> list[Row]:
    """The lines of `usher deliveries --announcement NAME`."""
    zone = home.usher.content.event.zone
    return await home.usher.database.read(lambda session: list(report.listing(session, zone, name)))


async def ended(home: Station, name: str, within: float = 10.0) -> list[Row]:
    """The lines of an announcement once no lane has anything more to do with them."""
    end = seconds() + within
    while True:
        rows = await listed(home, name)
        if rows and all(row["status"] not in _UNDECIDED for row in rows):
            return rows
        assert seconds() < end, f"still undecided: {rows}"
        await asyncio.sleep(0.01)


async def became(
    home: Station, name: str, status: str, where: Callable[[Row], object] = bool, within: float = 10.0
) -> Row:
    """The one line of an announcement to one person by one way, once it stands so and more is true of it."""
    end = seconds() + within
    while True:
        (row,) = await listed(home, name)
        if row["status"] == status and where(row):
            return row
        assert seconds() < end, f"expected {status}, it is {row}"
        await asyncio.sleep(0.01)


async def told(home: Station, name: str, within: float = 10.0, **statuses: str) -> dict[str, Row]:
    """The lines of an announcement to one person by way, once they stand so: `chat="sent", mail="sent"`."""
    end = seconds() + within
    while True:
        rows = {row["way"]: row for row in await listed(home, name)}
        if {way: row["status"] for way, row in rows.items()} == statuses:
            return rows
        assert seconds() < end, f"expected {statuses}, it is {rows}"
        await asyncio.sleep(0.01)


async def handed_over(home: Station, name: str, route: str) -> None:
    """Waits until the one delivery of an announcement is another lane's, and has that look for it."""
    end = seconds() + 10
    while (await listed(home, name))[0]["route"] != route:
        assert seconds() < end, "it did not come about in time"
        await asyncio.sleep(0.01)
    home.usher.lanes.wake()


async def receipt_of(home: Station, name: str) -> str:
    """The platform's id of the template message that an announcement sent."""
    found = select(col(Delivery.receipt)).where(col(Delivery.announcement_id) == name)
    end = seconds() + 10
    while True:
        receipt = await home.usher.database.read(lambda session: session.scalar(found))
        if receipt:
            return receipt
        assert seconds() < end, "no template message was sent"
        await asyncio.sleep(0.01)


async def tried(home: Station, name: str) -> list[tuple[str, str]]:
    """Which routes were given up, and why."""
    found = select(col(Delivery.tried)).where(col(Delivery.announcement_id) == name)
    steps = await home.usher.database.read(lambda session: list(session.scalars(found)))
    return [(step["route"], step["error"]) for row in steps for step in row]


async def lane_of(home: Station, account: str) -> Lane:
    """What is known of a lane."""
    return await home.usher.database.read(lambda session: session.get_one(Lane, account))


def calls(home: House | Platforms, name: str) -> int:
    """How often a platform was called by that name."""
    if name.startswith("send"):
        return sum(call == name for call, _ in home.telegram.api.calls)
    return home.wechat.api.calls.count(name)


def arrived(home: House | Platforms, phone: Phone) -> list[str]:
    """What the platforms took from the bot for somebody, replies left out; the oldest first."""
    took = [*home.wechat.api.accepted, *home.telegram.limits.accepted]
    return [one.text for one in took if one.to == whose(phone) and not one.reply]
