"""The calendar entry, read back by another library; its number, which grows with what it says and with nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
import vobject

from bot.content.event import Event
from bot.content.facts import Venue
from bot.content.records import Content
from bot.content.words import Words
from bot.registration import calendar
from bot.registration.calendar import Guest, Version, entry, sequence
from bot.registration.venue import publish
from bot.store import tables
from bot.store.database import Database
from bot.store.statement import Statement
from tests.conftest import postgresql_url
from tests.emptied import opened
from tests.stored import rows

VENUE = Venue(
    Words(zh="示例大厦, 3楼", en="Example Tower; floor 3"),
    Words(zh="深圳市示例路1号", en="1 Example Road, Shenzhen"),
    22.5431,
    114.0579,
    Words(zh="坐地铁", en="by metro"),
)
GUEST = Guest("FFS-7K2M9Q", "王芳", "wang@example.com", "zh")
FIRST = Version(0, datetime(2019, 10, 9, 2, 0, tzinfo=UTC))
ORGANIZER = "usher@example.org"


def read(content: bytes) -> tuple[Any, Any]:
    """The calendar and its one entry."""
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(len(line) for line in content.split(b"\r\n")) <= 75
    (shown,) = vobject.readComponents(content.decode())
    assert [child.name for child in shown.getChildren() if child.name == "VEVENT"] == ["VEVENT"]
    return shown, shown.vevent


def made(
    content: Content, venue: Venue | None = VENUE, guest: Guest = GUEST, version: Version = FIRST, **more: str
) -> tuple[Any, Any]:
    given = {"about": "编号 FFS-7K2M9Q\n打开入场券 https://usher.example.org/ticket/x", "link": "", **more}
    return read(entry(content.event, venue, guest, version, ORGANIZER, given["about"], given["link"]))


def test_another_library_reads_when_where_and_who(content: Content) -> None:
    shown, event = made(content, link="https://usher.example.org/ticket/x")
    assert (shown.method.value, shown.version.value) == ("REQUEST", "2.0")
    assert event.summary.value == "家庭友好空间分享会"
    assert event.dtstart.value == datetime(2019, 10, 22, 1, 30, tzinfo=UTC)
    assert event.dtend.value == datetime(2019, 10, 22, 8, 0, tzinfo=UTC)
    assert event.dtstamp.value == FIRST.at
    assert event.location.value == "示例大厦, 3楼, 深圳市示例路1号"
    assert event.geo.value == "22.5431;114.0579"
    assert event.description.value == "编号 FFS-7K2M9Q\n打开入场券 https://usher.example.org/ticket/x"
    assert event.url.value == "https://usher.example.org/ticket/x"
    assert (event.status.value, event.sequence.value) == ("CONFIRMED", "0")
    assert event.organizer.value == f"mailto:{ORGANIZER}"
    assert event.organizer.params["CN"] == ["ICTI Ethical Toy Program（IETP）"]
    assert event.attendee.value == "mailto:wang@example.com"
    assert (event.attendee.params["PARTSTAT"], event.attendee.params["RSVP"]) == (["ACCEPTED"], ["FALSE"])


def test_in_english_and_before_the_venue_is_known(content: Content) -> None:
    _, event = made(content, venue=None, guest=replace(GUEST, language="en"))
    assert event.summary.value == "Family-Friendly Spaces Sharing Conference 2019"
    assert event.location.value == "Shenzhen"
    assert not hasattr(event, "geo")


def test_a_cancelled_entry_names_the_same_event(content: Content) -> None:
    _, before = made(content)
    shown, event = made(content, version=replace(FIRST, sequence=3, method="CANCEL"))
    assert shown.method.value == "CANCEL"
    assert (event.status.value, event.sequence.value) == ("CANCELLED", "3")
    assert event.uid.value == before.uid.value == "FFS-7K2M9Q@usher"


def test_the_same_entry_is_the_same_bytes(content: Content) -> None:
    first, second = (entry(content.event, VENUE, GUEST, FIRST, ORGANIZER, "x") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("evil", ["王\r\nATTENDEE:mailto:x@example.com", '王"芳', "王;RSVP=TRUE:芳", "王\nEND:VEVENT"])
def test_no_name_makes_a_line_of_its_own(content: Content, evil: str) -> None:
    _, event = made(content, guest=replace(GUEST, name=evil))
    assert [child.name for child in event.getChildren()].count("ATTENDEE") == 1
    assert event.attendee.value == "mailto:wang@example.com"
    assert event.attendee.params["RSVP"] == ["FALSE"]


def test_somebody_without_a_name_has_an_entry_too(content: Content) -> None:
    _, event = made(content, guest=replace(GUEST, name=""))
    assert event.attendee.value == "mailto:wang@example.com"


# The number


def number(database: Database, event: Event, venue: Venue | None) -> int:
    return database.write_now(lambda session: sequence(session.connection(), event, venue))


def changed(event: Event, **facts: Any) -> Event:
    """As if event.toml said something else."""
    return Event.model_validate({**event.model_dump(), **facts})


def test_the_number_grows_once_for_each_change(database: Database, content: Content) -> None:
    event = content.event
    moved = changed(event, date=date(2019, 10, 23))
    steps: list[tuple[Event, Venue | None, int]] = [
        (event, None, 0),
        (event, None, 0),
        (event, VENUE, 1),
        (event, VENUE, 1),
        (event, replace(VENUE, name=Words(zh="别的", en="Other")), 2),
        (event, replace(VENUE, address=Words(zh="别的", en="Other")), 3),
        (event, replace(VENUE, latitude=22.6), 4),
        (moved, replace(VENUE, latitude=22.6), 5),
        (changed(moved, ends=time(17, 0)), VENUE, 6),
        (changed(event, name=Words(zh="分享会", en="Sharing")), VENUE, 7),
        (event, VENUE, 8),
        (event, VENUE, 8),
    ]
    assert [number(database, event, venue) for event, venue, _ in steps] == [expected for *_, expected in steps]


def test_what_the_entry_does_not_say_changes_nothing(database: Database, content: Content) -> None:
    assert number(database, content.event, VENUE) == 0
    assert number(database, changed(content.event, capacity=10, retention_days=5), VENUE) == 0
    assert number(database, content.event, replace(VENUE, directions=None)) == 0


def test_the_first_venue_counts_although_the_row_was_there(database: Database, content: Content) -> None:
    database.write_now(lambda session: session.add(tables.Event(id="event", venue={"x": 1})))
    assert number(database, content.event, None) == 0
    assert number(database, content.event, VENUE) == 1
    (row,) = rows(database, tables.Event)
    assert (row.sequence, row.venue) == (1, {"x": 1})


def test_a_lane_hears_of_the_venue_and_of_its_number(database: Database, content: Content) -> None:
    def published() -> tuple[Venue | None, int]:
        return database.write_now(lambda session: calendar.published(session.connection(), content.event))

    assert published() == (None, 0)
    read_by_an_organizer = replace(VENUE, directions=None)
    database.write_now(lambda session: publish(session.connection(), read_by_an_organizer, FIRST.at))
    assert [published() for _ in range(2)] == [(read_by_an_organizer, 1)] * 2
    database.write_now(lambda session: publish(session.connection(), replace(VENUE, latitude=23.0), FIRST.at))
    assert published() == (replace(VENUE, latitude=23.0), 2)


@pytest.fixture
def on_postgresql(postgresql: str) -> Iterator[Database]:
    """SQLite has one writer: only here two can look before either writes."""
    database = opened(postgresql_url(postgresql))
    yield database
    database.close()


class _Together:
    """Looks, and waits until everybody has looked."""

    def __init__(self, look: Statement, people: int) -> None:
        self._look, self._all = look, threading.Barrier(people, timeout=10)

    def row(self, *args: Any, **values: Any) -> Any:
        found = self._look.row(*args, **values)
        self._all.wait()
        return found


def _numbers(database: Database, event: Event, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What four see who look at a new venue at the same moment."""
    assert number(database, event, None) == 0
    monkeypatch.setattr(calendar, "_LOOK", _Together(calendar._LOOK, 4))
    with ThreadPoolExecutor(4) as people:
        return sorted(people.map(lambda _: number(database, event, VENUE), range(4)))


def test_four_who_see_one_change_count_it_once(
    on_postgresql: Database, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _numbers(on_postgresql, content.event, monkeypatch) == [1, 1, 1, 1]


def test_control_without_the_comparison_it_is_counted_four_times(
    on_postgresql: Database, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = Statement("UPDATE event SET sequence = sequence + 1, digest = :digest WHERE id = :id RETURNING sequence")
    number(on_postgresql, content.event, None)
    monkeypatch.setattr(calendar, "_CHANGED", blind)
    assert _numbers(on_postgresql, content.event, monkeypatch) == [1, 2, 3, 4]
