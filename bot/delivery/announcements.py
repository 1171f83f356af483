"""Announces: a reminder, a broadcast or a decision becomes one row, and one delivery for each person and way."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select, text, update
from sqlmodel import col

from bot.delivery.audience import audience as means
from bot.delivery.audience import normal
from bot.delivery.queueing import insert_into, queue_slice
from bot.delivery.quiet import out_of_quiet
from bot.delivery.routes import Accounts
from bot.errors import UsherError
from bot.message import dumps
from bot.store.outbox import Announcement, Delivery, DeliveryStatus, Kind, State, Way
from bot.store.tables import Registration

LATELY = timedelta(minutes=10)
STOPPED = "stopped by an organizer"
SUPERSEDED = "a later decision took its place"
Texts = Mapping[str, Mapping[str, str]]
"""{"zh": {"text", "short"}, "en": {...}}; a language may be missing, and a short form."""


class AnnouncedLately(UsherError):
    """The same texts were announced to the same people a moment ago."""


class NoSuchAnnouncement(UsherError):
    """No announcement has this id."""


def announce(
    connection: Connection,
    *,
    id: str,  # noqa: A002  # as the column is called
    kind: Kind,
    accounts: Accounts,
    now: datetime,
    texts: Texts | None = None,
    audience: str = "",
    more: Mapping[str, Any] | None = None,
    ways: Sequence[Way] = (Way.CHAT,),
    due_at: datetime | None = None,
    latest_at: datetime | None = None,
    by: str = "",
    digest: str = "",
) -> str:
    """Announces in the caller's transaction; the id. An id that is there already changes nothing. Raises WrongFilter.

    The deliveries of a decision are written at once; those of the others by `queueing.fill_up` when they are due. So
    who gets it is who is meant at `due_at`, and the texts are those of now.
    """
    means(audience, kind)
    texts = texts or {}
    row = Announcement(
        id=id,
        kind=kind,
        audience=audience,
        texts=dict(texts),
        more={**(more or {}), "ways": list(ways)},
        due_at=due_at or now,
        latest_at=latest_at,
        created_at=now,
        digest=digest,
        by=by,
    )
    connection.execute(insert_into(connection, Announcement).on_conflict_do_nothing(), row.model_dump())
    if kind == Kind.DECISION:
        queue_slice(connection, id, accounts, now)
    return id


def broadcast(
    connection: Connection,
    *,
    accounts: Accounts,
    now: datetime,
    texts: Texts,
    audience: str,
    more: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
    by: str,
    again: bool = False,
) -> str:
    """Announces what an organizer says; the id. Raises WrongFilter, and AnnouncedLately unless `again`."""
    said = _alone_with(connection, words(texts, more))
    meant = digest(connection, said, audience)
    before = announced_lately(connection, meant, now)
    if before and not again:
        raise AnnouncedLately(f"the same texts went to the same people less than 10 minutes ago as {before}")
    return announce(
        connection,
        id=f"B-{secrets.token_hex(4).upper()}",
        kind=Kind.BROADCAST,
        accounts=accounts,
        now=now,
        texts=texts,
        audience=audience,
        more=more,
        due_at=due_at,
        by=by,
        digest=meant,
    )


def announced_lately(connection: Connection, digest: str, now: datetime) -> str | None:
    """The announcement of the same texts to the same people within the last 10 minutes.

    Also one that seems to be made a little later than now: while USHER_NOW is set, each process begins anew there.
    """
    same = (col(Announcement.digest) == digest, col(Announcement.kind) == Kind.BROADCAST)
    lately = (col(Announcement.created_at) > now - LATELY, col(Announcement.created_at) < now + LATELY)
    return connection.scalar(select(col(Announcement.id)).where(*same, *lately).limit(1))


def words(texts: Texts, more: Mapping[str, Any] | None = None) -> str:
    """The same for the same texts, with the venue or without."""
    parts = {language: {key: part.strip() for key, part in row.items()} for language, row in sorted(texts.items())}
    return _hash(dumps([parts, bool((more or {}).get("venue"))]))


def digest(connection: Connection, said: str, audience: str) -> str:
    """The same for the same words to the same people, whatever filter means them. Raises WrongFilter.

    Filters that mean nobody yet are told apart by what they say.
    """
    found = connection.scalars(select(col(Registration.id)).where(means(audience, Kind.BROADCAST)))
    people = sorted(map(str, found.all()))
    return _hash(dumps([said, people or normal(audience)]))


def _alone_with(connection: Connection, said: str) -> str:
    """On PostgreSQL whoever says the same waits until the other's transaction is over; SQLite has one writer."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:said, 0))"), {"said": said})
    return said


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def pause(connection: Connection, announcement_id: str, size: int = 500) -> int:
    """Holds an announcement and the next of its queued deliveries; how many. Repeat until 0."""
    _turn(connection, announcement_id, State.PAUSED, (State.PLANNING, State.PLANNED))
    free = (col(Delivery.available_at).is_not(None),)
    return _change(connection, announcement_id, size, (DeliveryStatus.QUEUED,), free, available_at=None)


def resume(connection: Connection, announcement_id: str, now: datetime, size: int = 500) -> int:
    """Lets a paused announcement go on, and the next of its held deliveries; how many. Repeat until 0."""
    more = connection.scalar(select(col(Announcement.more)).where(col(Announcement.id) == announcement_id)) or {}
    _turn(connection, announcement_id, State.PLANNED if more.get("drafts") else State.PLANNING, (State.PAUSED,))
    leaves_at = out_of_quiet(now, ZoneInfo(more["zone"])) if "zone" in more else now
    held = (col(Delivery.available_at).is_(None),)
    return _change(connection, announcement_id, size, (DeliveryStatus.QUEUED,), held, available_at=leaves_at)


def stop(connection: Connection, announcement_id: str, size: int = 500) -> int:
    """Ends an announcement and skips the next of its deliveries that have not left; how many. Repeat until 0."""
    _turn(connection, announcement_id, State.STOPPED, (State.PLANNING, State.PLANNED, State.PAUSED))
    open_ones = (DeliveryStatus.QUEUED, DeliveryStatus.WAITING)
    skipped = {"status": DeliveryStatus.SKIPPED, "error": STOPPED}
    return _change(connection, announcement_id, size, open_ones, (), **skipped)


def _turn(connection: Connection, announcement_id: str, to: State, before: Sequence[State]) -> None:
    """Changes the state of an announcement that is in one of those; raises NoSuchAnnouncement."""
    named = update(Announcement).where(col(Announcement.id) == announcement_id)
    turned = connection.execute(named.where(col(Announcement.state).in_(before)).values(state=to))
    if not turned.rowcount:
        known = select(col(Announcement.id)).where(col(Announcement.id) == announcement_id)
        if connection.scalar(known) is None:
            raise NoSuchAnnouncement(f"{announcement_id}: no such announcement")


def _change(
    connection: Connection,
    announcement_id: str,
    size: int,
    statuses: Sequence[DeliveryStatus],
    conditions: Sequence[Any],
    **values: Any,
) -> int:
    """Changes so many deliveries; the status is asked twice, because a lane may take one up in between."""
    in_status = col(Delivery.status).in_(statuses)
    of_it = (col(Delivery.announcement_id) == announcement_id, in_status, *conditions)
    some = select(col(Delivery.id)).where(*of_it).limit(size)
    done = connection.execute(update(Delivery).where(col(Delivery.id).in_(some), in_status).values(**values))
    return int(done.rowcount)
