"""A thousand reminders, whatever the clock and the machine do: each goes out once, or is missed by its rule."""

from __future__ import annotations

import json
import random
import time as machine
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bot.clock import Clock
from bot.content.records import Content
from bot.content.reminders import Reminder, Reminders
from bot.delivery.queueing import fill_up
from bot.delivery.quiet import BEGINS, ENDS
from bot.delivery.reminders import faults, tick
from bot.store.database import Database
from tests.conftest import NOW
from tests.delivery.crowd import ALL, announcements, deliveries, registered, settle, telegram
from tests.delivery.guard import forget_how_far_it_came, rebuild
from tests.edits import with_event
from tests.emptied import Open, empty, kept_open

__all__ = ["kept_open"]
# The clocks of two of them are changed in the weeks before the event.
PLACES = {"Asia/Shanghai": "cn", "Europe/Berlin": "de", "America/Los_Angeles": "us"}
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
EVENT = date(2019, 11, 12)
HOSTS = ("UTC", "Europe/Berlin", "America/Los_Angeles")
CLOCKS = ("steady", "an hour on", "an hour back", "two days on", "down")
PEOPLE = 2


@dataclass(frozen=True)
class Planned:
    """A reminder, and what this test works out about it for itself."""

    reminder: Reminder
    due: datetime
    latest: datetime
    zone: ZoneInfo


class Still(Clock):
    """A clock that shows what it is told."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self.shown = NOW

    def now(self) -> datetime:
        """The moment that was set."""
        return self.shown


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A machine that stands there."""
    monkeypatch.setenv("TZ", request.param)
    machine.tzset()
    yield request.param
    monkeypatch.undo()
    machine.tzset()


# What is planned, worked out a second time


def first_moment(day: date, clock_time: time, zone: ZoneInfo) -> datetime:
    """When the clock of the place first shows that time or a later one, looked for in steps of five minutes."""
    wall = datetime.combine(day, clock_time)
    moment = datetime.combine(day, clock_time, UTC) - 15 * HOUR
    while moment.astimezone(zone).replace(tzinfo=None) < wall:
        moment += 5 * MINUTE
    return moment


def drawn(content: Content, place: str, count: int, dice: random.Random) -> tuple[Content, list[Planned]]:
    """A content with so many sound reminders at random times, many of them in the nights when clocks change."""
    zone = ZoneInfo(place)
    here = with_event(content, date=EVENT, starts=time(9, 30), timezone=place)
    shipped, found = content.reminders.reminders[0], list[Planned]()
    while len(found) < count:
        days, at = -dice.choice([*range(30), 16, 9]), time(dice.choice([*range(24), 1, 2, 2]), dice.randrange(0, 60, 5))
        due = first_moment(EVENT + timedelta(days=days), at, zone)
        until_days, until = days + dice.randint(0, 3), time(dice.randrange(24), dice.randrange(0, 60, 5))
        latest = first_moment(EVENT + timedelta(days=until_days), until, zone)
        written = {"id": f"{PLACES[place]}-{len(found)}", "when": f"{_days(days)} {at:%H:%M}"}
        written["latest"] = f"{_days(until_days)} {until:%H:%M}"
        row = Reminder.model_validate({**shipped.model_dump(), **written})
        one = here.model_copy(update={"reminders": Reminders(reminder=(row,))})
        if not faults(one):
            found.append(Planned(row, due, latest, zone))
    rows = tuple(row.reminder for row in found)
    return here.model_copy(update={"reminders": Reminders(reminder=rows)}), found


def _days(days: int) -> str:
    return f"{days:+}d" if days else "0d"


# What the clock and the machine do


def timeline(clock: str, rows: list[Planned], dice: random.Random, step: timedelta) -> list[datetime]:
    """The product's time at each tick, from before the first reminder until after the last."""
    moment, end, nows = NOW - 3 * DAY, max(row.latest for row in rows) + 5 * DAY, list[datetime]()
    exact = {row.due for row in dice.sample(rows, len(rows) // 4)} | {row.latest for row in dice.sample(rows, 5)}
    while moment < end:
        nows.append(moment)
        moment += step * dice.random() * 2
    nows = sorted([*nows, *exact])
    if clock == "down":
        spans = [(row.due - dice.random() * HOUR, row.due + dice.random() * 3 * DAY) for row in dice.sample(rows, 6)]
        return [now for now in nows if not any(begins <= now < ends for begins, ends in spans)]
    jump = {"an hour on": HOUR, "an hour back": -HOUR, "two days on": 2 * DAY}.get(clock)
    if jump is None:
        return nows
    jumps = sorted(dice.sample(range(len(nows)), 4))
    return [now + jump * sum(place <= number for place in jumps) for number, now in enumerate(nows)]


def expected(row: Planned, nows: list[datetime]) -> str:
    """By the rule: the first tick at which it is due decides whether it is told, or missed; at night it has to wait."""
    first = next((now for now in nows if now >= row.due), None)
    if first is None:
        return "scheduled"
    if first >= row.latest:
        return "missed"
    return "told" if _awake(first, row.zone) < row.latest else "skipped"


def _awake(now: datetime, zone: ZoneInfo) -> datetime:
    local = now.astimezone(zone)
    if ENDS <= local.time() < BEGINS:
        return now
    return first_moment(local.date() + timedelta(days=local.time() >= BEGINS), ENDS, zone)


# The run


async def run(database: Database, content: Content, nows: list[datetime]) -> None:
    """Ticks at all these times, and twice at each."""
    clock = Still()
    for clock.shown in nows:
        for _ in range(2):
            await tick(database, content, ALL, clock)
            await fill_up(database, ALL, clock)


def outcome(database: Database, rows: list[Planned]) -> dict[str, str]:
    """What stands in the database, by reminder: told, missed, skipped, or how often it went wrong."""
    known, written = announcements(database), defaultdict[str, Counter[str]](Counter)
    for row in deliveries(database):
        written[row.announcement_id][row.status] += 1
    found = {}
    for row in rows:
        id_ = row.reminder.id
        state = known[id_].state if id_ in known else "scheduled"
        shown = {("planned", "queued"): "told", ("planned", "skipped"): "skipped", ("missed", ""): "missed"}
        shown |= {("scheduled", ""): "scheduled"}
        counted = dict(written[id_])
        right = counted in ({}, {"queued": PEOPLE}, {"skipped": PEOPLE})
        found[id_] = shown.get((state, next(iter(counted), "")), state) if right else f"{state}: {counted}"
    return found


def noisy(database: Database, rows: list[Planned]) -> list[str]:
    """Reminders that would leave in the quiet hours or past their time."""
    known = {row.reminder.id: row for row in rows}
    queued = [row for row in deliveries(database) if row.status == "queued" and row.announcement_id in known]
    return [
        row.announcement_id
        for row in queued
        if row.available_at is None
        or not ENDS <= row.available_at.astimezone(known[row.announcement_id].zone).time() < BEGINS
        or row.available_at >= known[row.announcement_id].latest
    ]


def people(database: Database) -> None:
    """Who is told, long confirmed."""
    ids = range(1, PEOPLE + 1)
    settle(database, [telegram(number, NOW) for number in ids], [registered(number, NOW - 30 * DAY) for number in ids])


async def each_once_or_missed(
    database: Database, content: Content, clock: str, count: int, step: timedelta
) -> Counter[str]:
    """Runs so many reminders at each place; how many were told and missed."""
    empty(database)
    people(database)
    counts: Counter[str] = Counter()
    for number, place in enumerate(PLACES):
        dice = random.Random(f"{clock} {number}")
        here, rows = drawn(content, place, count, dice)
        nows = timeline(clock, rows, dice, step)
        await run(database, here, nows)
        rule = {row.reminder.id: expected(row, nows) for row in rows}
        assert outcome(database, rows) == rule
        assert noisy(database, rows) == []
        counts.update(rule.values())
    return counts


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, kept_open: Open) -> Database:
    """One database of each kind."""
    return kept_open(request.param)


@pytest.mark.parametrize("clock", CLOCKS)
async def test_each_goes_out_once_or_is_missed_by_its_rule(database: Database, content: Content, clock: str) -> None:
    counts = await each_once_or_missed(database, content, clock, 8, 40 * HOUR)
    assert counts["told"] > 5


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("clock", CLOCKS)
async def test_a_thousand(host: str, database: Database, content: Content, clock: str) -> None:
    counts = await each_once_or_missed(database, content, clock, 334, 3 * HOUR)
    print(json.dumps({"host": host, "database": database.engine.name, "clock": clock, **counts}))
    assert sum(counts.values()) == 1002
    assert counts["told"] > 300
    assert counts["skipped"] > 0
    assert counts["missed"] > 0 or clock in ("steady", "an hour back")


# Control arms: the check can fail


@pytest.mark.parametrize(("guarded", "expects_once"), [(True, True), (False, False)])
async def test_control_a_node_that_forgets_what_it_planned(
    database: Database, content: Content, guarded: bool, expects_once: bool
) -> None:
    rebuild(database, guarded=guarded)
    people(database)
    here, rows = drawn(content, "Europe/Berlin", 8, dice := random.Random(1))
    nows = timeline("steady", rows, dice, 40 * HOUR)
    for now in nows:
        await run(database, here, [now])
        forget_how_far_it_came(database)
    counted = Counter(row.announcement_id for row in deliveries(database))
    told = [counted[row.reminder.id] for row in rows if expected(row, nows) == "told"]
    rebuild(database, guarded=True)
    assert len(told) > 3
    assert (set(told) == {PEOPLE}) is expects_once


@pytest.mark.parametrize("clock", ["an hour back", "two days on", "down"])
def test_control_timers_in_memory_say_things_twice_or_too_late(content: Content, clock: str) -> None:
    """What a bot without rows would do: tell what became due since it last looked."""
    dice = random.Random(clock)
    _, rows = drawn(content, "Europe/Berlin", 60, dice)
    nows = timeline(clock, rows, dice, 3 * HOUR)
    told = Counter(row.reminder.id for old, new in pairwise(nows) for row in rows if old < row.due <= new)
    naive = {row.reminder.id: {0: "scheduled", 1: "told"}.get(told[row.reminder.id], "twice") for row in rows}
    assert naive != {row.reminder.id: expected(row, nows) for row in rows}
