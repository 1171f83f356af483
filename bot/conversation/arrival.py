"""The statements that every message runs: who wrote and where they stand, then what was said and what comes next."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, delete, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from bot.conversation.turn import Person, Turn
from bot.message import Address, Kind, Message, Reply
from bot.store import tables
from bot.store.tables import Contact, Conversation, Registration

_HASHED = "hmac:"  # a user id that was forgotten at an unfollow
_FALLBACK = "zh"
_NEEDED = ("id", "language", "language_chosen", "stopped_at", "source", "created_at")


def _upsert(dialect: Any) -> Any:
    """Meets the person: makes the contact or brings it up to date, and locks it until the transaction ends."""
    new = dialect.insert(Contact).values(
        {name: bindparam(name) for name in Contact.model_fields if name not in ("id", "stopped_at", "language_chosen")}
        | {"language_chosen": False}
    )
    old, given = Contact, new.excluded
    return new.on_conflict_do_update(
        index_elements=["channel", "account", "user_id"],
        set_={
            "seen_at": given.seen_at,
            "blocked_at": given.blocked_at,
            "source": _given_or(given.source, old.source, given.source != ""),
            "message_until": func.coalesce(given.message_until, old.message_until),
            "message_left": _given_or(given.message_left, old.message_left, given.message_until.is_not(None)),
            "tap_until": func.coalesce(given.tap_until, old.tap_until),
            "tap_left": _given_or(given.tap_left, old.tap_left, given.tap_until.is_not(None)),
        },
    ).returning(*(col(getattr(old, name)) for name in _NEEDED))


def _given_or(given: Any, old: Any, condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return case((condition, given), else_=old)


_UPSERT = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}
_STANDING = select(col(Conversation.state), col(tables.Message.id), col(tables.Message.reply)).select_from(
    select(literal(1).label("one"))
    .subquery()
    .outerjoin(Conversation, col(Conversation.contact_id) == bindparam("contact_id"))
    .outerjoin(tables.Message, col(tables.Message.key) == bindparam("message_key"))
)


def _save(dialect: Any) -> Any:
    new = dialect.insert(Conversation).values({name: bindparam(name) for name in Conversation.model_fields})
    changed = {name: new.excluded[name] for name in ("state", "draft_at", "updated_at")}
    return new.on_conflict_do_update(index_elements=["contact_id"], set_=changed)


_SAVE = {"sqlite": _save(sqlite), "postgresql": _save(postgresql)}
_ANSWERED = tables.Message.__table__.insert()  # type: ignore[attr-defined]  # SQLModel hides the table


def meet(session: Session, message: Message, now: datetime) -> Person:
    """The person who wrote, with the windows that the message opened. Locks the contact's row."""
    sender, opened = message.sender, message.opened
    until = {f"{name}_until": None for name in ("message", "tap")} | {f"{name}_left": 0 for name in ("message", "tap")}
    if opened:
        until |= {f"{opened.window}_until": now + opened.lasts, f"{opened.window}_left": opened.count}  # type: ignore[dict-item]
    values = {"channel": sender.channel, "account": sender.account, "user_id": sender.user_id, "source": message.source,
              "language": message.language or _FALLBACK, "created_at": now, "seen_at": now,
              "blocked_at": now if message.kind in (Kind.BLOCK, Kind.LEAVE) else None, **until}  # fmt: skip
    statement = _UPSERT[session.get_bind().dialect.name]
    row = session.execute(statement, values).one()
    return Person(row.id, row.language, row.language_chosen, row.stopped_at, row.source, is_new=row.created_at == now)


def standing(session: Session, person: Person, key: str) -> tuple[str | None, bool, Reply | None]:
    """The conversation's stored state; whether this message was answered before, and with what."""
    state, seen, reply = session.execute(_STANDING, {"contact_id": person.id, "message_key": key}).one()
    return state, seen is not None, Reply.from_json(reply) if reply else None


def save(turn: Turn, reply: Reply | None, drafted: datetime | None) -> None:
    """Writes the state and the reply, so that a copy of the message gets the same one."""
    dialect = turn.session.get_bind().dialect.name
    contact_id = None if turn.erased else turn.person.id
    if not turn.erased:
        turn.session.execute(_SAVE[dialect], {"contact_id": contact_id, "state": turn.state.to_json(),
                                              "draft_at": drafted, "updated_at": turn.now})  # fmt: skip
    turn.session.execute(_ANSWERED, {"key": turn.message.id, "contact_id": contact_id, "received_at": turn.now,
                                     "reply": reply.to_json() if reply else None, "claimed_at": turn.now})  # fmt: skip
    if turn.changed and not turn.erased:
        values = {name: getattr(turn.person, name) for name in turn.changed}
        turn.session.execute(update(Contact).where(col(Contact.id) == contact_id).values(**values))


def keyed_hash(address: Address, secret: bytes) -> str:
    """What remains of a user id after an unfollow: finds the registration again, and tells nobody who it was."""
    text = "\0".join((address.channel, address.account, address.user_id))
    return _HASHED + hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def is_hashed(user_id: str) -> bool:
    """Whether the person unfollowed: nobody knows the id any more."""
    return user_id.startswith(_HASHED)


def find_again(session: Session, person: Person, sender: Address, secret: bytes) -> None:
    """Gives a person who comes back after an unfollow the registrations they made before."""
    before = (col(Contact.channel) == sender.channel, col(Contact.account) == sender.account,
              col(Contact.user_id) == keyed_hash(sender, secret))  # fmt: skip
    former = session.execute(select(Contact.id).where(*before)).scalar()  # type: ignore[call-overload]
    if former is not None:
        moved = update(Registration).where(col(Registration.contact_id) == former).values(contact_id=person.id)
        session.execute(moved)
        session.execute(delete(Contact).where(col(Contact.id) == former))
