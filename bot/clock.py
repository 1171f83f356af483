"""The only place that asks what time it is: the product's clock, which can be set and wound, and the real one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock:
    """The product's time. It starts where it is told to (USHER_NOW), runs on from there, and can be wound on."""

    def __init__(self, start: datetime | None = None) -> None:
        self.shifted = start is not None
        self._offset = start - self.real() if start else timedelta()

    def now(self) -> datetime:
        """The product's time, aware, in UTC."""
        return self.real() + self._offset

    def real(self) -> datetime:
        """The machine's time, aware, in UTC: for leases, sessions and freshness."""
        return datetime.now(UTC)

    def wind(self, by: timedelta) -> None:
        """Moves the product's time on."""
        self.shifted = True
        self._offset += by

    def fresh(self, sent_at: datetime, within: timedelta) -> bool:
        """Whether a message was sent just now. While the clock is set, either clock will do."""
        clocks = (self.real(), self.now()) if self.shifted else (self.real(),)
        return any(abs(clock - sent_at) <= within for clock in clocks)


def seconds() -> float:
    """A clock for durations, which nobody can set back."""
    return time.monotonic()


def boot_seconds() -> float:
    """A clock for durations that also counts while the machine sleeps, where the system has one: for leases."""
    return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)


def pause(seconds: float) -> None:
    """Holds this thread up for so long; never called in an event loop's."""
    time.sleep(seconds)
