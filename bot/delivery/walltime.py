"""Times as organizers write them, on the clock of the event's place, as moments in UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.content.event import Event

_ON_A_DAY = re.compile(r"([-+]?\d+)d (\d{1,2}):(\d{2})")
_FROM_START = re.compile(r"([-+]\d+)([hm])")
_DRAFT = re.compile(r"draft (\d+)h")
_LONGEST_CHANGE = timedelta(hours=48)  # more than any clock was ever changed: Apia left out a day in 2011
_SECOND = timedelta(seconds=1)


def to_utc(day: date, clock_time: time, zone: ZoneInfo) -> datetime:
    """When the clock of a place shows a time, in UTC; asks nothing of the machine's own zone.

    A time that is shown twice, when clocks are set back, means the first. One that is left out, when they are set
    forward, means the moment of the change: 02:30 of that night is 03:00, as late as need be and no later.
    """
    wall = datetime.combine(day, clock_time)
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    return moment if _wall(moment, zone) == wall else _change_before(moment, wall, zone)


def moment_of(written: str, event: Event) -> datetime:
    """`-7d 10:00` (days from the event's own, at that time there) or `-2h` (from its start, also in m), in UTC."""
    if found := _ON_A_DAY.fullmatch(written):
        day, hour, minute = map(int, found.groups())
        return to_utc(event.date + timedelta(days=day), time(hour, minute), event.zone)
    found = _FROM_START.fullmatch(written)
    assert found, written  # content/reminders.py lets nothing else through
    number = int(found[1])
    return start(event) + (timedelta(hours=number) if found[2] == "h" else timedelta(minutes=number))


def draft_age(written: str) -> timedelta | None:
    """`draft 24h`: how long a draft is left alone before its owner is reminded. None for every other time."""
    found = _DRAFT.fullmatch(written)
    return timedelta(hours=int(found[1])) if found else None


def start(event: Event) -> datetime:
    """When the event begins, in UTC."""
    return to_utc(event.date, event.starts, event.zone)


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _change_before(moment: datetime, wall: datetime, zone: ZoneInfo) -> datetime:
    """The first second whose wall time is past one that was left out; `moment` is after it."""
    early, late = moment - _LONGEST_CHANGE, moment
    while late - early > _SECOND:
        middle = early + (late - early) // 2
        early, late = (early, middle) if _wall(middle, zone) > wall else (middle, late)
    return late.replace(microsecond=0)
