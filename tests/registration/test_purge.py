"""The nightly purge: nothing before its time, then everything about people, once, whatever happens in between."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from bot.clock import Clock
from bot.content.records import Content
from bot.delivery.announcements import announce
from bot.delivery.queueing import queue_slice
from bot.registration import purge as service
from bot.registration.decide import Desk, confirm
from bot.registration.purge import begins, due, purge
from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery, Kind, TemplateEnd
from bot.store.tables import Asked, Contact, Conversation, Erasure, Event, Kept, Message, Registration, Setting
from tests.chat import FORM, Town
from tests.edits import with_event
from tests.stored import found, registered, rows

SHENZHEN = ZoneInfo("Asia/Shanghai")
END = datetime(2020, 1, 20, 16, 0, tzinfo=SHENZHEN)  # 90 days after the event
ABOUT_PEOPLE = (Delivery, TemplateEnd, Message, Conversation, Asked, Kept, Registration, Contact)
PERSONAL = (FORM[3], FORM[4], FORM[6], FORM[7], "u-of-wang")


async def lived(town: Town) -> None:
    """Everything that is held about people stands in the tables, of several of them."""
    for number in range(3):
        chat = town.chat(f"u-of-wang{number}")
        await chat.says("人工", "请回电")
        await chat.registers()
    now, database, accounts = town.clock.now(), town.database, town.accounts
    texts = {"zh": {"text": "明天见"}}
    desk = Desk(town.content.event, accounts, now, "command")
    references = [row.reference for row in registered(database)]
    database.transact_now(lambda connection: confirm(connection, references, desk))
    database.transact_now(
        lambda connection: announce(
            connection, id="day-before", kind=Kind.REMINDER, accounts=accounts, now=now, texts=texts
        )
    )
    database.transact_now(lambda connection: queue_slice(connection, "day-before", accounts, now))
    body = Kept(channel="memory", account="memory", user_id="u-of-wang0", received_at=now, reason="?", body=b"?")
    database.write_now(lambda session: session.add_all([body, TemplateEnd(receipt="7", status="success", at=now)]))


def wind_to(clock: Clock, moment: datetime) -> None:
    clock.wind(moment - clock.now())


def counted(database: Database) -> dict[str, int]:
    return {table.__tablename__: len(rows(database, table)) for table in ABOUT_PEOPLE}


# When


def test_it_begins_so_many_days_after_the_end(content: Content) -> None:
    assert begins(content.event) == END
    assert not due(content.event, END - timedelta(seconds=1))
    assert due(content.event, END)
    assert begins(with_event(content, retention_days=7).event) == END - timedelta(days=83)


@pytest.mark.parametrize(
    ("finished", "now", "wanted"),
    [
        ("2020-01-20 16:05", "2020-01-20 23:00", False),
        ("2020-01-20 16:05", "2020-01-21 02:59", False),
        ("2020-01-20 16:05", "2020-01-21 03:00", True),
        ("2020-01-21 03:01", "2020-01-21 12:00", False),
        ("2020-01-21 03:01", "2020-01-24 12:00", True),
    ],
)
def test_then_it_comes_once_a_night_on_the_clock_of_the_place(
    content: Content, finished: str, now: str, wanted: bool
) -> None:
    at = [datetime.fromisoformat(text).replace(tzinfo=SHENZHEN) for text in (now, finished)]
    assert due(content.event, *at) is wanted


# What


async def test_before_its_time_nothing_happens(town: Town) -> None:
    await lived(town)
    before = counted(town.database)
    for moment in (town.clock.now(), END - timedelta(minutes=1)):
        wind_to(town.clock, moment)
        assert await purge(town.database, town.content.event, town.clock) is None
    assert counted(town.database) == before
    assert 0 not in before.values()
    assert rows(town.database, Erasure) == []


async def test_everything_about_people_goes_and_a_receipt_says_how_much(town: Town) -> None:
    await lived(town)
    before = counted(town.database)
    assert found(town.database, *PERSONAL) == list(PERSONAL)
    wind_to(town.clock, END)
    receipt = await purge(town.database, town.content.event, town.clock)
    assert set(counted(town.database).values()) == {0}
    assert receipt is not None
    assert (receipt.by, receipt.rows) == (
        "retention",
        {
            "deliveries": before["delivery"],
            "decisions": 3,
            "reports": 1,
            "messages": before["message"],
            "conversations": 3,
            "questions": 3,
            "kept": 1,
            "registrations": 3,
            "contacts": 3,
        },
    )
    assert [row.id for row in rows(town.database, Erasure)] == [receipt.id]
    assert abs(receipt.erased_at - END) < timedelta(minutes=1)
    assert found(town.database, *PERSONAL) == []


async def test_reminders_and_what_organizers_published_stay(town: Town) -> None:
    await lived(town)
    town.database.write_now(lambda session: session.merge(Event(id="event", venue={"latitude": 1, "longitude": 1})))
    wind_to(town.clock, END)
    await purge(town.database, town.content.event, town.clock)
    assert [row.id for row in rows(town.database, Announcement)] == ["day-before"]
    assert rows(town.database, Event)[0].venue is not None


async def test_done_twice_it_changes_nothing_and_writes_no_second_receipt(town: Town) -> None:
    await lived(town)
    wind_to(town.clock, END)
    first = await purge(town.database, town.content.event, town.clock)
    for later in (timedelta(minutes=1), timedelta(days=1), timedelta(days=9)):
        town.clock.wind(later)
        assert await purge(town.database, town.content.event, town.clock) is None
    assert [row.id for row in rows(town.database, Erasure)] == [first.id if first else ""]


async def test_who_writes_afterwards_is_erased_the_next_night(town: Town) -> None:
    await lived(town)
    wind_to(town.clock, END)
    await purge(town.database, town.content.event, town.clock)
    chat = town.chat("late")
    assert "会议已于" in await chat.says("你好")
    town.clock.wind(timedelta(hours=1))
    assert await purge(town.database, town.content.event, town.clock) is None
    assert len(rows(town.database, Contact)) == 1
    town.clock.wind(timedelta(hours=12))
    second = await purge(town.database, town.content.event, town.clock)
    assert second is not None
    assert second.rows == {"messages": 1, "conversations": 1, "contacts": 1}
    assert rows(town.database, Contact) == []
    assert "会议已于" in await chat.says("你好")


async def test_it_goes_in_slices(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await lived(town)
    monkeypatch.setattr(service, "_SLICE", 4)
    wind_to(town.clock, END)
    before, gone = counted(town.database), 1
    while gone:
        gone = town.database.write_now(lambda session: service._next_slice(session, town.clock.now()))
        after = counted(town.database)
        assert sum(before.values()) - sum(after.values()) <= 4
        before = after
    assert sum(before.values()) == 0


@pytest.mark.parametrize("crash", [1, 3, 6, 9, 12, 100])
async def test_cut_off_at_any_point_it_goes_on_and_counts_everything_once(
    town: Town, monkeypatch: pytest.MonkeyPatch, crash: int
) -> None:
    await lived(town)
    total = sum(counted(town.database).values())
    monkeypatch.setattr(service, "_SLICE", 4)
    wind_to(town.clock, END)
    slices, scrub = service._next_slice, town.database.scrub

    class PowerCutError(Exception):
        """The process ends here."""

    left = iter(range(crash))

    def until_the_cut(session: Session, now: datetime) -> int:
        gone = slices(session, now)
        if next(left, None) is None:
            raise PowerCutError  # inside the transaction: what it did is undone
        return gone

    async def no_scrub() -> None:
        raise PowerCutError

    monkeypatch.setattr(service, "_next_slice", until_the_cut)
    monkeypatch.setattr(town.database, "scrub", no_scrub)
    with pytest.raises(PowerCutError):
        await purge(town.database, town.content.event, town.clock)
    monkeypatch.setattr(service, "_next_slice", slices)
    monkeypatch.setattr(town.database, "scrub", scrub)
    receipt = await purge(town.database, town.content.event, town.clock)
    assert receipt is not None
    assert sum(receipt.rows.values()) == total + 3  # the three decisions
    assert len(rows(town.database, Erasure)) == 1
    assert found(town.database, *PERSONAL) == []


async def test_two_nodes_that_purge_at_once_write_one_receipt(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await lived(town)
    total = sum(counted(town.database).values())
    monkeypatch.setattr(service, "_SLICE", 4)
    wind_to(town.clock, END)
    nodes = [town.database, Database(town.database.url.render_as_string(hide_password=False))]

    def erase(node: Database) -> None:
        while node.write_now(lambda session: service._next_slice(session, END)):
            pass

    with ThreadPoolExecutor(len(nodes)) as threads:
        list(threads.map(erase, nodes))
    await purge(town.database, town.content.event, town.clock)
    nodes[1].close()
    (receipt,) = rows(town.database, Erasure)
    assert sum(receipt.rows.values()) == total + 3


async def test_the_log_and_the_setting_name_nobody(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    await lived(town)
    references = [row.reference for row in registered(town.database)]
    wind_to(town.clock, END)
    with caplog.at_level(logging.INFO):
        receipt = await purge(town.database, town.content.event, town.clock)
    assert [record.message for record in caplog.records if record.name == service.__name__] == [
        "retention is over: what was held about people is erased"
    ]
    assert receipt is not None
    assert found(town.database, *references) == []
    (setting,) = (row for row in rows(town.database, Setting) if row.name == service.PURGED)
    assert receipt.id not in setting.value
