"""What organizers read afterwards: each delivery, whom to phone, how far it has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update
from sqlmodel import col

from bot.delivery.announcements import NoSuchAnnouncement, announce
from bot.delivery.queueing import queue_slice
from bot.delivery.report import by_status, calls, fates, listing, progress
from bot.delivery.routes import Accounts
from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery, Kind, Way
from bot.store.tables import Registration
from tests.conftest import NOW
from tests.delivery.crowd import ALL, deliveries, drafted, registered, settle, telegram, wechat

ZONE, HOUR = ZoneInfo("Asia/Shanghai"), timedelta(hours=1)
FIELDS = ["announcement", "kind", "reference", "way", "route", "status", "attempts", "error", "due_at", "sent_at"]
PLAIN = replace(ALL, template_reminder="")
NO_MAIL = Accounts(wechat=ALL.wechat, wechat_secret=True, telegram=ALL.telegram)
EVERY = ("queued", "sending", "waiting", "sent", "failed", "unreachable", "skipped", "unconfirmed")


def said(database: Database, id_: str = "B-1", accounts: Accounts = PLAIN, **more: Any) -> None:
    """Announces to the confirmed and writes the deliveries."""
    fields: dict[str, Any] = {"kind": Kind.BROADCAST, "texts": {}, "audience": "status=confirmed"} | more
    database.transact_now(lambda connection: announce(connection, id=id_, accounts=accounts, now=NOW, **fields))
    queued = partial(queue_slice, announcement_id=id_, accounts=accounts, now=NOW)
    while database.transact_now(queued):
        pass


def becomes(database: Database, person: str, **values: Any) -> None:
    changed = update(Delivery).where(col(Delivery.person) == person).values(**values)
    database.transact_now(lambda connection: connection.execute(changed))


@pytest.fixture
def people(database: Database) -> Database:
    """One on Telegram, one who unfollowed, one whose window is closed, one who gave an e-mail address only."""
    chats = [telegram(1, NOW), wechat(2, NOW, blocked_at=NOW), wechat(3, NOW, message_left=0)]
    rows = [registered(number, NOW) for number in (1, 2, 3)]
    settle(database, chats, [*rows, registered(4, NOW, contact_id=None, email="four@example.com")])
    return database


def called(database: Database) -> list[tuple[str, str, str]]:
    found = database.read_now(lambda session: list(calls(session, NOW)))
    return [(row.reference[-1], row.phone[-1], row.reason) for row in found]


# usher deliveries


def test_each_delivery_is_a_line(people: Database) -> None:
    said(people)
    becomes(people, "r1", status="sent", sent_at=NOW + HOUR, attempts=1)
    rows = people.read_now(lambda session: list(listing(session, ZONE)))
    assert [list(row) for row in rows] == [FIELDS] * 4
    assert rows[0] == {
        "announcement": "B-1",
        "kind": "broadcast",
        "reference": "FFS-000001",
        "way": "chat",
        "route": "telegram",
        "status": "sent",
        "attempts": 1,
        "error": None,
        "due_at": "2019-10-08T09:00:00+08:00",
        "sent_at": "2019-10-08T10:00:00+08:00",
    }
    assert (rows[1]["status"], rows[1]["route"], rows[1]["sent_at"]) == ("unreachable", None, None)
    assert rows[1]["error"] == "unfollowed, or blocked the bot; no e-mail address"
    assert (rows[3]["route"], rows[3]["status"]) == ("email", "queued")


def test_who_has_no_registration_has_no_reference(database: Database) -> None:
    settle(database, [telegram(1, NOW)], [], [drafted(1, NOW, NOW)])
    said(database)
    row = Delivery(announcement_id="B-1", person="c1", contact_id=1, way="chat", priority=1, due_at=NOW)
    database.write_now(lambda session: session.add(row))
    (line,) = database.read_now(lambda session: list(listing(session, ZONE)))
    assert (line["reference"], line["status"]) == (None, "queued")


def test_one_announcement_can_be_asked_for(people: Database) -> None:
    said(people)
    said(people, "B-2")
    rows = people.read_now(lambda session: list(listing(session, ZONE, "B-2")))
    assert {row["announcement"] for row in rows} == {"B-2"}
    with pytest.raises(NoSuchAnnouncement):
        people.read_now(lambda session: list(listing(session, ZONE, "B-3")))


# usher calls


def test_whom_no_route_reaches_is_to_be_phoned(people: Database) -> None:
    said(people, accounts=NO_MAIL)
    assert called(people) == [
        ("2", "2", "unfollowed, or blocked the bot; no e-mail address"),
        ("3", "3", "WeChat window closed, no template; no e-mail address"),
        ("4", "4", "no chat; mail is not set up"),
    ]


def test_each_person_is_phoned_once_with_the_newest_reason(people: Database) -> None:
    said(people)
    said(people, "B-2")
    becomes(people, "r1", status="failed", error="45002")
    assert [row[0] for row in called(people)] == ["1", "2", "3"]
    found = people.read_now(lambda session: list(calls(session, NOW)))
    assert {row.announcement for row in found} == {"B-2"}


@pytest.mark.parametrize("status", ["queued", "sending", "sent", "unconfirmed", "skipped"])
def test_whom_something_reaches_is_not_phoned(people: Database, status: str) -> None:
    said(people)
    becomes(people, "r2", status=status)
    assert [row[0] for row in called(people)] == ["3"]


def test_who_got_the_mail_is_not_phoned_and_who_was_told_in_the_chat_neither(database: Database) -> None:
    chats = [wechat(1, NOW, blocked_at=NOW), wechat(2, NOW, blocked_at=NOW), wechat(3, NOW)]
    settle(database, chats, [registered(1, NOW, email="a@example.com"), registered(2, NOW), registered(3, NOW)])
    said(database, ways=(Way.CHAT, Way.MAIL))
    said(database, "D-FFS-000003-1", kind=Kind.DECISION, audience="reference=FFS-000003", ways=(Way.MAIL,))
    assert [(row.person, row.way, row.status) for row in deliveries(database)][-1] == ("r3", "mail", "unreachable")
    assert [row[0] for row in called(database)] == ["2"]


def test_nobody_is_phoned_for_what_is_over_stopped_or_not_for_them_any_more(people: Database) -> None:
    said(people, "late", latest_at=NOW + HOUR)
    assert [row[0] for row in called(people)] == ["2", "3"]
    assert people.read_now(lambda session: list(calls(session, NOW + HOUR))) == []

    def now_is(table: str, column: str, value: str) -> list[str]:
        people.transact_now(lambda connection: connection.exec_driver_sql(f"UPDATE {table} SET {column} = '{value}'"))  # noqa: S608  # ours
        return [row[0] for row in called(people)]

    assert now_is("registration", "status", "cancelled") == []
    assert now_is("registration", "status", "confirmed") == ["2", "3"]
    assert now_is("announcement", "state", "stopped") == []


# Progress


def test_progress_counts_every_status(people: Database) -> None:
    said(people)
    becomes(people, "r1", status="sent")
    seen = people.read_now(lambda session: progress(session, "B-1"))
    expected = dict.fromkeys(EVERY, 0) | {"sent": 1, "unreachable": 1, "waiting": 1, "queued": 1}
    assert (seen.id, seen.kind, seen.state, seen.due_at) == ("B-1", "broadcast", "planned", NOW)
    assert seen.counts == expected == people.read_now(by_status)
    assert (seen.total, seen.done) == (4, 3)
    with pytest.raises(NoSuchAnnouncement):
        people.read_now(lambda session: progress(session, "B-9"))


def test_nothing_was_said_yet(database: Database) -> None:
    assert database.read_now(by_status) == dict.fromkeys(EVERY, 0)
    assert database.read_now(lambda session: list(calls(session, NOW))) == []
    assert database.read_now(lambda session: list(listing(session, ZONE))) == []
    assert database.read_now(lambda session: session.get(Announcement, "B-1")) is None


def test_unreachable_in_the_summary_is_who_nothing_tells(people: Database) -> None:
    """The second unfollowed, and has a mail; the fourth has nothing but a mail, and mail may be off."""
    both = {"kind": Kind.DECISION, "ways": (Way.CHAT, Way.MAIL), "audience": "reference=FFS-000002"}
    people.write_now(lambda session: session.execute(update(Registration).values(email="p@example.com")))
    said(people, "D-1", **both)
    assert people.read_now(by_status)["unreachable"] == 1  # the chat's row
    assert people.read_now(fates)["unreachable"] == 0
    said(people, "D-2", NO_MAIL, **both)
    assert people.read_now(fates)["unreachable"] == 1


def test_without_mail_nobody_has_a_row_that_says_so(people: Database) -> None:
    ways = (Way.CHAT, Way.MAIL)
    said(people, "D-1", NO_MAIL, kind=Kind.DECISION, ways=ways, audience="reference=FFS-000001")
    assert [(row.way, row.status) for row in deliveries(people)] == [("chat", "queued")]
    said(people, "D-2", NO_MAIL, kind=Kind.DECISION, ways=(Way.MAIL,), audience="reference=FFS-000001")
    assert len(deliveries(people)) == 1
