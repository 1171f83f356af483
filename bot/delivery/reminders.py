"""What content/reminders.toml says, at its time: announced once, or missed; and the plan of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, func, select
from sqlmodel import Session, col

from bot.clock import Clock
from bot.content.event import Event
from bot.content.form import Form
from bot.content.records import Content
from bot.content.reminders import Reminder
from bot.content.words import LANGUAGES
from bot.delivery import drafts
from bot.delivery.audience import DRAFT, WrongFilter, audience, check_choices, of_drafts
from bot.delivery.queueing import insert_into
from bot.delivery.quiet import out_of_quiet
from bot.delivery.routes import Accounts
from bot.delivery.walltime import draft_age, moment_of
from bot.errors import Fault
from bot.store.database import Database
from bot.store.outbox import Announcement, Kind, State, Way
from bot.store.tables import Registration

Known = Mapping[str, tuple[str, datetime]]
"""The reminders that have a row: {id: (state, due_at)}."""


def due_at(reminder: Reminder, event: Event) -> datetime | None:
    """When it goes out, in UTC; None for one that follows each draft."""
    return moment_of(reminder.when, event) if _has_date(reminder) else None


def latest_at(reminder: Reminder, event: Event) -> datetime:
    """From when on it is not sent any more, in UTC."""
    return moment_of(reminder.latest, event) if _has_date(reminder) else drafts.useful_until(reminder, event)


async def tick(database: Database, content: Content, accounts: Accounts, clock: Clock) -> None:
    """Announces what is due, marks what was missed, reminds of drafts.

    To be called each second, and after the clock was wound; `queueing.fill_up` behind it writes the deliveries.
    """
    now, event, reminders = clock.now(), content.event, sound(content)
    known = await database.read(lambda session: announced(session, reminders))
    rows = [row for reminder in reminders if (row := _to_announce(reminder, event, known, accounts, now))]
    if rows:
        await database.transact(lambda connection: _announce(connection, rows))
    for reminder in reminders:
        if not _has_date(reminder):
            await drafts.remind(database, reminder, event, accounts, clock, texts_of(reminder))


def plan(session: Session, content: Content, accounts: Accounts, now: datetime) -> list[dict[str, Any]]:
    """The rows of `usher plan`, in the order of the file; due_at in the event's zone.

    State: `sent` once its deliveries are planned, `missed` when its time went by, `off` when nobody can be told (no
    account is set up, an organizer stopped it, or `usher check` finds a fault in it), else `scheduled`. A reminder of
    drafts is `scheduled` as long as it may still reach somebody new. The audience is who would get it now.
    """
    reminders, fit = content.reminders.reminders, sound(content)
    known, counts = announced(session, reminders), _counts(session, fit, now)  # two queries, however many there are
    rows = []
    for reminder in reminders:
        due = due_at(reminder, content.event)
        rows.append(
            {
                "id": reminder.id,
                "due_at": due.astimezone(content.event.zone).isoformat(timespec="seconds") if due else None,
                "audience": counts.get(reminder.id, 0),
                "state": _state(reminder, content.event, known, accounts, now, reminder.id in counts),
            }
        )
    return rows


def faults(content: Content) -> list[Fault]:
    """Reminders that could never be sent, or never to anybody."""
    return [fault for reminder in content.reminders.reminders for fault in _faults(reminder, content)]


def sound(content: Content) -> list[Reminder]:
    """The reminders without a fault; the others are left alone."""
    return [reminder for reminder in content.reminders.reminders if not _faults(reminder, content)]


def texts_of(reminder: Reminder) -> dict[str, dict[str, str]]:
    """Its texts, as an announcement keeps them."""
    return {
        language: {"text": reminder.text.of(language)}
        | ({"short": reminder.short.of(language)} if reminder.short else {})
        for language in LANGUAGES
    }


def announced(session: Session, reminders: Sequence[Reminder]) -> dict[str, tuple[str, datetime]]:
    """Those of the reminders that have a row."""
    columns = (col(Announcement.id), col(Announcement.state), col(Announcement.due_at))
    ids = [reminder.id for reminder in reminders]
    rows = session.execute(select(*columns).where(col(Announcement.id).in_(ids)))
    return {id_: (state, due) for id_, state, due in rows}


def _has_date(reminder: Reminder) -> bool:
    return draft_age(reminder.when) is None


def _to_announce(
    reminder: Reminder, event: Event, known: Known, accounts: Accounts, now: datetime
) -> Announcement | None:
    """The row that has to be written now. One that was missed is looked at again only if its time was moved."""
    due, latest = due_at(reminder, event), latest_at(reminder, event)
    if due is None or due > now or _is_settled(known.get(reminder.id), due):
        return None
    missed = now >= latest
    if not missed and not accounts.tells:
        return None
    return Announcement(
        id=reminder.id,
        kind=Kind.REMINDER,
        audience=reminder.audience,
        texts=texts_of(reminder),
        more={"ways": [Way.CHAT], "zone": event.timezone},
        due_at=due,
        latest_at=latest,
        created_at=now,
        state=State.MISSED if missed else State.PLANNING,
        by="content",
    )


def _is_settled(row: tuple[str, datetime] | None, due: datetime) -> bool:
    return row is not None and (row[0] != State.MISSED or row[1] == due)


def _announce(connection: Connection, rows: list[Announcement]) -> None:
    """Writes them; what another process wrote meanwhile stays, but for a missed one that was moved."""
    insert = insert_into(connection, Announcement)
    new = {name: insert.excluded[name] for name in Announcement.model_fields if name != "id"}
    moved = (col(Announcement.state) == State.MISSED) & (col(Announcement.due_at) != insert.excluded.due_at)
    insert = insert.on_conflict_do_update(index_elements=["id"], set_=new, where=moved)
    connection.execute(insert, [row.model_dump() for row in rows])


def _faults(reminder: Reminder, content: Content) -> list[Fault]:
    event = content.event
    place, due, latest = f"reminders.toml:{reminder.id}", due_at(reminder, event), latest_at(reminder, event)
    wrong = _wrong_filter(reminder.audience, is_dated=due is not None) or _wrong_choice(reminder.audience, content.form)
    if wrong:
        return [Fault(f"{place}.audience", wrong)]
    if due is None:
        return []
    if DRAFT in reminder.audience.split():
        return [Fault(f"{place}.audience", f'{DRAFT} is known while a form is filled in; expected when = "draft 24h"')]
    if latest <= due:
        return [Fault(f"{place}.latest", "is not after `when`; expected a later time")]
    if out_of_quiet(due, event.zone) >= latest:
        return [Fault(f"{place}.when", "falls into the quiet hours, 22:00 to 07:00, and is too late after them")]
    return []


@lru_cache(maxsize=256)
def _wrong_filter(text: str, *, is_dated: bool) -> str:
    """What is wrong with a filter; asked at every tick."""
    try:
        audience(text, Kind.REMINDER) if is_dated else of_drafts(text)
    except WrongFilter as error:
        return str(error)
    return ""


def _wrong_choice(text: str, form: Form) -> str:
    try:
        check_choices(text, form)
    except WrongFilter as error:
        return str(error)
    return ""


def _state(reminder: Reminder, event: Event, known: Known, accounts: Accounts, now: datetime, is_fit: bool) -> str:
    due, row = due_at(reminder, event), known.get(reminder.id)
    is_over = now >= latest_at(reminder, event)
    if row and (row[0] == State.STOPPED or (row[0] == State.PAUSED and due is None)):
        return "off"
    if row and row[0] != State.MISSED and (due is not None or is_over):
        return "sent"
    if is_over or (row and due and _is_settled(row, due)):
        return "missed"
    can_send = accounts.tells if due else drafts.reachable(accounts)
    return "scheduled" if can_send and is_fit else "off"


def _counts(session: Session, reminders: list[Reminder], now: datetime) -> dict[str, int]:
    """How many each of them means now, in one query."""
    queries = {reminder.id: _count(reminder, now).scalar_subquery() for reminder in reminders}
    if not queries:
        return {}
    row = session.execute(select(*queries.values())).one()
    return dict(zip(queries, row, strict=True))


def _count(reminder: Reminder, now: datetime) -> Any:
    if not _has_date(reminder):
        return drafts.waiting(reminder, now)
    return select(func.count()).select_from(Registration).where(audience(reminder.audience, Kind.REMINDER))
