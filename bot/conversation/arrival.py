"""The statements that every message runs: who wrote and where they stand, then what was said and what comes next."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, update
from sqlmodel import col

from bot.conversation.turn import Person, Turn
from bot.message import Address, Kind, Message, Reply
from bot.store.outbox import Delivery
from bot.store.statement import Statement, moment
from bot.store.tables import Contact, Registration

_HASHED = "hmac:"  # a user id that was forgotten at an unfollow
_FALLBACK = "zh"
_WISHES = ("language", "language_chosen", "stopped_at")  # of a contact


# Written out, because each message runs them: both databases read the same words, and nothing is built each time.
_MEET = Statement("""
    INSERT INTO contact (channel, account, user_id, language, language_chosen, source, created_at, seen_at,
                         message_until, message_left, tap_until, tap_left, blocked_at)
    VALUES (:channel, :account, :user_id, :language, false, :source, :now, :now,
            :message_until, :message_left, :tap_until, :tap_left, :blocked_at)
    ON CONFLICT (channel, account, user_id) DO UPDATE SET
        seen_at = excluded.seen_at,
        blocked_at = excluded.blocked_at,
        source = CASE WHEN excluded.source <> '' THEN excluded.source ELSE contact.source END,
        message_left = CASE WHEN excluded.message_until IS NULL
                            THEN contact.message_left ELSE excluded.message_left END,
        message_until = COALESCE(excluded.message_until, contact.message_until),
        tap_left = CASE WHEN excluded.tap_until IS NULL
                        THEN contact.tap_left ELSE excluded.tap_left END,
        tap_until = COALESCE(excluded.tap_until, contact.tap_until)
    RETURNING id, language, language_chosen, stopped_at, source, created_at
""")
# Whether something waits for the person, or was told in a template's few characters: sent, and an error says so, or its
# end is not reported yet.
_WAITS = """
    EXISTS (SELECT 1 FROM delivery WHERE delivery.contact_id = WHOSE AND (delivery.status = 'waiting'
        OR (delivery.status = 'sent' AND delivery.route = 'wechat_template' AND delivery.error <> '')
        OR (delivery.status IN ('sending', 'unconfirmed') AND delivery.route = 'wechat_template'
            AND delivery.receipt IS NOT NULL AND EXISTS (SELECT 1 FROM announcement
                WHERE announcement.id = delivery.announcement_id AND announcement.kind = 'broadcast'))))
"""
_STANDING = Statement(
    """
    SELECT conversation.state, message.id, message.reply,
           WAITS,
           (SELECT CAST(venue AS text) FROM event LIMIT 1)
    FROM (SELECT 1 AS one) AS always
    LEFT JOIN conversation ON conversation.contact_id = :contact_id
    LEFT JOIN message ON message.key = :key
""".replace("WAITS", _WAITS.replace("WHOSE", ":contact_id"))
)
# A person who is new here may be one who unfollowed, and left registrations under a keyed hash.
_STANDING_OF_NEW = Statement(
    """
    SELECT conversation.state, message.id, message.reply,
           WAITS,
           (SELECT CAST(venue AS text) FROM event LIMIT 1),
           former.id
    FROM (SELECT 1 AS one) AS always
    LEFT JOIN conversation ON conversation.contact_id = :contact_id
    LEFT JOIN message ON message.key = :key
    LEFT JOIN contact AS former
        ON former.channel = :channel AND former.account = :account AND former.user_id = :hashed
""".replace("WAITS", _WAITS.replace("WHOSE", "former.id"))
)
_SAVE = Statement("""
    INSERT INTO conversation (contact_id, state, draft_at, updated_at)
    VALUES (:contact_id, :state, :draft_at, :now)
    ON CONFLICT (contact_id) DO UPDATE SET
        state = excluded.state, draft_at = excluded.draft_at, updated_at = excluded.updated_at
""")
_ANSWERED = Statement("""
    INSERT INTO message (key, contact_id, received_at, reply, claimed_at)
    VALUES (:key, :contact_id, :now, :reply, :claimed)
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """What was known before this message."""

    state: str | None  # the stored conversation
    seen: bool  # this message was answered before
    reply: Reply | None  # with this
    waiting: bool  # something that could not be sent is to be shown first
    venue: str | None = None  # as published, JSON
    former: int | None = None  # the contact which a person who is back left behind at an unfollow


def meet(connection: Connection, message: Message, now: datetime) -> Person:
    """The person who wrote, with the windows that the message opened. Locks the contact's row until the commit."""
    sender, opened = message.sender, message.opened
    values = {
        "channel": sender.channel,
        "account": sender.account,
        "user_id": sender.user_id,
        "language": message.language or _FALLBACK,
        "source": message.source,
        "now": now,
        "message_until": None,
        "message_left": 0,
        "tap_until": None,
        "tap_left": 0,
        "blocked_at": now if message.kind in (Kind.BLOCK, Kind.LEAVE) else None,
    }
    if opened:
        values |= {f"{opened.window}_until": now + opened.lasts, f"{opened.window}_left": opened.count}
    id_, language, chosen, stopped_at, source, created_at = _MEET.row(connection, **values)
    created = moment(created_at) or now
    return Person(id_, language, bool(chosen), moment(stopped_at), source, created, is_new=created == now)


def standing(connection: Connection, person: Person, message: Message, secret: bytes) -> Standing:
    """The stored state; whether the message was answered before, and with what; what else an answer needs."""
    values: dict[str, object] = {"contact_id": person.id, "key": message.id}
    if person.is_new:
        sender = message.sender
        values |= {"channel": sender.channel, "account": sender.account, "hashed": keyed_hash(sender, secret)}
    look = _STANDING_OF_NEW if person.is_new else _STANDING
    state, seen, reply, waiting, venue, *former = look.row(connection, **values)
    return Standing(state, seen is not None, Reply.from_json(reply) if reply else None, bool(waiting), venue, *former)


def save(turn: Turn, reply: Reply | None, drafted: datetime | None, claimed: datetime) -> None:
    """Writes the state and the reply, so that a copy of the message gets the same one. `claimed`: the real time."""
    contact_id = None if turn.erased else turn.person.id
    common = {"contact_id": contact_id, "now": turn.now}
    if not turn.erased:
        _SAVE.run(turn.connection, **common, state=turn.state.to_json(), draft_at=drafted)
    stored = reply.to_json() if reply else None
    _ANSWERED.run(turn.connection, **common, key=turn.message.id, reply=stored, claimed=claimed)
    if turn.changed and not turn.erased:
        values = {name: getattr(turn.person, name) for name in turn.changed}
        turn.connection.execute(update(Contact).where(col(Contact.id) == contact_id).values(**values))


def keyed_hash(address: Address, secret: bytes) -> str:
    """What remains of a user id after an unfollow: finds the registration again, and tells nobody who it was."""
    text = "\0".join((address.channel, address.account, address.user_id))
    return _HASHED + hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def is_hashed(user_id: str) -> bool:
    """Whether the person unfollowed: nobody knows the id any more."""
    return user_id.startswith(_HASHED)


def find_again(connection: Connection, person: Person, former: int) -> None:
    """Gives a person who comes back after an unfollow the registrations they made before, and what they were sent.

    Whoever wanted no reminders wants none now, and the language is the one they spoke.
    """
    for table in (Registration, Delivery):
        connection.execute(update(table).where(col(table.contact_id) == former).values(contact_id=person.id))
    wishes = [col(getattr(Contact, name)) for name in _WISHES]
    left = connection.execute(delete(Contact).where(col(Contact.id) == former).returning(*wishes)).one()
    if tuple(left) != tuple(getattr(person, name) for name in _WISHES):
        kept = dict(zip(_WISHES, left, strict=True))
        connection.execute(update(Contact).where(col(Contact.id) == person.id).values(**kept))
        for name, value in kept.items():
            setattr(person, name, value)
