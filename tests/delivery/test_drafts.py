"""Who left a form is reminded of it: once, after a day, and only where that is free."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from bot.clock import Clock
from bot.content.records import Content
from bot.delivery import announcements as service
from bot.delivery.drafts import _free
from bot.delivery.people import Person
from bot.delivery.queueing import fill_up
from bot.delivery.reminders import tick
from bot.delivery.routes import Accounts, Step, choose
from bot.delivery.whom import CHATS, chatting
from bot.store.database import Database
from bot.store.outbox import Kind, Route, Way
from bot.store.tables import Conversation
from tests.chat import Town
from tests.conftest import NOW
from tests.delivery.crowd import ALL, APP, BOT, NOBODY, announcements, deliveries, drafted, settle, telegram, wechat
from tests.edits import with_event
from tests.stored import rows

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TELEGRAM_ONLY = Accounts(telegram=BOT)


async def runs(database: Database, content: Content, *moments: datetime, accounts: Accounts = ALL) -> None:
    """What the scheduler does at these moments."""
    for moment in moments:
        await tick(database, content, accounts, Clock(moment))
        await fill_up(database, accounts, Clock(moment))


def told(database: Database) -> list[tuple[str, str | None]]:
    return [(row.person, row.route) for row in deliveries(database, "finish-form")]


async def test_a_form_left_for_a_day_is_recalled_once(database: Database, content: Content) -> None:
    settle(database, [telegram(1, NOW), wechat(2, NOW)], [], [drafted(number, NOW, NOW) for number in (1, 2)])
    await runs(database, content, NOW + DAY - timedelta(minutes=1))
    assert told(database) == []
    await runs(database, content, NOW + DAY, NOW + DAY, NOW + DAY + HOUR, NOW + 3 * DAY)
    assert told(database) == [("c1", "telegram"), ("c2", "wechat_message")]
    row = deliveries(database, "finish-form")[0]
    assert (row.way, row.status, row.contact_id, row.registration_id) == ("chat", "queued", 1, None)
    assert NOW + DAY <= row.due_at < NOW + DAY + HOUR


async def test_who_goes_on_with_it_is_left_alone_and_a_second_form_is_not_recalled(
    database: Database, content: Content
) -> None:
    settle(database, [telegram(1, NOW)], [], [drafted(1, NOW, NOW)])
    touch = update(Conversation).where(col(Conversation.contact_id) == 1)
    database.transact_now(lambda connection: connection.execute(touch.values(draft_at=NOW + HOUR)))
    await runs(database, content, NOW + DAY)
    assert told(database) == []
    await runs(database, content, NOW + DAY + HOUR)
    database.transact_now(lambda connection: connection.execute(touch.values(draft_at=NOW + DAY + 2 * HOUR)))
    await runs(database, content, NOW + 3 * DAY)
    assert told(database) == [("c1", "telegram")]


PLACES: dict[str, tuple[dict[str, Any], bool]] = {
    "an open window": (wechat(1, NOW), True),
    "a window that has closed": (wechat(1, NOW, message_until=NOW + DAY), False),
    "a window without count": (wechat(1, NOW, message_left=0), False),
    "a tap's window": (wechat(1, NOW, message_left=0, tap_until=NOW + DAY + HOUR, tap_left=1), True),
    "Telegram": (telegram(1, NOW), True),
    "a blocked bot": (telegram(1, NOW, blocked_at=NOW), False),
    "another bot": (telegram(1, NOW, account="9"), False),
    "nothing we know": (telegram(1, NOW, channel="memory"), False),
}


@pytest.mark.parametrize("place", PLACES)
async def test_it_is_free_in(database: Database, content: Content, place: str) -> None:
    contact, expected = PLACES[place]
    settle(database, [contact], [], [drafted(1, NOW, NOW)])
    await runs(database, content, NOW + DAY)
    assert bool(told(database)) is expected


async def test_where_it_is_free_is_what_the_routes_say(database: Database) -> None:
    windows = [(NOW, 1), (NOW + HOUR, 0), (NOW + HOUR, 1), (None, 0)]
    chats = [
        {**make(number, NOW), "message_until": message[0], "message_left": message[1],
         "tap_until": tap[0], "tap_left": tap[1], "blocked_at": blocked}
        for number, (make, message, tap, blocked) in enumerate(
            itertools.product((wechat, telegram), windows, windows, (None, NOW)), 1
        )
    ]  # fmt: skip
    settle(database, chats)
    everybody = database.read_now(lambda session: [chatting(row) for row in session.execute(CHATS)])
    assert len(everybody) == 64
    offs: tuple[Any, ...] = ({}, {f"wechat:{APP}": {"wechat_message": "x"}}, {f"telegram:{BOT}": {"telegram": "x"}})
    for accounts, off in itertools.product(
        (ALL, TELEGRAM_ONLY, Accounts(wechat=APP, wechat_secret=True), NOBODY), offs
    ):
        statement = CHATS.where(_free(accounts, off, NOW))
        free = database.read_now(lambda session, statement=statement: {row[0] for row in session.execute(statement)})
        assert free == {person.contact_id for person in everybody if _is_reached(person, accounts, off)}


def _is_reached(person: Person, accounts: Accounts, off: Any) -> bool:
    found = choose(person, Way.CHAT, Kind.REMINDER, NOW, accounts, off)
    return isinstance(found, Step) and found.route in (Route.WECHAT_MESSAGE, Route.TELEGRAM)


async def test_it_waits_for_the_morning_and_ends_when_registration_closes(database: Database, content: Content) -> None:
    settle(database, [telegram(1, NOW)], [], [drafted(1, NOW, NOW)])
    await runs(database, content, NOW.replace(hour=22) + DAY, NOW.replace(hour=6) + 2 * DAY)
    assert told(database) == []
    early = with_event(content, registration={"closes": "2019-10-10T07:00:00"})
    await runs(database, early, NOW.replace(hour=7) + 2 * DAY)
    assert told(database) == []
    await runs(database, content, NOW.replace(hour=7) + 2 * DAY)
    assert told(database) == [("c1", "telegram")]
    assert announcements(database)["finish-form"].latest_at == content.event.start


async def test_when_the_event_is_moved_new_drafts_have_longer(database: Database, content: Content) -> None:
    settle(database, [telegram(1, NOW), telegram(2, NOW)], [], [drafted(1, NOW, NOW), drafted(2, NOW, NOW + 20 * DAY)])
    await runs(database, content, NOW + DAY)
    later = with_event(content, date=content.event.date + 30 * DAY)
    await runs(database, later, NOW + 22 * DAY)
    assert told(database) == [("c1", "telegram"), ("c2", "telegram")]
    assert announcements(database)["finish-form"].latest_at == later.event.start


async def test_who_unsubscribed_is_skipped(database: Database, content: Content) -> None:
    settle(database, [telegram(1, NOW, stopped_at=NOW)], [], [drafted(1, NOW, NOW)])
    await runs(database, content, NOW + DAY, NOW + DAY)
    assert [(row.status, row.error) for row in deliveries(database)][-1:] == [("skipped", "unsubscribed")]


async def test_two_nodes_recall_it_once(database: Database, content: Content) -> None:
    settle(database, [telegram(n, NOW) for n in range(1, 31)], [], [drafted(n, NOW, NOW) for n in range(1, 31)])
    another = Database(database.url.render_as_string(hide_password=False))
    await asyncio.gather(*(runs(node, content, *[NOW + DAY] * 3) for node in (database, another)))
    another.close()
    assert sorted(told(database)) == sorted((f"c{n}", "telegram") for n in range(1, 31))


async def test_it_can_be_paused_and_stopped_like_everything_else(database: Database, content: Content) -> None:
    settle(
        database, [telegram(n, NOW) for n in (1, 2, 3)], [], [drafted(n, NOW, NOW + (n - 1) * HOUR) for n in (1, 2, 3)]
    )
    await runs(database, content, NOW + DAY)
    database.transact_now(lambda connection: service.pause(connection, "finish-form"))
    await runs(database, content, NOW + DAY + HOUR)
    assert told(database) == [("c1", "telegram")]
    database.transact_now(lambda connection: service.resume(connection, "finish-form", NOW + DAY + HOUR))
    await runs(database, content, NOW + DAY + HOUR)
    assert told(database) == [("c1", "telegram"), ("c2", "telegram")]
    database.transact_now(lambda connection: service.stop(connection, "finish-form"))
    await runs(database, content, NOW + DAY + 2 * HOUR)
    assert [row.status for row in deliveries(database, "finish-form")] == ["skipped", "skipped"]


async def test_after_a_talk_the_draft_is_found_and_a_finished_form_is_not(town: Town, content: Content) -> None:
    unfinished, finished = town.chat("u1"), town.chat("u2")
    await unfinished.says("报名", "1", "4")
    await finished.registers()
    when = {row.contact_id: row.draft_at for row in rows(town.database, Conversation)}
    assert sorted(map(bool, when.values())) == [False, True]
    await runs(town.database, content, town.clock.now() + DAY, accounts=ALL)
    assert told(town.database) == []  # nobody whom these accounts know

    def as_telegram(connection: Any) -> None:
        connection.exec_driver_sql(f"UPDATE contact SET channel = 'telegram', account = '{BOT}'")  # noqa: S608  # ours

    town.database.transact_now(as_telegram)
    await runs(town.database, content, town.clock.now() + DAY + HOUR)
    assert len(told(town.database)) == 1
