"""The hours in which nobody is reminded of anything: 22:00 to 07:00 on the clock of the event's place."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.delivery.walltime import to_utc

BEGINS, ENDS = time(22), time(7)


def quiet_until(now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours end, in UTC; None outside of them. Only reminders keep them."""
    local = now.astimezone(zone)
    if ENDS <= local.time() < BEGINS:
        return None
    day = local.date() + timedelta(days=1) if local.time() >= BEGINS else local.date()
    return to_utc(day, ENDS, zone)


def out_of_quiet(moment: datetime, zone: ZoneInfo) -> datetime:
    """The same moment, or the end of the quiet hours into which it falls."""
    return quiet_until(moment, zone) or moment
