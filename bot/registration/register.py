"""Makes and changes registrations; who has a seat from the start is decided under the event's lock."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlmodel import Session, col

from bot.content.event import Event
from bot.conversation.published import EVENT_ROW
from bot.message import dumps
from bot.store.statement import Statement
from bot.store.tables import Registration, Status

COLUMNS = ("category", "programme", "organization", "name", "title", "phone", "email")
MOST_COLLEAGUES = 5
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: https://www.crockford.com/base32.html
_LENGTH = 6
# Written out: everybody who registers runs them while others wait for the same lock.
_HAS_OWN = Statement("""
    SELECT 1 FROM registration
    WHERE contact_id = :contact_id AND registered_by IS NULL AND status <> :cancelled LIMIT 1
""")
_LOCK = Statement("INSERT INTO event (id) VALUES (:id) ON CONFLICT (id) DO UPDATE SET id = excluded.id")
_TAKEN = Statement("SELECT count(*) FROM registration WHERE status IN (:confirmed, :waitlisted)")
_USED = Statement("SELECT 1 FROM registration WHERE reference = :reference")
_INSERT = Statement("""
    INSERT INTO registration (reference, status, contact_id, channel, language, source, consent_version, consent_at,
                              registered_by, created_at, decided_at, category, programme, organization, name, title,
                              phone, email, more)
    VALUES (:reference, :status, :contact_id, :channel, :language, :source, :consent_version, :consent_at,
            :registered_by, :created_at, :decided_at, :category, :programme, :organization, :name, :title,
            :phone, :email, :more)
""")
_READ_AS = str.maketrans("ILO", "110")


@dataclass(frozen=True, slots=True)
class Origin:
    """How a registration came about."""

    contact_id: int
    channel: str
    language: str
    source: str
    consent_version: str
    consent_at: datetime
    registered_by: str | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of it."""

    reference: str
    status: Status


def registrations(session: Session, contact_id: int) -> list[Registration]:
    """All registrations made by one contact, in the order they were made."""
    statement = select(Registration).where(col(Registration.contact_id) == contact_id).order_by(col(Registration.id))
    return list(session.scalars(statement))


def has_own(connection: Connection, contact_id: int) -> bool:
    """Whether the contact has a live registration of its own."""
    return _HAS_OWN.row(connection, contact_id=contact_id, cancelled=Status.CANCELLED) is not None


def live(rows: list[Registration]) -> list[Registration]:
    """Those that were not cancelled."""
    return [row for row in rows if row.status != Status.CANCELLED]


def own(rows: list[Registration]) -> Registration | None:
    """The contact's own live registration."""
    return next((row for row in live(rows) if row.registered_by is None), None)


def submit(
    connection: Connection, event: Event, answers: Mapping[str, str], origin: Origin, now: datetime
) -> Submitted:
    """Registers one person. The status follows seats and auto_confirm, decided under the event's lock."""
    status = _first_status(connection, event)
    reference = _unused_reference(connection, event.reference_prefix)
    decided_at = now if status is Status.CONFIRMED else None
    made = {"reference": reference, "status": status.value, "created_at": now, "decided_at": decided_at}
    given = {name: answers.get(name) or None for name in COLUMNS}
    _INSERT.run(connection, **made, **asdict(origin), **given, more=dumps(_more(answers)))
    return Submitted(reference, status)


def apply(row: Registration, answers: Mapping[str, str]) -> None:
    """Writes the form's answers into a registration; questions of the organizer's own go into `more`."""
    for name in COLUMNS:
        setattr(row, name, answers.get(name) or None)
    row.more = _more(answers)


def _more(answers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in answers.items() if name not in (*COLUMNS, "consent")}


def answers_of(row: Registration) -> dict[str, str]:
    """A registration as the form's answers: what `apply` wrote; consent was given."""
    kept = {name: getattr(row, name) or "" for name in COLUMNS if getattr(row, name) or name == "title"}
    return {"consent": "agree", **kept, **row.more}


def read_reference(typed: str, prefix: str) -> str:
    """A reference as people type it: lower case, without the prefix, O for 0, I and L for 1."""
    code = typed.strip().upper().removeprefix(f"{prefix}-").translate(_READ_AS)
    return f"{prefix}-{code}"


def lock_event(connection: Connection) -> None:
    """Takes the event's row: seats are counted and given under it. Order of locks: contact, event, registration."""
    _LOCK.run(connection, id=EVENT_ROW)


def _first_status(connection: Connection, event: Event) -> Status:
    """Nobody passes those who wait: a seat that was given back is theirs first."""
    lock_event(connection)
    if event.capacity and seats_taken(connection) >= event.capacity:
        return Status.WAITLISTED
    return Status.CONFIRMED if event.auto_confirm else Status.PENDING


def seats_taken(connection: Connection) -> int:
    """How many are confirmed or stand before everybody who comes later."""
    counted: int = _TAKEN.row(connection, confirmed=Status.CONFIRMED, waitlisted=Status.WAITLISTED)[0]
    return counted


def _unused_reference(connection: Connection, prefix: str) -> str:
    while True:
        reference = f"{prefix}-{''.join(secrets.choice(_CROCKFORD) for _ in range(_LENGTH))}"
        if _USED.row(connection, reference=reference) is None:
            return reference
