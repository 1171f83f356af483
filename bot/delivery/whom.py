"""Reads from the tables who is meant: people by their registration, or by their chat alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, select
from sqlmodel import col

from bot.delivery.people import Person
from bot.message import Address
from bot.store.tables import Contact, Registration, Status

_CHAT = (
    *(Contact.id, Contact.language, Contact.channel, Contact.account, Contact.user_id, Contact.message_until),
    *(Contact.message_left, Contact.tap_until, Contact.tap_left, Contact.blocked_at, Contact.stopped_at),
)
_REGISTERED = (
    *(Registration.id, Registration.reference, Registration.status, Registration.name, Registration.email),
    *(Registration.language, Registration.registered_by),
)
_SAME_CHAT = col(Contact.id) == col(Registration.contact_id)
PEOPLE: Any = select(*map(col, (*_REGISTERED, *_CHAT))).join(Contact, _SAME_CHAT, isouter=True)
CHATS: Any = select(*map(col, _CHAT))
_OWN = and_(_SAME_CHAT, col(Registration.registered_by).is_(None), col(Registration.status) != Status.CANCELLED)
ASKERS: Any = select(*map(col, (*_REGISTERED, *_CHAT))).select_from(Contact).join(Registration, _OWN, isouter=True)
"""Chats, each with the live registration of its own person: rows for `registered`, or from _CHAT on for `chatting`."""


def registered(row: Sequence[Any]) -> Person:
    """One row of PEOPLE."""
    registration_id, reference, status, name, email, language, registered_by, contact_id, spoken, *chat = row
    return Person(
        key=f"r{registration_id}",
        language=language if contact_id is None else spoken,
        contact_id=contact_id,
        registration_id=registration_id,
        reference=reference,
        status=status,
        name=name or "",
        email=email or "",
        colleague=registered_by is not None,
        **_reached_at(chat),
    )


def chatting(row: Sequence[Any]) -> Person:
    """One row of CHATS: somebody without a registration."""
    contact_id, language, *chat = row
    return Person(key=f"c{contact_id}", language=language, contact_id=contact_id, **_reached_at(chat))


def _reached_at(chat: Sequence[Any]) -> dict[str, Any]:
    channel, account, user_id, message_until, message_left, tap_until, tap_left, blocked_at, stopped_at = chat
    return {
        "address": Address(channel, account, user_id) if channel else None,
        "message_until": message_until,
        "message_left": message_left or 0,
        "tap_until": tap_until,
        "tap_left": tap_left or 0,
        "blocked_at": blocked_at,
        "stopped_at": stopped_at,
    }
