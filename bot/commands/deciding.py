"""Decisions of organizers: who is confirmed, who is declined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from bot.clock import Clock
from bot.commands import opened
from bot.content.load import load_event
from bot.delivery.routes import Accounts
from bot.registration import decide
from bot.registration.decide import Decided, Desk
from bot.settings import Settings


def confirm(settings: Settings, clock: Clock, references: Sequence[str]) -> list[Decided]:
    """Gives each of them a seat, or a place on the waiting list. Raises CannotDecide; then nothing was changed."""
    desk = _desk(settings, clock)
    with closing(opened(settings)) as database:
        return database.transact_now(lambda found: decide.confirm(found, references, desk))


def confirm_all_pending(settings: Settings, clock: Clock) -> Iterator[Decided]:
    """Everybody who waits for a decision, in order of registration, a slice in each transaction."""
    desk = _desk(settings, clock)
    with closing(opened(settings)) as database:
        while decided := database.transact_now(lambda connection: decide.confirm_pending(connection, desk)):
            yield from decided


def decline(settings: Settings, clock: Clock, references: Sequence[str]) -> list[Decided]:
    """Says no to each of them. Raises CannotDecide; then nothing was changed."""
    desk = _desk(settings, clock)
    with closing(opened(settings)) as database:
        return database.transact_now(lambda found: decide.decline(found, references, desk))


def _desk(settings: Settings, clock: Clock) -> Desk:
    return Desk(load_event(settings.content_folder()), Accounts.of(settings), clock.now(), "command")
