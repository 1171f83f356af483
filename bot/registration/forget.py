"""Erases one person everywhere, and leaves a receipt that says how much, never whose.

A seat that an erasure frees is given on by `decide.promote`, which whoever erases calls next, in the same transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlmodel import Session, col

from bot.message import Address
from bot.registration.erase import erase, new_receipt
from bot.registration.register import lock_event
from bot.store.outbox import EXPECTED, Announcement, Delivery, DeliveryStatus, Kind, State, about_chat
from bot.store.tables import Asked, Contact, Conversation, Erasure, Kept, Message, Registration

# What hangs on a contact.
_CHAT: dict[str, Any] = {"conversations": Conversation, "messages": Message, "questions": Asked}


def forget_person(session: Session, contact_id: int, by: str, now: datetime) -> Erasure:
    """Erases a contact with conversation, stored replies, questions and the person's own registrations.

    Colleagues whom the person registered stay: it is their data; they lose the chat they were registered by.
    """
    _lock(session, contact_id)
    contact = session.get(Contact, contact_id)
    assert contact is not None
    mine = (col(Registration.contact_id) == contact_id, col(Registration.registered_by).is_(None))
    ids = session.scalars(select(col(Registration.id)).where(*mine)).all()
    sent = _erase_sent(session, or_(_to(contact_id), col(Delivery.registration_id).in_(ids)))
    _empty_notes(session, contact_id)
    _leave_unreachable(session, contact_id)
    rows = {"registrations": erase(session, Registration, *mine), "deliveries": sent}
    theirs = update(Registration).where(col(Registration.contact_id) == contact_id)
    session.execute(theirs.values(contact_id=None, registered_by=None))  # no reference of the erased stays behind
    rows |= {name: erase(session, table, col(table.contact_id) == contact_id) for name, table in _CHAT.items()}
    rows["kept"] = erase(session, Kept, col(Kept.channel) == contact.channel, col(Kept.user_id) == contact.user_id)
    rows["contacts"] = erase(session, Contact, col(Contact.id) == contact_id)
    return _receipt(session, rows, by, now)


def forget_registration(session: Session, row: Registration, by: str, now: datetime) -> Erasure:
    """Erases the person of one registration: the whole contact if it is their own, else that registration alone."""
    if row.registered_by is None and row.contact_id is not None:
        return forget_person(session, row.contact_id, by, now)
    _lock(session, row.contact_id)
    if row.contact_id is not None:  # stored replies and the draft of the chat may name the colleague
        session.execute(delete(Message).where(col(Message.contact_id) == row.contact_id))
        session.execute(delete(Conversation).where(col(Conversation.contact_id) == row.contact_id))
    sent = _erase_sent(session, col(Delivery.registration_id) == row.id)
    rows = {"registrations": erase(session, Registration, col(Registration.id) == row.id), "deliveries": sent}
    return _receipt(session, rows, by, now)


def unfollow(session: Session, contact_id: int, address: Address, hashed: str) -> None:
    """What the platform asks at an unfollow: draft, stored replies, keys, questions and the user id go.

    A registration stays as its own record; the keyed hash finds it again when the person follows once more.
    """
    for table in _CHAT.values():
        session.execute(delete(table).where(col(table.contact_id) == contact_id))
    _erase_sent(session, or_(_to(contact_id), _answering(contact_id)))
    _empty_notes(session, contact_id)
    session.execute(delete(Kept).where(col(Kept.channel) == address.channel, col(Kept.user_id) == address.user_id))
    registered = select(func.count()).select_from(Registration).where(col(Registration.contact_id) == contact_id)
    if session.scalar(registered):
        session.execute(update(Contact).where(col(Contact.id) == contact_id).values(user_id=hashed, source=""))
    else:
        session.execute(delete(Contact).where(col(Contact.id) == contact_id))


def forget_old_messages(session: Session, before: datetime, slice_rows: int = 500) -> int:
    """Deletes one slice of the oldest message keys and kept bodies; 0 when there is nothing left to delete."""
    gone = 0
    for table in (Message, Kept):
        oldest = select(col(table.id)).order_by(col(table.id)).limit(slice_rows)
        gone += erase(session, table, col(table.id).in_(oldest), col(table.received_at) < before)
    return gone


def _lock(session: Session, contact_id: int | None) -> None:
    """Takes the contact and then the event, in the order of locks everywhere, before a seat may get free."""
    session.execute(select(col(Contact.id)).where(col(Contact.id) == contact_id).with_for_update())
    lock_event(session.connection())


def _to(contact_id: int) -> ColumnElement[bool]:
    """What was sent to a chat as such, not about a registration."""
    return col(Delivery.person) == f"c{contact_id}"


def _answering(contact_id: int) -> ColumnElement[bool]:
    """What organizers answered to a chat, also where its person is registered."""
    answers = select(col(Announcement.id)).where(col(Announcement.kind) == Kind.ANSWER)
    return and_(col(Delivery.contact_id) == contact_id, col(Delivery.announcement_id).in_(answers))


def _erase_sent(session: Session, whose: ColumnElement[bool]) -> int:
    """Erases deliveries, and what was announced to these people alone, such as a decision with their reference."""
    personal = select(col(Announcement.id)).join(Delivery).where(col(Announcement.kind).in_(EXPECTED), whose)
    about = session.scalars(personal.distinct()).all()
    gone = erase(session, Delivery, whose)
    others = exists().where(col(Delivery.announcement_id) == col(Announcement.id))
    erase(session, Announcement, col(Announcement.id).in_(about), ~others)
    return gone


def _empty_notes(session: Session, contact_id: int) -> None:
    """Takes away what a person's notes said to the organizers, and whose they were.

    The rows stay: an organizer who replies to one is told that nobody can be reached, and the reply goes nowhere else.
    """
    notes = (col(Announcement.kind) == Kind.NOTE, col(Announcement.audience) == about_chat(contact_id))
    empty: dict[str, Any] = {"texts": {}, "more": {}, "audience": "", "state": State.STOPPED}
    session.execute(update(Announcement).where(*notes).values(**empty))


def _leave_unreachable(session: Session, contact_id: int) -> None:
    """What waits for a colleague until this chat writes again would wait for ever."""
    waiting = (col(Delivery.contact_id) == contact_id, col(Delivery.status) == DeliveryStatus.WAITING)
    reason = "the chat they were registered by was erased"
    session.execute(update(Delivery).where(*waiting).values(status=DeliveryStatus.UNREACHABLE, error=reason))


def _receipt(session: Session, rows: dict[str, int], by: str, now: datetime) -> Erasure:
    receipt = new_receipt(by, now, rows)
    session.add(receipt)
    session.flush()
    return receipt
