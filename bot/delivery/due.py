"""What is due in a lane: the next deliveries, with everybody and everything that their messages need."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from bot.delivery.people import Due, Person
from bot.message import Address
from bot.store.outbox import Priority
from bot.store.statement import Statement, moment

Floor = Mapping[int, tuple[Any, int]]
"""How far a lane has come in each priority: available_at as the database gives it, and id."""

# The index is asked once for each priority: so what is held or not yet due costs nothing.
_OF_PRIORITY = """
    SELECT * FROM (
        SELECT id FROM delivery
        WHERE status = 'queued' AND lane = :account AND priority = PRIORITY AND available_at <= :now
            AND (available_at, id) > (:after_PRIORITY, :id_PRIORITY)
        ORDER BY available_at, id LIMIT BOUND
    ) AS of_PRIORITY"""
_DUE = " UNION ALL ".join(_OF_PRIORITY.replace("PRIORITY", str(int(priority))) for priority in Priority)
_ANY = Statement("SELECT 1 FROM (DUE) AS due LIMIT 1".replace("DUE", _DUE).replace("BOUND", "1"))
_NEXT = """
    SELECT d.id, d.announcement_id, d.person, d.way, d.route, d.attempts, CAST(d.tried AS text), d.due_at,
        a.kind, a.state, CAST(a.texts AS text), CAST(a.more AS text), a.latest_at,
        CASE WHEN r.status IN ('cancelled', 'declined') AND a.audience NOT LIKE '%' || r.status || '%' THEN 1 END,
        c.id, c.channel, c.account, c.user_id, c.language,
        c.message_until, c.message_left, c.tap_until, c.tap_left, c.blocked_at, c.stopped_at,
        r.id, r.reference, r.status, r.name, r.email, r.language, r.registered_by,
        CASE WHEN a.kind = 'answer' THEN (
            SELECT q.text FROM question AS q WHERE q.contact_id = d.contact_id AND q.answer_id = a.id
            ORDER BY q.id DESC LIMIT 1) END,
        d.priority, d.available_at
    FROM (DUE) AS due
    JOIN delivery AS d ON d.id = due.id
    JOIN announcement AS a ON a.id = d.announcement_id
    LEFT JOIN contact AS c ON c.id = d.contact_id
    LEFT JOIN registration AS r ON r.id = d.registration_id
    ORDER BY d.priority, d.available_at, d.id LIMIT :room
    """.replace("DUE", _DUE)
# Planning takes PostgreSQL longer than looking: measured, 1.0 ms of its processor a flight; with a plan it keeps, 0.2.
_KNOWN_PLANS = Statement("SET LOCAL plan_cache_mode = force_generic_plan")
START: Floor = {int(priority): (datetime(1, 1, 1, tzinfo=UTC), 0) for priority in Priority}


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery that is due."""

    due: Due
    withdrawn: bool  # the registration was cancelled or declined, and the announcement does not mean such


def anything(connection: Connection, account: str, now: datetime) -> bool:
    """Whether a lane has something to send; only reads."""
    return _ANY.row(connection, account=account, now=now, **_places(START)) is not None


def following(
    connection: Connection, account: str, now: datetime, room: int, floor: Floor = START
) -> list[Sequence[Any]]:
    """The next so many that are due, what is urgent first; each for `read`.

    With a `floor` only those behind it. PostgreSQL keeps what left the index until it is vacuumed, and walks over all
    of it each time: measured with 100,000 queued, 364 pages after 50,000 were sent, with the floor 7; the flight's
    2.7 ms after 90,000 are 0.6 again.
    """
    if connection.dialect.name != "sqlite":
        _KNOWN_PLANS.run(connection)
    return list(
        _next(1 << (room - 1).bit_length()).run(connection, account=account, now=now, room=room, **_places(floor))
    )


def behind(floor: Floor, rows: Sequence[Sequence[Any]]) -> Floor:
    """The floor behind these rows of `following`."""
    return {**floor, **{row[-2]: (row[-1], row[0]) for row in rows}}


def read(row: Sequence[Any]) -> Row:
    """One row of `following`."""
    id_, announcement, key, way, route, attempts, tried, due, *rest = row
    kind, state, texts, more, latest_at, withdrawn, *who, asked, _, available_at = rest
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
        available_at=moment(available_at),
        asked=asked or "",
    )
    return Row(delivery, bool(withdrawn))


@lru_cache
def _next(bound: int) -> Statement:
    """`following` for at most so many: a number that stands in the statement, so that a plan fits every value."""
    return Statement(_NEXT.replace("BOUND", str(bound)))


def _places(floor: Floor) -> dict[str, Any]:
    return {
        name: value
        for number, (at, id_) in floor.items()
        for name, value in ((f"after_{number}", at), (f"id_{number}", id_))
    }


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
