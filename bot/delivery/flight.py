"""One flight of a lane: a transaction that holds the lease, writes the last results and takes up the next rows."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot.content.facts import Venue
from bot.delivery import due, leftovers, templates, writing
from bot.delivery.batch import Batch
from bot.delivery.fate import Plan
from bot.delivery.lease import Lease
from bot.delivery.results import Attempt, Result
from bot.delivery.routes import Accounts, in_force
from bot.store.outbox import DeliveryStatus
from bot.store.statement import Statement

log = logging.getLogger(__name__)
_EVENT = Statement("SELECT CAST(venue AS text), sequence FROM event LIMIT 1")
_LEAVE = Batch(
    """
    UPDATE delivery SET status = 'sending', route = r.new_route, epoch = :epoch, attempts = attempts + 1
    FROM ROWS WHERE delivery.id = r.row_id AND delivery.status || '' = 'queued' AND delivery.available_at <= :now
    RETURNING id
    """,
    row_id="int", new_route="text",
)  # fmt: skip
_STAY = Batch(
    """
    UPDATE delivery SET status = r.status, route = r.route, error = r.error, lane = COALESCE(r.lane, delivery.lane),
        tried = COALESCE(r.tried, delivery.tried), available_at = COALESCE(r.available_at, delivery.available_at)
    FROM ROWS WHERE delivery.id = r.id AND delivery.status || '' = 'queued' AND delivery.available_at <= :now
    """,
    id="int", status="text", lane="text", route="text", error="text", tried="json",
    available_at="timestamptz",
)  # fmt: skip


Prepare = Callable[[Connection], tuple[Venue | None, int]]
"""Reads in a flight's transaction the venue as published and the number of the calendar entry."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a flight shall do."""

    lease: Lease
    epoch: int
    now: datetime  # of the product's clock
    accounts: Accounts
    prepare: Prepare
    results: Sequence[Result] = ()
    room: int = 0  # how many rows may be taken up
    floor: due.Floor = field(default_factory=lambda: due.START)  # only behind it
    known: tuple[int, ...] | None = None  # all that is in flight, if an earlier flight may have taken up more
    outage: str = ""  # why the platform cannot be reached: then one message asks whether it is back
    sweeps: bool = False  # also gives up templates whose end was not reported


@dataclass(frozen=True, slots=True)
class Flown:
    """What a flight did."""

    held: bool = True  # False: the lease is lost; the results are written all the same
    rest: float = 0.0  # seconds for which the lane has to rest
    wanted: bool = False  # by a node that has fewer lanes
    found: int = 0  # rows that were due, whether or not they leave by this lane
    floor: due.Floor = field(default_factory=lambda: due.START)  # behind those rows
    attempts: tuple[Attempt, ...] = ()  # what is to be sent
    venue: Venue | None = None
    sequence: int = 0


def read_event(connection: Connection) -> tuple[Venue | None, int]:
    """The venue and the calendar's number as they stand in the event's row."""
    row = _EVENT.row(connection)
    venue = json.loads(row[0]) if row and row[0] else None
    return Venue.from_stored(venue) if venue else None, row[1] if row else 0


def fly(connection: Connection, orders: Orders) -> Flown:
    """One flight. Locks in the order lane, contacts, event, deliveries."""
    lease, results, now = orders.lease, orders.results, orders.now
    extended = lease.extend(connection, orders.epoch)
    if extended is None:
        write_late(connection, lease, results)
        return Flown(held=False)
    writing.note_effects(connection, lease, results)
    rest = max([extended.rest, *(result.rest for result in results)])
    flown = Flown(rest=rest, wanted=extended.wanted)
    if orders.room and not rest:
        flown = replace(_take_up(connection, orders, extended.off), wanted=extended.wanted)
    writing.write(connection, results)
    if orders.known is not None:
        leftovers.put_back(connection, lease.account, orders.epoch, orders.known)
    if orders.sweeps:
        templates.give_up(connection, lease.account, now)
    return replace(flown, attempts=_marked(connection, orders, flown.attempts))


def write_late(connection: Connection, lease: Lease, results: Sequence[Result]) -> None:
    """Writes what came after the lease was over: each into a row that nobody has said more about."""
    writing.note_effects(connection, lease, results)
    writing.write(connection, results)


def land(connection: Connection, lease: Lease, epoch: int, results: Sequence[Result]) -> None:
    """The last flight: writes the results and lets somebody else have the lane."""
    lease.give_back(connection, epoch)
    write_late(connection, lease, results)


def _take_up(connection: Connection, orders: Orders, stored: Mapping[str, Mapping[str, Any]]) -> Flown:
    """Decides about the next rows. Those which stay are written; those which leave are marked by the caller."""
    account, own = orders.lease.account, writing.switched_off(orders.results)
    off = in_force({**stored, account: {**stored.get(account, {}), **own}}, orders.now)
    rows = due.following(connection, orders.lease.account, orders.now, orders.room, orders.floor)
    if not rows:
        return Flown(floor=orders.floor)
    planned = _planned(rows, Plan(orders.lease.account, orders.epoch, orders.now, orders.accounts, off, orders.outage))
    writing.reserve(connection, planned.leave)
    venue, sequence = orders.prepare(connection)
    if planned.stay:
        _STAY.run(connection, planned.stay, now=orders.now)
    return Flown(
        found=len(rows),
        floor=due.behind(orders.floor, rows),
        attempts=tuple(planned.leave),
        venue=venue,
        sequence=sequence,
    )


def _planned(rows: Sequence[Sequence[Any]], plan: Plan) -> Plan:
    """Decides about each row; one that we cannot read fails, and holds nobody else up."""
    for row in rows:
        try:
            plan.add(due.read(row))
        except Exception as error:
            fault = f"fault: {type(error).__name__}"
            log.error("a delivery could not be read", extra={"delivery": row[0], "fault": type(error).__name__})
            plan.stay.append({"id": row[0], "status": DeliveryStatus.FAILED, "route": row[4], "error": fault})
    return plan


def _marked(connection: Connection, orders: Orders, attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Marks what leaves; who was stopped, paused or superseded since we looked does not."""
    if not attempts:
        return ()
    rows = [{"row_id": attempt.due.id, "new_route": attempt.due.route} for attempt in attempts]
    marked = {row[0] for row in _LEAVE.run(connection, rows, epoch=orders.epoch, now=orders.now)}
    return tuple(attempt for attempt in attempts if attempt.due.id in marked)
