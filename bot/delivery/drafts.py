"""Reminds people of a form they left: once each, and only where that is free, an open WeChat window or Telegram."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, cast, exists, func, literal, or_, select
from sqlmodel import Session, col

from bot.clock import Clock
from bot.content.event import Event
from bot.content.reminders import Reminder
from bot.delivery.audience import of_drafts
from bot.delivery.queueing import SLICE, Sending, insert_into, switched_off, write
from bot.delivery.quiet import quiet_until
from bot.delivery.routes import Accounts, Off, telegram_lane, wechat_lane
from bot.delivery.walltime import draft_age, moment_of
from bot.delivery.whom import CHATS, chatting
from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery, Kind, Route, State
from bot.store.tables import Contact, Conversation


def useful_until(reminder: Reminder, event: Event) -> datetime:
    """When it is too late to finish the form: the reminder's `latest`, and in any case when registration closes."""
    return min(moment_of(reminder.latest, event), event.closes)


def reachable(accounts: Accounts) -> bool:
    """Whether any chat is set up in which reminding is free."""
    return bool(accounts.wechat_sends or accounts.telegram)


async def remind(
    database: Database, reminder: Reminder, event: Event, accounts: Accounts, clock: Clock, texts: dict[str, Any]
) -> int:
    """Writes a delivery for everybody whose draft is old enough; how many. Nobody is reminded in the quiet hours."""
    now = clock.now()
    if not reachable(accounts) or now >= useful_until(reminder, event) or quiet_until(now, event.zone):
        return 0
    row = _announcement(reminder, event, texts, now)
    age = draft_age(reminder.when) or timedelta()
    left = and_(of_drafts(reminder.audience), col(Conversation.draft_at) <= now - age)
    written = 0
    while await database.read(lambda session: _meant(session, row.id, left, accounts, now)):
        slice_ = await database.transact(lambda connection: _slice(connection, row, left, accounts, now))
        written += slice_
        if not slice_:
            break
    return written


def waiting(reminder: Reminder, now: datetime) -> Any:
    """A query that counts the drafts which were left alone for long enough, but for those of who was reminded."""
    left = and_(
        of_drafts(reminder.audience), col(Conversation.draft_at) <= now - (draft_age(reminder.when) or timedelta())
    )
    joined = col(Contact.id) == col(Conversation.contact_id)
    return select(func.count()).select_from(Conversation).join(Contact, joined).where(left, ~_told(reminder.id))


def _announcement(reminder: Reminder, event: Event, texts: dict[str, Any], now: datetime) -> Announcement:
    return Announcement(
        id=reminder.id,
        kind=Kind.REMINDER,
        audience=reminder.audience,
        texts=texts,
        more={"zone": event.timezone, "drafts": True},
        due_at=now,
        latest_at=useful_until(reminder, event),
        created_at=now,
        state=State.PLANNED,
        by="content",
    )


def _meant(
    session: Session, announcement_id: str, left: ColumnElement[bool], accounts: Accounts, now: datetime
) -> bool:
    connection = session.connection()
    query = _people(announcement_id, left, accounts, switched_off(connection, now), now)
    return connection.execute(query.limit(1)).first() is not None


def _slice(
    connection: Connection, row: Announcement, left: ColumnElement[bool], accounts: Accounts, now: datetime
) -> int:
    """Writes the next deliveries. The upsert locks the announcement: two processes do it one after the other."""
    upsert = insert_into(connection, Announcement).values(row.model_dump())
    newest = {"texts": upsert.excluded.texts, "latest_at": upsert.excluded.latest_at}
    goes_on = col(Announcement.state) == State.PLANNED  # neither paused nor stopped
    upsert = upsert.on_conflict_do_update(index_elements=["id"], set_=newest, where=goes_on)
    if connection.scalar(upsert.returning(col(Announcement.id))) is None:
        return 0
    off = switched_off(connection, now)
    people = connection.execute(_people(row.id, left, accounts, off, now).limit(SLICE)).all()
    sending = Sending(row.id, row.kind, row.texts, row.more, now, row.latest_at, now, accounts, off)
    write(connection, sending, [chatting(person) for person in people])
    return len(people)


def _people(announcement_id: str, left: ColumnElement[bool], accounts: Accounts, off: Off, now: datetime) -> Any:
    """Whose draft was left, who was not reminded before, and who can be reached for free now; by contact."""
    joined = CHATS.join(Conversation, col(Conversation.contact_id) == col(Contact.id))
    return joined.where(left, _free(accounts, off, now), ~_told(announcement_id)).order_by(col(Contact.id))


def _told(announcement_id: str) -> ColumnElement[bool]:
    """Whether the contact was reminded before."""
    key = literal("c") + cast(col(Contact.id), String)
    return exists().where(col(Delivery.announcement_id) == announcement_id, col(Delivery.person) == key)


def _free(accounts: Accounts, off: Off, now: datetime) -> ColumnElement[bool]:
    """What `routes.choose` decides about one person who has no registration, asked of all of them at once."""
    ways: list[ColumnElement[bool]] = []
    if accounts.telegram and Route.TELEGRAM not in off.get(telegram_lane(accounts.telegram), {}):
        ways.append(and_(col(Contact.channel) == "telegram", col(Contact.account) == accounts.telegram))
    if accounts.wechat_sends and Route.WECHAT_MESSAGE not in off.get(wechat_lane(accounts.wechat), {}):
        message = and_(col(Contact.message_until) > now, col(Contact.message_left) > 0)
        tap = and_(col(Contact.tap_until) > now, col(Contact.tap_left) > 0)
        mine = and_(col(Contact.channel) == "wechat", col(Contact.account) == accounts.wechat)
        ways.append(and_(mine, or_(message, tap)))
    return and_(col(Contact.blocked_at).is_(None), or_(False, *ways))
