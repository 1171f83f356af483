"""The people who registered: export, erase."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, suppress

from sqlalchemy import select
from sqlmodel import Session, col

from bot.clock import Clock
from bot.commands import event_of, opened, zone_of
from bot.content.load import load_form
from bot.delivery.audience import check, where
from bot.delivery.routes import Accounts
from bot.errors import BrokenContent, UsherError
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
    zone = zone_of(settings)
    with suppress(BrokenContent):  # while form.toml has faults nobody knows which values there are
        check(filter_text, load_form(settings.content_folder()))
    condition = where(filter_text)
    with closing(opened(settings)) as database, Session(database.reader) as session:
        more = export.own_columns(session, condition, _asked(settings)) if form != "jsonl" else ()
        yield from _WRITERS[form](export.rows(session, condition, zone), more)


def forget(settings: Settings, clock: Clock, reference: str) -> tuple[Erasure, str]:
    """Erases the person of one registration: the receipt, and its time in the event's zone.

    Raises UsherError if there is no such registration.
    """
    event = event_of(settings)
    if event is None and "-" not in reference:
        raise UsherError(f"{reference}: expected the whole reference while event.toml has faults: usher check")
    prefix = event.reference_prefix if event else reference.strip().upper().partition("-")[0]

    def erase(session: Session) -> Erasure:
        wanted = read_reference(reference, prefix)
        row = session.scalar(select(Registration).where(col(Registration.reference) == wanted))
        if row is None:
            raise UsherError(f"{reference}: no such registration; expected a reference such as {prefix}-7K2M9Q")
        receipt = forget_registration(session, row, "command", clock.now())
        if event:  # otherwise `serve`, which has the event as it was, gives the seat on within a second
            promote(session.connection(), Desk(event, Accounts.of(settings), clock.now(), "command"))
        return receipt

    with closing(opened(settings)) as database:
        receipt = database.write_now(erase)
        database.scrub_now()
    return receipt, receipt.erased_at.astimezone(zone_of(settings)).isoformat(timespec="seconds")


def _asked(settings: Settings) -> list[str]:
    """The form's questions, in order; none while form.toml has faults: columns are then found in what is stored."""
    try:
        return [question.id for question in load_form(settings.content_folder()).questions]
    except BrokenContent:
        return []
