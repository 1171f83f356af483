"""The people who registered: export, erase."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from sqlalchemy import select
from sqlmodel import Session, col

from bot.clock import Clock
from bot.commands import opened
from bot.content.load import load
from bot.delivery.audience import where
from bot.delivery.routes import Accounts
from bot.errors import UsherError
from bot.registration import export
from bot.registration.decide import promote
from bot.registration.decision import Desk
from bot.registration.forget import forget_registration
from bot.registration.register import read_reference
from bot.settings import Settings
from bot.store.tables import Erasure, Registration

_WRITERS = {"jsonl": export.as_jsonl, "csv": export.as_csv, "xlsx": export.as_xlsx}


def registrations(settings: Settings, form: str, filter_text: str) -> Generator[bytes]:
    """The export in the wanted form."""
    zone = load(settings.content_folder()).event.zone
    condition = where(filter_text)
    with closing(opened(settings)) as database, Session(database.reader) as session:
        yield from _WRITERS[form](export.rows(session, condition, zone))


def forget(settings: Settings, clock: Clock, reference: str) -> tuple[Erasure, str]:
    """Erases the person of one registration: the receipt, and its time in the event's zone.

    Raises UsherError if there is no such registration.
    """
    event = load(settings.content_folder()).event
    prefix = event.reference_prefix

    def erase(session: Session) -> Erasure:
        wanted = read_reference(reference, prefix)
        row = session.scalar(select(Registration).where(col(Registration.reference) == wanted))
        if row is None:
            raise UsherError(f"{reference}: no such registration; expected a reference such as {prefix}-7K2M9Q")
        receipt = forget_registration(session, row, "command", clock.now())
        promote(session.connection(), Desk(event, Accounts.of(settings), clock.now(), "command"))
        return receipt

    with closing(opened(settings)) as database:
        receipt = database.write_now(erase)
        database.scrub_now()
    return receipt, receipt.erased_at.astimezone(event.zone).isoformat(timespec="seconds")
