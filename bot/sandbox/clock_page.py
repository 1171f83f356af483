"""The product's clock on the demo's page: what it shows, and winding it on by hand, never back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.clock import Clock
from bot.errors import Unavailable
from bot.sandbox.page_request import BadRequest, Fields, answering, fields_of, number
from bot.sandbox.transcript import NotPossible

_HOURS, _DAYS = 24 * 366, 366  # at most in one turn
_LAST_YEAR = 2100  # further on, sums of times end


async def nothing() -> None:
    """What is done after winding, unless something else is."""


async def never() -> datetime | None:
    """When the next reminder is due, unless somebody knows."""
    return None


def _shipped_zone() -> tzinfo:
    return ZoneInfo("Asia/Shanghai")


@dataclass(slots=True)
class Hooks:
    """What the page needs to know of the bot behind it; filled in once the bot is there."""

    organizer: int = 0  # the Telegram user who is one; 0: nobody
    zone: Callable[[], tzinfo] = _shipped_zone  # the event's: where times are shown
    # What follows may raise Unavailable.
    next_due: Callable[[], Awaitable[datetime | None]] = never  # aware
    tick: Callable[[], Awaitable[None]] = nothing  # does at once what the new time makes due
    deeds: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)  # an organizer's: confirm, venue


class ClockPage:
    """The clock's part of the page."""

    def __init__(self, clock: Clock, hooks: Hooks) -> None:
        self._clock, self._hooks = clock, hooks

    def routes(self) -> list[BaseRoute]:
        """Under /sandbox/api."""
        return [Route("/api/clock", answering(self._wind), methods=["POST"])]

    def local(self, moment: datetime) -> datetime:
        """That moment in the event's zone."""
        return moment.astimezone(self._hooks.zone())

    def state(self) -> Fields:
        """What the clock shows, and the first minute to which it can be wound."""
        now = self.local(self._clock.now())
        return {
            "clock": f"{now:%Y-%m-%d %H:%M}",
            "zone": str(self._hooks.zone()),
            "earliest": f"{now + timedelta(minutes=1):%Y-%m-%dT%H:%M}",
        }

    async def _wind(self, request: Request) -> Response:
        """Winds by `hours` or `days`, `to` a local time, or to the `next` reminder; then does what is due."""
        fields = await fields_of(request)
        try:
            await self._wind_on(fields)
        except Unavailable:
            raise NotPossible("the database is away; what is due is done as soon as it is back", "away") from None
        return JSONResponse(self.state())

    async def _wind_on(self, fields: Fields) -> None:
        target, now = await self._target(fields), self._clock.now()
        if target < now and "next" not in fields:  # a reminder that is due already only waits for its turn
            raise NotPossible("the clock is never wound back", "backwards")
        self._clock.wind(max(target - now, timedelta()))
        await self._hooks.tick()

    async def _target(self, fields: Fields) -> datetime:
        """The moment asked for, in UTC. Raises BadRequest, NotPossible."""
        now = self.local(self._clock.now())
        match sorted(fields):
            case ["hours"]:
                target = now.astimezone(UTC) + timedelta(hours=_within(fields, "hours", _HOURS))
            case ["days"]:
                target = (now + timedelta(days=_within(fields, "days", _DAYS))).astimezone(UTC)  # the same hour of day
            case ["to"]:
                target = _moment(fields["to"]).replace(tzinfo=now.tzinfo).astimezone(UTC)
            case ["next"]:
                target = await self._next()
            case _:
                raise BadRequest
        if target.year > _LAST_YEAR:
            raise BadRequest
        return target

    async def _next(self) -> datetime:
        due = await self._hooks.next_due()
        if due is None:
            raise NotPossible("no reminder is left", "nothing_due")
        return due.astimezone(UTC)


def _within(fields: Fields, name: str, most: int) -> int:
    value = number(fields, name)
    if not 1 <= value <= most:
        raise BadRequest
    return value


def _moment(value: object) -> datetime:
    """A local time as a browser gives it: 2019-10-21T10:00. Years far away could not be converted."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None or not 1970 <= moment.year <= _LAST_YEAR:
        raise BadRequest
    return moment
