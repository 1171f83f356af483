"""Times on the clock of a place, also in the nights when that clock is changed; the host's own zone plays no part."""

from __future__ import annotations

import time as machine
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.content.records import Content
from bot.delivery.quiet import out_of_quiet, quiet_until
from bot.delivery.walltime import moment_of, start, to_utc
from tests.edits import with_event

BERLIN, LOS_ANGELES, SHANGHAI = "Europe/Berlin", "America/Los_Angeles", "Asia/Shanghai"
HOSTS = ("UTC", BERLIN, LOS_ANGELES)


@pytest.fixture(params=HOSTS, autouse=True)
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock hangs somewhere else."""
    monkeypatch.setenv("TZ", request.param)
    machine.tzset()
    yield
    monkeypatch.undo()
    machine.tzset()


WALL = [
    (SHANGHAI, date(2019, 10, 22), time(9, 30), "2019-10-22T01:30:00+00:00"),
    (SHANGHAI, date(2019, 3, 31), time(2, 30), "2019-03-30T18:30:00+00:00"),
    (BERLIN, date(2019, 3, 30), time(10), "2019-03-30T09:00:00+00:00"),
    (BERLIN, date(2019, 3, 31), time(10), "2019-03-31T08:00:00+00:00"),
    (BERLIN, date(2019, 3, 31), time(1, 59), "2019-03-31T00:59:00+00:00"),
    # Left out: clocks went from 02:00 to 03:00, and whatever was in between is that moment.
    (BERLIN, date(2019, 3, 31), time(2), "2019-03-31T01:00:00+00:00"),
    (BERLIN, date(2019, 3, 31), time(2, 30), "2019-03-31T01:00:00+00:00"),
    (BERLIN, date(2019, 3, 31), time(2, 59), "2019-03-31T01:00:00+00:00"),
    (BERLIN, date(2019, 3, 31), time(3), "2019-03-31T01:00:00+00:00"),
    (LOS_ANGELES, date(2019, 3, 10), time(2, 30), "2019-03-10T10:00:00+00:00"),
    # Shown twice: the first counts.
    (BERLIN, date(2019, 10, 27), time(2, 30), "2019-10-27T00:30:00+00:00"),
    (BERLIN, date(2019, 10, 27), time(3), "2019-10-27T02:00:00+00:00"),
    (LOS_ANGELES, date(2019, 11, 3), time(1), "2019-11-03T08:00:00+00:00"),
    (LOS_ANGELES, date(2019, 11, 3), time(1, 59), "2019-11-03T08:59:00+00:00"),
    (LOS_ANGELES, date(2019, 11, 3), time(2), "2019-11-03T10:00:00+00:00"),
    # Odd ones: half an hour, and a whole day.
    ("Australia/Lord_Howe", date(2019, 10, 6), time(2, 15), "2019-10-05T15:30:00+00:00"),
    ("Pacific/Apia", date(2011, 12, 30), time(10), "2011-12-30T10:00:00+00:00"),
]


@pytest.mark.parametrize(("zone", "day", "clock_time", "expected"), WALL)
def test_the_clock_of_a_place_shows(zone: str, day: date, clock_time: time, expected: str) -> None:
    assert to_utc(day, clock_time, ZoneInfo(zone)).isoformat() == expected


@pytest.mark.parametrize("zone", [BERLIN, LOS_ANGELES, SHANGHAI])
def test_all_through_a_year_each_wall_time_is_one_moment_and_none_goes_back(zone: str) -> None:
    place, first, before = ZoneInfo(zone), date(2019, 1, 1), None
    for minutes in range(0, 365 * 24 * 60, 217):
        day, minute = first + timedelta(days=minutes // 1440), minutes % 1440
        moment = to_utc(day, time(minute // 60, minute % 60), place)
        local = moment.astimezone(place)
        assert before is None or before <= moment
        assert (local.date(), local.time()) >= (day, time(minute // 60, minute % 60))
        before = moment


WHEN = [
    ("-14d 10:00", "2019-10-08T10:00:00+08:00"),
    ("-1d 22:00", "2019-10-21T22:00:00+08:00"),
    ("0d 07:30", "2019-10-22T07:30:00+08:00"),
    ("+0d 7:30", "2019-10-22T07:30:00+08:00"),
    ("+2d 17:00", "2019-10-24T17:00:00+08:00"),
    ("-2h", "2019-10-22T07:30:00+08:00"),
    ("-45m", "2019-10-22T08:45:00+08:00"),
    ("+0h", "2019-10-22T09:30:00+08:00"),
    ("+90m", "2019-10-22T11:00:00+08:00"),
]


@pytest.mark.parametrize(("written", "expected"), WHEN)
def test_a_time_as_organizers_write_it(content: Content, written: str, expected: str) -> None:
    assert moment_of(written, content.event).astimezone(content.event.zone).isoformat() == expected


def test_days_are_those_of_the_calendar_and_hours_those_that_pass(content: Content) -> None:
    after_the_change = with_event(content, date=date(2019, 10, 27), starts=time(9), timezone=BERLIN).event
    assert start(after_the_change).isoformat() == "2019-10-27T08:00:00+00:00"
    assert moment_of("-1d 09:00", after_the_change).isoformat() == "2019-10-26T07:00:00+00:00"  # 25 hours before
    assert moment_of("-24h", after_the_change).isoformat() == "2019-10-26T08:00:00+00:00"


QUIET = [
    ("2019-10-08T21:59:59+08:00", None),
    ("2019-10-08T22:00:00+08:00", "2019-10-09T07:00:00+08:00"),
    ("2019-10-09T00:00:00+08:00", "2019-10-09T07:00:00+08:00"),
    ("2019-10-09T06:59:59+08:00", "2019-10-09T07:00:00+08:00"),
    ("2019-10-09T07:00:00+08:00", None),
    ("2019-10-08T16:30:00+00:00", "2019-10-09T07:00:00+08:00"),
]


@pytest.mark.parametrize(("now", "ends"), QUIET)
def test_nights_are_quiet_on_the_clock_of_the_place(now: str, ends: str | None) -> None:
    moment, place = datetime.fromisoformat(now), ZoneInfo(SHANGHAI)
    expected = datetime.fromisoformat(ends) if ends else None
    assert quiet_until(moment, place) == expected
    assert out_of_quiet(moment, place) == (expected or moment)


@pytest.mark.parametrize(("zone", "day"), [(BERLIN, date(2019, 3, 31)), (BERLIN, date(2019, 10, 27))])
def test_a_night_in_which_clocks_change_ends_at_seven(zone: str, day: date) -> None:
    place = ZoneInfo(zone)
    evening = datetime.combine(day - timedelta(days=1), time(23), place)
    ends = quiet_until(evening, place)
    assert ends is not None
    assert ends.astimezone(place) == datetime.combine(day, time(7), place)
