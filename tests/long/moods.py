"""Platforms of which three calls in ten fail, in ten ways; they remember every call, and how each one ended."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot import errors
from bot.adapters.base import Outgoing
from bot.clock import Clock
from bot.delivery.templates import template_ended
from bot.errors import Unavailable
from bot.message import Address
from bot.store.database import Database
from bot.store.outbox import Route

OK, HANG = "taken", "no answer"
SHARE = 0.3  # of the calls that fail
_EVERYWHERE: dict[str, Callable[[], Exception]] = {
    "connection refused": lambda: errors.TryLater("connection refused", 0),
    "busy": lambda: errors.TryLater("busy", 3),
    "429": lambda: errors.Paused("429", 0.03),
    "502": lambda: errors.Unconfirmed("HTTP 502"),
    "cut": lambda: errors.Unconfirmed("the connection was cut"),
    HANG: TimeoutError,
    "unknown person": lambda: errors.Unreachable("cannot be reached"),
    "wrong message": lambda: errors.Refused("our message is wrong"),
    "fault of ours": lambda: ValueError("a fault"),
}
_TENTH: dict[str, dict[str, Callable[[], Exception]]] = {
    Route.TELEGRAM: {"moved": lambda: errors.Moved(f"-{random.getrandbits(40)}")},
    Route.WECHAT_MESSAGE: {
        "outside the window": lambda: errors.WindowClosed("outside the window"),
        "count used up": lambda: errors.WindowClosed("count used up", used_up=True),
    },
    Route.WECHAT_TEMPLATE: {},
    Route.EMAIL: {},
}
TEMPLATE_FAILED = "failed:user block"


class Fast(Clock):
    """A product clock on which a minute passes in a second, so that waits are over soon."""

    def __init__(self, start: datetime, times: float = 60) -> None:
        super().__init__(start)
        self._times, self._began = times, super().now()

    def now(self) -> datetime:
        """The product's time."""
        return self._began + (super().now() - self._began) * self._times


@dataclass(frozen=True, slots=True)
class Call:
    """One call of ours."""

    route: str
    ended: str  # OK, or the name of what went wrong


@dataclass
class Moody:
    """All platforms at once."""

    database: Database
    clock: Clock
    choose: random.Random
    calls: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))  # by the message's key

    async def send(self, to: Address | str, outgoing: Outgoing, route: str) -> str:
        """One call."""
        await asyncio.sleep(0.001)
        ways = _EVERYWHERE | _TENTH[route]
        ended = self.choose.choice(sorted(ways)) if self.choose.random() < SHARE else OK
        if ended == OK and route == Route.WECHAT_TEMPLATE:
            return await self._queued(outgoing.key)
        self.calls[outgoing.key].append(Call(route, ended))
        if ended == HANG:
            await asyncio.sleep(60)
        if ended != OK:
            raise ways[ended]()
        return ""

    async def _queued(self, key: str) -> str:
        """A template message: its end is reported before our answer, or after it."""
        fails = self.choose.random() < SHARE / 10
        self.calls[key].append(Call(Route.WECHAT_TEMPLATE, TEMPLATE_FAILED if fails else OK))
        report = asyncio.create_task(self._report(f"m-{key}", TEMPLATE_FAILED if fails else "success"))
        if self.choose.random() < 0.5:
            await report
        return f"m-{key}"

    async def _report(self, receipt: str, status: str) -> None:
        def write(connection: Connection) -> None:
            template_ended(connection, receipt, status, self.clock.now())

        await self.database.transact(write)

    @property
    def count(self) -> int:
        """How many calls there were."""
        return sum(map(len, self.calls.values()))


@dataclass
class Shaky:
    """A way to the database on which one transaction in a hundred fails: before the commit, or after it, unheard."""

    database: Database
    choose: random.Random
    failed: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.database, name)

    async def transact(self, work: Any) -> Any:
        """The database's own, or a fault."""
        before, after = (self.choose.random() < 0.005 for _ in range(2))
        self.failed += before or after
        if before:
            raise Unavailable("the database did not answer")
        done = await self.database.transact(work)
        if after:
            raise Unavailable("the connection was lost")
        return done
