"""One flight of a lane: a transaction that holds the lease, writes the last results and takes up the next rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot.content.facts import Venue
from bot.delivery import leftovers, templates, writing
from bot.delivery.announcements import STOPPED
from bot.delivery.batch import Batch, stored
from bot.delivery.lease import Lease
from bot.delivery.people import Due, Person
from bot.delivery.queueing import TOO_LATE
from bot.delivery.quiet import quiet_until
from bot.delivery.results import Attempt, Result
from bot.delivery.routes import EMAIL_LANE, Accounts, Nowhere, Off, Step, choose, has_short, unwanted, window
from bot.message import Address
from bot.store.outbox import DeliveryStatus, Kind, Priority, Route, State, Way
from bot.store.statement import Statement, moment

_HELD = timedelta(seconds=5)  # after which a row of a paused announcement is looked at again
# The index is asked once for each priority: so what is held or not yet due costs nothing.
_OF_PRIORITY = """
    SELECT * FROM (
        SELECT id FROM delivery
        WHERE status = 'queued' AND lane = :account AND priority = PRIORITY AND available_at <= :now
        ORDER BY available_at, id LIMIT :room
    ) AS of_PRIORITY"""
_DUE = " UNION ALL ".join(_OF_PRIORITY.replace("PRIORITY", str(int(priority))) for priority in Priority)
_ANY = Statement("SELECT 1 FROM (DUE) AS due LIMIT 1".replace("DUE", _DUE))
_NEXT = Statement(
    """
    SELECT d.id, d.announcement_id, d.person, d.way, d.route, d.attempts, CAST(d.tried AS text), d.due_at,
        a.kind, a.state, CAST(a.texts AS text), CAST(a.more AS text), a.latest_at,
        CASE WHEN r.status IN ('cancelled', 'declined') AND a.audience NOT LIKE '%' || r.status || '%' THEN 1 END,
        c.id, c.channel, c.account, c.user_id, c.language,
        c.message_until, c.message_left, c.tap_until, c.tap_left, c.blocked_at, c.stopped_at,
        r.id, r.reference, r.status, r.name, r.email, r.language, r.registered_by
    FROM (DUE) AS due
    JOIN delivery AS d ON d.id = due.id
    JOIN announcement AS a ON a.id = d.announcement_id
    LEFT JOIN contact AS c ON c.id = d.contact_id
    LEFT JOIN registration AS r ON r.id = d.registration_id
    ORDER BY d.priority, d.available_at, d.id LIMIT :room
    """.replace("DUE", _DUE)
)
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
        available_at = COALESCE(r.available_at, delivery.available_at)
    FROM ROWS WHERE delivery.id = r.id AND delivery.status || '' = 'queued' AND delivery.available_at <= :now
    """,
    id="int", status="text", lane="text", route="text", error="text", available_at="timestamptz",
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
    known: tuple[int, ...] | None = None  # all that is in flight, if an earlier flight may have taken up more
    sweeps: bool = False  # also gives up templates whose end was not reported


@dataclass(frozen=True, slots=True)
class Flown:
    """What a flight did."""

    held: bool = True  # False: the lease is lost; the results are written all the same
    rest: float = 0.0  # seconds for which the lane has to rest
    found: int = 0  # rows that were due, whether or not they leave by this lane
    attempts: tuple[Attempt, ...] = ()  # what is to be sent
    venue: Venue | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    """One delivery that is due."""

    due: Due
    withdrawn: bool  # the registration was cancelled or declined, and the announcement does not mean such


def read_event(connection: Connection) -> tuple[Venue | None, int]:
    """The venue and the calendar's number as they stand in the event's row."""
    row = _EVENT.row(connection)
    venue = json.loads(row[0]) if row and row[0] else None
    return Venue.from_stored(venue) if venue else None, row[1] if row else 0


def anything_due(connection: Connection, account: str, now: datetime) -> bool:
    """Whether a lane has something to send; only reads."""
    return _ANY.row(connection, account=account, now=now, room=1) is not None


def fly(connection: Connection, orders: Orders) -> Flown:
    """One flight. Locks in the order lane, contacts, event, deliveries."""
    lease, results, now = orders.lease, orders.results, orders.now
    extended = lease.extend(connection, orders.epoch)
    if extended is None:
        write_late(connection, lease, results)
        return Flown(held=False)
    writing.note_effects(connection, lease, results)
    rest = max([extended.rest, *(result.rest for result in results)])
    flown = Flown(rest=rest)
    if orders.room and not rest:
        flown = _take_up(connection, orders, extended.off)
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


def _take_up(connection: Connection, orders: Orders, off: Off) -> Flown:
    """Decides about the next rows. Those which stay are written; those which leave are marked by the caller."""
    own = writing.switched_off(orders.results)
    if own:
        off = {**off, orders.lease.account: {**off.get(orders.lease.account, {}), **own}}
    rows = _NEXT.run(connection, account=orders.lease.account, now=orders.now, room=orders.room).all()
    if not rows:
        return Flown()
    planned = _Plan(orders, off)
    for row in rows:
        planned.add(_read(row))
    writing.reserve(connection, planned.leave)
    venue, sequence = orders.prepare(connection)
    if planned.stay:
        _STAY.run(connection, planned.stay, now=orders.now)
    return Flown(found=len(rows), attempts=tuple(planned.leave), venue=venue, sequence=sequence)


def _marked(connection: Connection, orders: Orders, attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Marks what leaves; who was stopped, paused or superseded since we looked does not."""
    if not attempts:
        return ()
    rows = [{"row_id": attempt.due.id, "new_route": attempt.due.route} for attempt in attempts]
    marked = {row[0] for row in _LEAVE.run(connection, rows, epoch=orders.epoch, now=orders.now)}
    return tuple(attempt for attempt in attempts if attempt.due.id in marked)


class _Plan:
    """What becomes of the rows of one flight."""

    def __init__(self, orders: Orders, off: Off) -> None:
        self._orders, self._off = orders, off
        self._used: Counter[tuple[str, int | None]] = Counter()  # WeChat counts, by window and contact
        self.leave: list[Attempt] = []
        self.stay: list[dict[str, Any]] = []

    def add(self, row: _Row) -> None:
        """Decides about one row: it leaves, or stays with a reason, or is handed over to another lane."""
        due = self._with_counts(row.due)
        if kept := self._kept(replace(row, due=due)):
            self.stay.append(kept)
            return
        step = self._choose(due)
        if isinstance(step, Nowhere):
            self.stay.append(_stays(due, step.status, step.reason))
        elif step.lane != self._orders.lease.account:
            self.stay.append({**_stays(due, DeliveryStatus.QUEUED), "lane": step.lane, "route": step.route})
        else:
            self.leave.append(self._attempt(replace(due, route=step.route)))

    def _kept(self, row: _Row) -> dict[str, Any] | None:
        """Why it does not leave now, or never, whatever the route."""
        due, now = row.due, self._orders.now
        if due.state == State.STOPPED:
            return _stays(due, DeliveryStatus.SKIPPED, STOPPED)
        if due.latest_at is not None and due.latest_at <= now:
            return _stays(due, DeliveryStatus.SKIPPED, TOO_LATE)
        if due.kind != Kind.DECISION and row.withdrawn:
            return _stays(due, DeliveryStatus.SKIPPED, f"the registration is {due.person.status}")
        if reason := unwanted(due.person, due.kind, self._orders.accounts):
            return _stays(due, DeliveryStatus.SKIPPED, reason)
        if due.state == State.PAUSED:
            return _stays(due, DeliveryStatus.QUEUED, until=now + _HELD)
        if ends := quiet_until(now, ZoneInfo(due.more["zone"])) if "zone" in due.more else None:
            return _stays(due, DeliveryStatus.QUEUED, until=ends)
        return None

    def _choose(self, due: Due) -> Step | Nowhere:
        """The best route now; one that was given up for this delivery is not taken again."""
        off, chat = self._off, due.person.address
        for step in due.tried:
            lane = EMAIL_LANE if step["route"] == Route.EMAIL or chat is None else f"{chat.channel}:{chat.account}"
            off = {**off, lane: {**off.get(lane, {}), step["route"]: step["error"]}}
        also_mail = due.way == Way.CHAT and Way.MAIL in due.more.get("ways", ())
        short = has_short(due.kind, due.texts, due.person.language)
        orders = self._orders
        return choose(due.person, due.way, due.kind, orders.now, orders.accounts, off, also_mail, short=short)

    def _with_counts(self, due: Due) -> Due:
        """What earlier rows of this flight take from the counts of the same chat is gone."""
        person = due.person
        message, tap = (self._used.get((name, person.contact_id), 0) for name in ("message", "tap"))
        if not message and not tap:
            return due
        left, tap_left = person.message_left - message, person.tap_left - tap
        return replace(due, person=replace(person, message_left=left, tap_left=tap_left))

    def _attempt(self, due: Due) -> Attempt:
        person, now = due.person, self._orders.now
        if due.route == Route.EMAIL:
            return Attempt(due, person.email, self._orders.epoch, now)
        assert person.address is not None  # or no route into a chat would have been chosen
        if due.route != Route.WECHAT_MESSAGE:
            return Attempt(due, person.address, self._orders.epoch, now)
        name = window(person, now)
        self._used[name, person.contact_id] += 1
        until = person.message_until if name == "message" else person.tap_until
        return Attempt(due, person.address, self._orders.epoch, now, name, until)


def _stays(due: Due, status: DeliveryStatus, error: str = "", until: datetime | None = None) -> dict[str, Any]:
    return {
        "id": due.id,
        "status": status,
        "route": due.route or None,
        "error": error,
        "available_at": stored(until),
    }


def _read(row: Sequence[Any]) -> _Row:
    """One row of _NEXT."""
    id_, announcement, key, way, route, attempts, tried, due, *rest = row
    kind, state, texts, more, latest_at, withdrawn, *who = rest
    due_at = moment(due)
    assert due_at is not None
    delivery = Due(
        id=id_,
        announcement_id=announcement,
        kind=kind,
        state=state,
        texts=_parsed(texts),
        more=_parsed(more),
        way=way,
        route=route or "",
        attempts=attempts + 1,
        tried=() if tried == "[]" else tuple(json.loads(tried)),
        due_at=due_at,
        latest_at=moment(latest_at),
        person=_person(key, who),
    )
    return _Row(delivery, bool(withdrawn))


def _person(key: str, who: Sequence[Any]) -> Person:
    contact_id, channel, account, user_id, spoken, *windows, registration_id, reference, status, name, email = who[:16]
    language, registered_by = who[16:]
    message_until, message_left, tap_until, tap_left, blocked_at, stopped_at = windows
    return Person(
        key=key,
        language=spoken or language or "zh",
        contact_id=contact_id,
        address=Address(channel, account, user_id) if channel else None,
        message_until=moment(message_until),
        message_left=message_left or 0,
        tap_until=moment(tap_until),
        tap_left=tap_left or 0,
        blocked_at=moment(blocked_at),
        stopped_at=moment(stopped_at),
        registration_id=registration_id,
        reference=reference,
        status=status or "",
        name=name or "",
        email=email or "",
        colleague=registered_by is not None,
    )


@lru_cache(maxsize=64)
def _parsed(stored: str) -> Mapping[str, Any]:
    """Texts of announcements: the same for thousands of rows."""
    parsed: Mapping[str, Any] = json.loads(stored)
    return parsed
