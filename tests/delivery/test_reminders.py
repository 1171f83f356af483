"""Reminders leave at their time or not at all: late starts, moved events, quiet hours, clock changes, two nodes."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from bot.clock import Clock
from bot.commands.content import check
from bot.content.records import Content
from bot.content.reminders import Reminder, Reminders
from bot.delivery.overdue import skip_late
from bot.delivery.queueing import fill_up
from bot.delivery.reminders import due_at, faults, latest_at, tick
from bot.delivery.routes import Accounts
from bot.settings import read
from bot.store.database import Database
from bot.store.outbox import Announcement
from bot.store.tables import Registration
from tests.conftest import NOW
from tests.delivery.crowd import ALL, APP, NOBODY, announcements, deliveries, registered, settle, telegram, town, wechat
from tests.edits import edited, with_event

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DATED = ("two-weeks", "one-week", "day-before", "morning", "thank-you")


def at(text: str) -> datetime:
    """A time in Shenzhen, in 2019: "10-08 10:00"."""
    return datetime.fromisoformat(f"2019-{text.replace(' ', 'T')}:00+08:00")


async def runs(database: Database, content: Content, *times: str | datetime, accounts: Accounts = ALL) -> None:
    """What the scheduler does at these moments."""
    for moment in times:
        clock = Clock(at(moment) if isinstance(moment, str) else moment)
        await tick(database, content, accounts, clock)
        await fill_up(database, accounts, clock)


def states(database: Database) -> dict[str, str]:
    return {id_: row.state for id_, row in announcements(database).items()}


def told(database: Database) -> list[tuple[str, str]]:
    return [(row.announcement_id, row.person) for row in deliveries(database)]


def with_reminders(content: Content, *reminders: dict[str, Any]) -> Content:
    """The content with reminders of the test's own: two-weeks, changed."""
    shipped = content.reminders.reminders[0].model_dump()
    rows = tuple(Reminder.model_validate({**shipped, **changed}) for changed in reminders)
    return content.model_copy(update={"reminders": Reminders(reminder=rows)})


# At their time


def test_the_shipped_reminders_are_due(content: Content) -> None:
    rows = {row.id: row for row in content.reminders.reminders}
    times = {id_: (due_at(row, content.event), latest_at(row, content.event)) for id_, row in rows.items()}
    assert times == {
        "two-weeks": (at("10-08 10:00"), at("10-15 10:00")),
        "one-week": (at("10-15 10:00"), at("10-21 10:00")),
        "day-before": (at("10-21 10:00"), at("10-21 22:00")),
        "morning": (at("10-22 07:30"), at("10-22 09:30")),
        "finish-form": (None, at("10-22 09:30")),
        "thank-you": (at("10-22 17:00"), at("10-24 17:00")),
    }


async def test_each_goes_out_at_its_minute_and_never_again(database: Database, content: Content) -> None:
    town(database, 2, NOW)
    await runs(database, content, "10-08 09:59")
    assert told(database) == []
    await runs(database, content, "10-08 10:00", "10-08 10:00", "10-08 10:01", "10-09 10:00")
    assert told(database) == [("two-weeks", "r1"), ("two-weeks", "r2")]
    row = announcements(database)["two-weeks"]
    assert (row.kind, row.state, row.due_at, row.latest_at) == (
        "reminder",
        "planned",
        at("10-08 10:00"),
        at("10-15 10:00"),
    )
    assert row.texts["zh"]["short"] == "请为会议预留时间"
    assert row.texts["en"]["text"].startswith("Hello {name}")
    assert {row.priority for row in deliveries(database)} == {1}


async def test_only_who_was_confirmed_by_then_and_still_is_gets_it(database: Database, content: Content) -> None:
    rows = [
        registered(1, NOW),
        registered(2, NOW, decided_at=at("10-08 10:01")),
        registered(3, NOW, status="pending", decided_at=None),
        registered(4, NOW, status="cancelled"),
    ]
    settle(database, [telegram(number, NOW) for number in range(1, 5)], rows)
    await runs(database, content, "10-08 10:02")
    assert told(database) == [("two-weeks", "r1")]


async def test_thanks_go_to_who_came(database: Database, content: Content) -> None:
    came = at("10-22 09:00")
    settle(database, [telegram(1, NOW), telegram(2, NOW)], [registered(1, NOW, checked_in_at=came), registered(2, NOW)])
    await runs(database, content, "10-22 17:00")
    assert told(database) == [("thank-you", "r1")]


# Late


async def test_a_bot_that_was_down_at_the_time_says_it_late_but_in_time(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    await runs(database, content, "10-21 21:59")
    assert told(database) == [("day-before", "r1")]
    assert states(database) == {"two-weeks": "missed", "one-week": "missed", "day-before": "planned"}


async def test_what_is_useless_by_now_was_missed_and_says_so(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    await runs(database, content, "10-21 22:00")
    assert told(database) == []
    assert states(database) == {"two-weeks": "missed", "one-week": "missed", "day-before": "missed"}


async def test_two_days_off_repeat_nothing(database: Database, content: Content) -> None:
    town(database, 2, NOW)
    await runs(database, content, "10-08 10:00", at("10-08 10:00") + 2 * DAY)
    assert len(told(database)) == 2


async def test_a_clock_that_is_set_back_repeats_nothing_and_sends_nothing_that_was_missed(
    database: Database, content: Content
) -> None:
    town(database, 1, NOW)
    await runs(database, content, "10-15 10:00", "10-15 09:00", "10-15 10:00")
    assert told(database) == [("one-week", "r1")]
    assert states(database) == {"two-weeks": "missed", "one-week": "planned"}


async def test_after_the_event_all_is_missed_and_nothing_queued(database: Database, content: Content) -> None:
    town(database, 2, NOW)
    await runs(database, content, datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
    assert states(database) == dict.fromkeys(DATED, "missed")
    assert told(database) == []


async def test_what_waits_past_its_time_is_skipped(database: Database, content: Content) -> None:
    settle(database, [telegram(1, NOW), wechat(2, NOW, blocked_at=NOW)], [registered(1, NOW), registered(2, NOW)])
    settle(database, [{**wechat(3, NOW, message_left=0), "id": 3}], [registered(3, NOW)])
    await runs(
        database,
        content,
        "10-21 10:00",
        accounts=Accounts(wechat=ALL.wechat, wechat_secret=True, telegram=ALL.telegram),
    )
    assert [row.status for row in deliveries(database)] == ["queued", "unreachable", "waiting"]
    assert await skip_late(database, Clock(at("10-21 21:59"))) == 0
    assert await skip_late(database, Clock(at("10-21 22:00"))) == 2
    assert [(row.status, row.error) for row in deliveries(database)][::2] == [("skipped", "too late to be useful")] * 2


# Nobody can be told


async def test_without_an_account_nothing_is_announced_until_there_is_one(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    await runs(database, content, "10-08 10:00", accounts=NOBODY)
    assert states(database) == {}
    await runs(database, content, "10-08 11:00")
    assert told(database) == [("two-weeks", "r1")]


async def test_who_unsubscribed_is_skipped(database: Database, content: Content) -> None:
    settle(database, [telegram(1, NOW, stopped_at=NOW)], [registered(1, NOW)])
    await runs(database, content, "10-08 10:00")
    assert [(row.status, row.error) for row in deliveries(database)] == [("skipped", "unsubscribed")]


# Moved


async def test_a_moved_event_moves_what_is_not_yet_planned(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    await runs(database, content, "10-08 10:00")
    moved = with_event(content, date=date(2019, 11, 5))
    await runs(database, moved, "10-15 10:00", "10-21 10:00", "10-22 10:00")
    assert told(database) == [("two-weeks", "r1")]  # not again two weeks before the new day
    await runs(database, moved, "10-29 10:00", "11-04 10:00", "11-05 07:30")
    assert [id_ for id_, _ in told(database)] == ["two-weeks", "one-week", "day-before", "morning"]


async def test_what_was_missed_goes_out_when_the_event_is_moved_on(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    await runs(database, content, "10-21 23:00")
    assert states(database)["day-before"] == "missed"
    moved = with_event(content, date=date(2019, 10, 29))
    await runs(database, moved, "10-22 10:00", "10-28 10:00")
    assert [row for row in told(database) if row[0] == "day-before"] == [("day-before", "r1")]
    assert states(database) == {"two-weeks": "missed", "one-week": "planned", "day-before": "planned"}


async def test_a_moved_reminder_goes_out_at_its_new_time(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    later = with_reminders(content, {"when": "-13d 18:00"})
    await runs(database, later, "10-08 10:00", "10-09 17:59")
    assert told(database) == []
    await runs(database, later, "10-09 18:00")
    assert told(database) == [("two-weeks", "r1")]


async def test_a_text_that_is_changed_afterwards_does_not_send_it_again(
    database: Database, content: Content, tmp_path: Path
) -> None:
    town(database, 1, NOW)
    await runs(database, content, "10-08 10:00")
    changed = edited(tmp_path, "reminders.toml", ("请为会议预留时间", "请留出时间"))
    await runs(database, changed, "10-08 10:01")
    assert len(told(database)) == 1
    assert announcements(database)["two-weeks"].texts["zh"]["short"] == "请为会议预留时间"


# Quiet hours


async def test_in_the_night_nobody_is_reminded_before_seven(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    early = with_reminders(content, {"when": "-13d 05:30"})
    await runs(database, early, "10-09 05:30")
    (row,) = deliveries(database)
    assert (row.status, row.due_at, row.available_at) == ("queued", at("10-09 05:30"), at("10-09 07:00"))


async def test_a_late_start_in_the_night_waits_for_the_morning(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    await runs(database, content, "10-08 23:15")
    assert [row.available_at for row in deliveries(database)] == [at("10-09 07:00")]


async def test_what_the_morning_would_find_useless_is_skipped(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    short = with_reminders(content, {"when": "-14d 20:00", "latest": "-13d 06:00"})
    await runs(database, short, "10-08 23:00")
    assert [(row.status, row.error) for row in deliveries(database)] == [("skipped", "too late to be useful")]


# Together


async def test_two_nodes_announce_it_once(database: Database, content: Content) -> None:
    town(database, 5, NOW)
    another = Database(database.url.render_as_string(hide_password=False))
    await asyncio.gather(*(runs(node, content, *["10-08 10:00"] * 5) for node in (database, another)))
    another.close()
    assert sorted(told(database)) == [("two-weeks", f"r{number}") for number in range(1, 6)]


async def test_a_node_that_crashed_behind_announcing_is_finished_by_another(
    database: Database, content: Content
) -> None:
    town(database, 3, NOW)
    await tick(database, content, ALL, Clock(at("10-08 10:00")))
    assert states(database) == {"two-weeks": "planning"}
    assert told(database) == []
    await runs(database, content, "10-08 10:05")
    assert len(told(database)) == 3


async def test_and_is_missed_when_it_comes_too_late(database: Database, content: Content) -> None:
    town(database, 3, NOW)
    await tick(database, content, ALL, Clock(at("10-21 10:00")))
    await runs(database, content, "10-21 22:00")
    assert (states(database)["day-before"], told(database)) == ("missed", [])


async def test_control_without_its_row_it_would_go_out_again(database: Database, content: Content) -> None:
    town(database, 2, NOW)
    await runs(database, content, "10-08 10:00")
    forgets = Announcement.__table__.delete()  # its deliveries go with it
    database.transact_now(lambda connection: connection.execute(forgets))
    await runs(database, content, "10-08 10:01")
    assert len(told(database)) == 2
    assert announcements(database)["two-weeks"].created_at >= at("10-08 10:01")


# Faults that `usher check` finds


FAULTY = {
    "no filter": ({"audience": "who=all"}, "reminders.toml:two-weeks.audience: filter: 'who=all' is not known"),
    "useless at once": ({"latest": "-14d 10:00"}, "reminders.toml:two-weeks.latest: is not after `when`"),
    "never in the night": ({"when": "-1d 23:00", "latest": "0d 06:30"}, "reminders.toml:two-weeks.when: falls into"),
    "no date for a draft": ({"audience": "draft=stale"}, "two-weeks.audience: draft=stale is known while a form"),
    "no draft": ({"when": "draft 24h"}, "two-weeks.audience: filter: 'status=confirmed' is for drafts"),
}


@pytest.mark.parametrize("case", FAULTY)
async def test_a_reminder_that_can_never_be_sent_is_a_fault_and_is_left_alone(
    database: Database, content: Content, case: str
) -> None:
    changed, expected = FAULTY[case]
    faulty = with_reminders(content, changed, {"id": "sound"})
    (fault,) = faults(faulty)
    assert expected in str(fault)
    town(database, 1, NOW)
    await runs(database, faulty, "10-08 10:00")
    assert told(database) == [("sound", "r1")]


def test_the_shipped_ones_are_sound(content: Content) -> None:
    assert faults(content) == []


def test_check_names_what_can_never_be_sent_and_what_would_be_cut(tmp_path: Path) -> None:
    late = ('latest = "-7d 10:00"', 'latest = "-15d 10:00"')
    edited(tmp_path, "reminders.toml", late, ("您的报名还差几步", "您的报名还差几步" + "，还差几步" * 150))
    found = [str(fault) for fault in check(read({}), tmp_path / "content")]
    assert len(found) == 2
    assert found[0].startswith("reminders.toml:two-weeks.latest: is not after `when`")
    assert found[1].startswith("reminders.toml:finish-form.text: zh: ")


async def test_a_registration_that_is_confirmed_again_is_meant_again(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    named = update(Registration).where(col(Registration.id) == 1)
    for status, moment in (("cancelled", "10-08 10:00"), ("confirmed", "10-15 10:00")):
        database.transact_now(lambda connection, status=status: connection.execute(named.values(status=status)))
        await runs(database, content, moment)
    assert told(database) == [("one-week", "r1")]


async def test_on_an_account_that_may_only_answer_reminders_wait_until_people_write(
    database: Database, content: Content
) -> None:
    before, only_answers = at("10-01 10:00"), Accounts(wechat=APP, wechat_verified=False)
    settle(database, [wechat(1, before), telegram(2, before)], [registered(1, before), registered(2, before)])
    await runs(database, content, "10-08 10:00", accounts=only_answers)
    assert states(database) == {"two-weeks": "planned"}
    assert [(row.person, row.status, row.lane) for row in deliveries(database)] == [
        ("r1", "waiting", None),
        ("r2", "unreachable", None),
    ]
    await skip_late(database, Clock(at("10-15 10:00")))
    assert {row.status for row in deliveries(database) if row.person == "r1"} == {"skipped"}
