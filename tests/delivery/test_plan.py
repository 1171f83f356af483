"""`usher plan`: every reminder, when, for how many, and where it stands."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.content.records import Content
from bot.delivery import announcements as service
from bot.delivery.queueing import fill_up
from bot.delivery.reminders import plan, tick
from bot.delivery.routes import Accounts
from bot.store.database import Database
from tests.conftest import NOW
from tests.delivery.crowd import ALL, NOBODY, drafted, registered, settle, telegram, town
from tests.edits import with_event
from tests.stored import statements

DAY = timedelta(days=1)
IDS = ("two-weeks", "one-week", "day-before", "morning", "finish-form", "thank-you")
MAIL_ONLY = Accounts(email=True)


def seen(
    database: Database, content: Content, now: datetime = NOW, accounts: Accounts = ALL
) -> dict[str, dict[str, Any]]:
    """The rows of the plan by id."""
    rows = database.read_now(lambda session: plan(session, content, accounts, now))
    assert tuple(row["id"] for row in rows) == IDS
    return {row["id"]: row for row in rows}


def states(database: Database, content: Content, now: datetime = NOW, accounts: Accounts = ALL) -> list[str]:
    return [row["state"] for row in seen(database, content, now, accounts).values()]


async def runs(database: Database, content: Content, now: datetime) -> None:
    await tick(database, content, ALL, Clock(now))
    await fill_up(database, ALL, Clock(now))


def test_the_plan_of_a_new_house(database: Database, content: Content) -> None:
    rows = seen(database, content)
    assert rows["two-weeks"] == {
        "id": "two-weeks",
        "due_at": "2019-10-08T10:00:00+08:00",
        "audience": 0,
        "state": "scheduled",
    }
    assert [row["due_at"] for row in rows.values()][1:] == [
        "2019-10-15T10:00:00+08:00",
        "2019-10-21T10:00:00+08:00",
        "2019-10-22T07:30:00+08:00",
        None,
        "2019-10-22T17:00:00+08:00",
    ]
    assert {row["state"] for row in rows.values()} == {"scheduled"}


def test_the_audience_is_counted_as_it_is_now(database: Database, content: Content) -> None:
    rows = [
        registered(1, NOW, checked_in_at=NOW),
        registered(2, NOW),
        registered(3, NOW, status="pending", decided_at=None),
        registered(4, NOW, status="cancelled"),
    ]
    drafts = [drafted(3, NOW, NOW - DAY), drafted(4, NOW, NOW - DAY / 2)]
    settle(database, [telegram(number, NOW) for number in range(1, 5)], rows, drafts)
    counts = [row["audience"] for row in seen(database, content).values()]
    assert counts == [2, 2, 2, 2, 1, 1]


async def test_what_was_sent_and_what_was_missed(database: Database, content: Content) -> None:
    town(database, 2, NOW)
    await runs(database, content, NOW + 7 * DAY + timedelta(hours=2))
    after = NOW + 7 * DAY + timedelta(hours=3)
    assert states(database, content, after) == ["missed", "sent", *["scheduled"] * 4]
    # Also where no scheduler ran: what is late is missed.
    assert states(database, content, NOW + 13 * DAY + timedelta(hours=14))[:3] == ["missed", "sent", "missed"]


def test_after_the_event_everything_was_missed(database: Database, content: Content) -> None:
    assert set(states(database, content, NOW + 60 * DAY)) == {"missed"}
    assert set(states(database, content, NOW + 60 * DAY, NOBODY)) == {"missed"}


async def test_a_draft_that_was_recalled_counts_as_sent_in_the_end(database: Database, content: Content) -> None:
    settle(database, [telegram(1, NOW)], [], [drafted(1, NOW, NOW)])
    assert seen(database, content, NOW + DAY)["finish-form"]["audience"] == 1
    await runs(database, content, NOW + DAY)
    recalled = seen(database, content, NOW + DAY)["finish-form"]
    assert (recalled["state"], recalled["audience"]) == ("scheduled", 0)  # nobody is recalled twice
    assert seen(database, content, NOW + 60 * DAY)["finish-form"]["state"] == "sent"


def test_without_an_account_they_are_off(database: Database, content: Content) -> None:
    assert set(states(database, content, accounts=NOBODY)) == {"off"}


def test_a_draft_is_not_recalled_by_mail(database: Database, content: Content) -> None:
    assert states(database, content, accounts=MAIL_ONLY) == [*["scheduled"] * 4, "off", "scheduled"]


async def test_what_an_organizer_stopped_is_off(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    await runs(database, content, NOW + timedelta(hours=1))
    database.transact_now(lambda connection: service.stop(connection, "two-weeks"))
    assert states(database, content, NOW + DAY)[:2] == ["off", "scheduled"]


async def test_a_moved_event_shows_at_once(database: Database, content: Content) -> None:
    town(database, 1, NOW)
    await runs(database, content, NOW + 8 * DAY)
    moved = with_event(content, date=date(2019, 11, 19))
    rows = seen(database, moved, NOW + 9 * DAY)
    assert [row["state"] for row in rows.values()] == ["scheduled", "sent", *["scheduled"] * 4]
    assert rows["two-weeks"]["due_at"] == "2019-11-05T10:00:00+08:00"


def test_it_asks_two_questions_however_many_reminders_there_are(database: Database, content: Content) -> None:
    with statements(database) as sent:  # the writing door, here for reading
        database.write_now(lambda session: plan(session, content, ALL, NOW))
    assert len(sent) == 2


def test_an_account_that_may_only_answer_has_a_plan_too(database: Database, content: Content) -> None:
    found = states(database, content, accounts=Accounts(wechat="wxapp", wechat_verified=False))
    assert found == ["scheduled", "scheduled", "scheduled", "scheduled", "off", "scheduled"]
