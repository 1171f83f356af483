"""Announces to people who are named, not meant by a filter: a note to the organizers, their answer to who asked."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlmodel import col

from bot.delivery.announcements import Texts
from bot.delivery.people import Person
from bot.delivery.queueing import Sending, fate, insert_into, switched_off, write
from bot.delivery.routes import Accounts, Step
from bot.delivery.whom import ASKERS, chatting, registered
from bot.store.outbox import Announcement, DeliveryStatus, Kind, State, Way
from bot.store.tables import Contact

Fate = Step | tuple[DeliveryStatus, str]
"""By which route somebody is told, or the status and the reason of who is not now."""
_LETTER = {Kind.NOTE: "N", Kind.ANSWER: "A"}


def tell(
    connection: Connection,
    *,
    kind: Kind,
    texts: Texts,
    people: Sequence[Person],
    accounts: Accounts,
    now: datetime,
    audience: str = "",
    more: Mapping[str, Any] | None = None,
    by: str = "chat",
) -> tuple[str, list[Fate]]:
    """Announces a note or an answer in the caller's transaction: its id, and for each person what becomes of it.

    The deliveries are written here, however many people it is. `audience`: whom it is about, for whoever erases them.
    """
    row = Announcement(
        id=f"{_LETTER[kind]}-{secrets.token_hex(4).upper()}",
        kind=kind,
        audience=audience,
        texts=dict(texts),
        more={**(more or {}), "ways": [Way.CHAT]},
        due_at=now,
        created_at=now,
        state=State.PLANNED,
        by=by,
    )
    connection.execute(insert_into(connection, Announcement), row.model_dump())
    sending = Sending(row.id, kind, row.texts, row.more, now, None, now, accounts, switched_off(connection, now))
    fates = [fate(sending, person, Way.CHAT) for person in people]
    write(connection, sending, people)
    return row.id, fates


def people(connection: Connection, contact_ids: Sequence[int]) -> list[Person]:
    """Those who write from these chats, each with the registration of their own if there is one, by contact."""
    rows = connection.execute(ASKERS.where(col(Contact.id).in_(contact_ids)).order_by(col(Contact.id)))
    return [registered(row) if row[0] is not None else chatting(row[7:]) for row in rows]
