"""Everybody who is meant gets one delivery, by each way: a slice at a time, and the same twice is asked back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from bot.clock import Clock
from bot.delivery.announcements import AnnouncedLately, broadcast, words
from bot.delivery.audience import WrongFilter
from bot.delivery.queueing import fill_up, queue_slice
from bot.store.database import Database
from bot.store.outbox import Delivery, Kind, Lane, State, Way
from bot.store.tables import Registration
from tests.conftest import NOW
from tests.delivery.announcing import TEXTS, planned, said
from tests.delivery.crowd import ALL, APP, BOT, announcements, deliveries, registered, settle, telegram, town, wechat
from tests.stored import statements

HOUR, PATIENCE = timedelta(hours=1), 0.4
Shown = list[tuple[str, str | None, str]]


def shown(database: Database) -> Shown:
    """(person, route, status) of each delivery."""
    return [(row.person, row.route, row.status) for row in deliveries(database)]


# What is written


def test_an_announcement_becomes_a_delivery_for_each_person(database: Database) -> None:
    town(database, 4, NOW)
    assert (said(database), planned(database)) == ("B-1", 4)
    routes = ["wechat_message", "telegram"] * 2
    assert shown(database) == [(f"r{number}", route, "queued") for number, route in enumerate(routes, 1)]
    row = deliveries(database)[0]
    assert (row.lane, row.way, row.priority, row.contact_id, row.registration_id) == (f"wechat:{APP}", "chat", 2, 1, 1)
    assert (row.attempts, row.tried, row.error, row.due_at, row.available_at) == (0, [], "", NOW, NOW)
    assert announcements(database)["B-1"].state == State.PLANNED


def test_each_way_has_a_delivery_of_its_own_and_the_chat_does_not_repeat_the_mail(database: Database) -> None:
    mail = {"email": "a@example.com"}
    chats = [wechat(1, NOW), wechat(2, NOW, message_left=0), wechat(3, NOW, message_left=0)]
    settle(database, chats, [registered(1, NOW, **mail), registered(2, NOW, **mail), registered(3, NOW)])
    said(database, ways=(Way.CHAT, Way.MAIL))
    planned(database)
    assert [(row.person, row.way, row.route, row.status) for row in deliveries(database)] == [
        ("r1", "chat", "wechat_message", "queued"),
        ("r1", "mail", "email", "queued"),
        ("r2", "chat", "wechat_template", "queued"),
        ("r2", "mail", "email", "queued"),
        ("r3", "chat", "wechat_template", "queued"),
        ("r3", "mail", None, "unreachable"),
    ]


def test_who_is_not_reached_has_a_delivery_all_the_same(database: Database) -> None:
    chats = [wechat(1, NOW, message_until=NOW), telegram(2, NOW, blocked_at=NOW), wechat(3, NOW, stopped_at=NOW)]
    settle(
        database,
        chats,
        [registered(1, NOW), registered(2, NOW), registered(3, NOW), registered(4, NOW, contact_id=None)],
    )
    said(database)
    planned(database, accounts=replace(ALL, template_reminder=""))
    assert [(row.person, row.status, row.error) for row in deliveries(database)] == [
        ("r1", "waiting", "WeChat window closed, no template; no e-mail address"),
        ("r2", "unreachable", "unfollowed, or blocked the bot; no e-mail address"),
        ("r3", "skipped", "unsubscribed"),
        ("r4", "unreachable", "no chat; no e-mail address"),
    ]


def test_a_decision_is_written_at_once_and_told_also_to_who_unsubscribed(database: Database) -> None:
    settle(
        database, [telegram(1, NOW, stopped_at=NOW)], [registered(1, NOW, status="cancelled", email="a@example.com")]
    )
    said(database, id="D-FFS-000001-1", kind=Kind.DECISION, audience="reference=FFS-000001", ways=(Way.CHAT, Way.MAIL))
    assert [(row.way, row.status, row.priority) for row in deliveries(database)] == [
        ("chat", "queued", 0),
        ("mail", "queued", 0),
    ]
    assert announcements(database)["D-FFS-000001-1"].state == State.PLANNED


def test_a_route_that_was_switched_off_is_not_planned(database: Database) -> None:
    settle(database, [telegram(1, NOW)], [registered(1, NOW)])
    lane = Lane(account=f"telegram:{BOT}", until=NOW, off={"telegram": "blocked for good"})
    database.write_now(lambda session: session.add(lane))
    said(database)
    planned(database)
    assert deliveries(database)[0].error == "telegram is off (blocked for good); no e-mail address"


def test_nobody_who_came_later_gets_it_late(database: Database) -> None:
    later = NOW + timedelta(minutes=1)
    rows = [registered(1, NOW), registered(2, NOW, decided_at=later), registered(3, later)]
    settle(database, [telegram(number, NOW) for number in (1, 2, 3)], rows)
    said(database)
    planned(database, now=NOW + timedelta(days=2))
    assert [row.person for row in deliveries(database)] == ["r1"]


def test_who_is_not_meant_any_more_does_not_get_it(database: Database) -> None:
    town(database, 3, NOW)
    said(database)
    named = update(Registration).where(col(Registration.id) == 2)
    database.transact_now(lambda connection: connection.execute(named.values(status="cancelled")))
    planned(database)
    assert [row.person for row in deliveries(database)] == ["r1", "r3"]


def test_what_is_announced_for_later_is_written_then(database: Database) -> None:
    town(database, 2, NOW)
    said(database, due_at=NOW + HOUR)
    assert planned(database) == 0
    assert announcements(database)["B-1"].state == State.PLANNING
    assert planned(database, now=NOW + HOUR) == 2
    assert {row.due_at for row in deliveries(database)} == {NOW + HOUR}


def test_what_could_not_be_written_in_time_was_missed_and_the_rest_of_it_is_skipped(database: Database) -> None:
    town(database, 5, NOW)
    said(database, id="never", latest_at=NOW + HOUR)
    said(database, id="half", latest_at=NOW + HOUR)
    queued = partial(queue_slice, announcement_id="half", accounts=ALL, now=NOW, size=2)
    assert database.transact_now(queued) == 2
    assert planned(database, "never", now=NOW + HOUR) == 0
    assert planned(database, "half", now=NOW + HOUR) == 3
    states = {id_: row.state for id_, row in announcements(database).items()}
    assert states == {"never": "missed", "half": "planned"}
    assert [row.status for row in deliveries(database)] == ["queued"] * 2 + ["skipped"] * 3
    assert deliveries(database)[-1].error == "too late to be useful"


def test_a_wrong_filter_announces_nothing(database: Database) -> None:
    with pytest.raises(WrongFilter):
        said(database, audience="colour=red")
    assert announcements(database) == {}


# Slices


def test_a_slice_takes_as_many_statements_whether_it_has_few_people_or_many(database: Database) -> None:
    town(database, 60, NOW)
    said(database)
    counts = []
    for size in (1, 50):
        with statements(database) as sent:
            database.transact_now(partial(queue_slice, announcement_id="B-1", accounts=ALL, now=NOW, size=size))
        counts.append(len(sent))
    assert counts == [5, 5]
    assert len(deliveries(database)) == 51


async def test_replies_go_on_between_the_slices(database: Database, clock: Clock) -> None:
    town(database, 40, NOW)
    said(database)
    seen: list[int] = []

    async def somebody_writes() -> None:
        while not seen or seen[-1] < 40:
            seen.append(
                await database.transact(lambda connection: len(connection.execute(select(col(Delivery.id))).all()))
            )

    await asyncio.gather(fill_up(database, ALL, clock, size=4), somebody_writes())
    assert len(set(seen)) > 3


async def test_what_is_urgent_goes_before_the_rest_of_something_long(database: Database, clock: Clock) -> None:
    town(database, 6, NOW)
    said(database)
    woken: list[list[str]] = []

    def wake() -> None:
        if not woken:
            said(database, id="one-week", kind=Kind.REMINDER)
        woken.append([row.announcement_id for row in deliveries(database)][-2:])

    assert await fill_up(database, ALL, clock, wake, size=2) == 12
    assert [last[-1] for last in woken] == ["B-1", *["one-week"] * 4, "B-1", "B-1", "B-1"]


# The same twice


def again(database: Database, now: Any = NOW, **more: Any) -> str:
    """Broadcasts what an organizer typed."""
    fields: dict[str, Any] = {
        "accounts": ALL,
        "texts": TEXTS,
        "audience": "status=confirmed category=brand",
        "by": "command",
    }
    return database.transact_now(lambda connection: broadcast(connection, now=now, **(fields | more)))


def test_the_same_texts_to_the_same_people_within_ten_minutes_are_asked_back(database: Database) -> None:
    rows = [registered(number, NOW, contact_id=None) for number in (1, 2)]
    settle(database, [], [*rows, registered(3, NOW, contact_id=None, category="brand")])
    first = again(database)
    assert first.startswith("B-")
    for filter_text in ("category=brand status=confirmed", "category=brand", "reference=FFS-000003"):
        with pytest.raises(AnnouncedLately, match=first):
            again(database, NOW + timedelta(minutes=9), audience=filter_text)
    again(database, audience="status=confirmed")
    again(database, audience="category=factory")
    again(database, more={"venue": True})
    again(database, texts={**TEXTS, "en": {"text": "Another"}})
    again(database, again=True)
    again(database, NOW + timedelta(minutes=10, seconds=1), again=False)
    assert len(announcements(database)) == 7


def test_who_joined_since_makes_it_another_audience(database: Database) -> None:
    settle(database, [], [registered(1, NOW, contact_id=None)])
    again(database, audience="")
    settle(database, [], [registered(2, NOW, contact_id=None)])
    again(database, audience="")
    assert len(announcements(database)) == 2


def test_filters_that_mean_nobody_yet_are_told_apart_by_their_words(database: Database) -> None:
    again(database, audience="status=confirmed")
    again(database, audience="category=brand")
    with pytest.raises(AnnouncedLately):
        again(database, audience="  category=brand")


async def test_two_organizers_who_send_the_same_at_once_send_it_once(database: Database) -> None:
    another = Database(database.url.render_as_string(hide_password=False))
    nodes = [database, another] * 3
    done = await asyncio.gather(*(asyncio.to_thread(again, node) for node in nodes), return_exceptions=True)
    another.close()
    assert sorted(type(row).__name__ for row in done) == ["AnnouncedLately"] * 5 + ["str"]


def test_words_are_the_same_in_any_order_and_others_with_the_venue() -> None:
    assert words(TEXTS) == words(dict(reversed(TEXTS.items())), {"ways": ["chat"]})
    assert len({words(TEXTS), words(TEXTS, {"venue": True}), words({"zh": TEXTS["zh"]})}) == 3
