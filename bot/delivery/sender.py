"""Sends what a lane took up, at the lane's pace, and keeps what it came to until that is written."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from bot.adapters.base import Outgoing
from bot.clock import Clock, boot_seconds, seconds
from bot.content.facts import Venue
from bot.delivery import results
from bot.delivery.alarms import Alarms
from bot.delivery.flight import Flown
from bot.delivery.outage import Outage
from bot.delivery.pacer import Pacer
from bot.delivery.people import Due
from bot.delivery.results import Attempt, Result, Window
from bot.errors import Moved, Paused, TryLater, UsherError
from bot.message import Address, Reply
from bot.store.outbox import DeliveryStatus, Route

log = logging.getLogger(__name__)
Send = Callable[[Address | str, Outgoing, str], Awaitable[str]]
"""Sends one message to a chat or an e-mail address by a route; the platform's own id of it. See Adapter.send."""

Compose = Callable[[Due, Route, Venue | None, int], Outgoing]
"""Writes the message of one delivery: by which route, with which venue, under which number of the calendar entry."""


class Sender:
    """Everything of one lane that is in memory: what waits for its turn, what is on its way, and what came of it."""

    def __init__(
        self,
        send: Send,
        compose: Compose,
        clock: Clock,
        *,
        pacer: Pacer | None,
        limit: float,
        enough: int,
        stir: Callable[[], None],
        outage: Outage,
        alarms: Alarms,
    ) -> None:
        """`limit`: seconds that a send may take. `stir` is called at the first result, and at every one from `enough`
        on; when nothing is in flight any more; and when the lane has to rest."""
        self._send, self._compose, self._clock = send, compose, clock
        self._pacer, self._limit, self._enough, self._stir = pacer, limit, enough, stir
        self._outage, self._alarms = outage, alarms
        self._epoch, self._deadline = 0, 0.0
        self._line: asyncio.Queue[tuple[Attempt, Flown]] = asyncio.Queue()
        self._pen = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.waiting: dict[int, Attempt] = {}  # by the delivery's id: not begun yet
        self.flying: dict[int, Attempt] = {}  # those, and what is on its way
        self.pins = 0  # places on a map that wait for their turn behind words that were sent
        self.results: list[Result] = []
        self._landing = False
        self.rests_until = 0.0

    def permit(self, epoch: int, deadline: float) -> None:
        """The lane is ours: what that epoch took up may be begun until so many seconds on the boot clock."""
        self._epoch, self._deadline, self._landing = epoch, deadline, False

    def rest(self, until: float) -> None:
        """Begins nothing before so many seconds on the clock for durations; what waits is given back."""
        if until > seconds():
            self.rests_until = max(self.rests_until, until)
            self.ground()

    def ground(self) -> None:
        """Gives back what was not begun."""
        for attempt in list(self.waiting.values()):
            self._give_back(attempt)

    def land(self) -> None:
        """Begins nothing any more but what belongs to words that were sent."""
        self._landing = True
        self.ground()

    def launch(self, flown: Flown) -> None:
        """Sends what a flight took up: at once, or each in its turn."""
        for attempt in flown.attempts:
            self.waiting[attempt.due.id] = self.flying[attempt.due.id] = attempt
            if self._pacer:
                self._line.put_nowait((attempt, flown))
            else:
                self._begin(attempt, flown)

    async def run(self) -> None:
        """Lets what waits leave at the pace; until cancelled."""
        while True:
            attempt, flown = await self._line.get()
            await self._in_turn(attempt, flown)

    async def close(self) -> None:
        """Ends what is on its way; what becomes of it is not known then."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _in_turn(self, attempt: Attempt, flown: Flown) -> None:
        if self.waiting.get(attempt.due.id) is not attempt:
            return
        assert self._pacer is not None
        if wait := self._pacer.rest(attempt.to):
            asyncio.get_running_loop().call_later(wait, self._line.put_nowait, (attempt, flown))
            return
        await self._pacer.turn(attempt.to)
        self._begin(attempt, flown)

    def _begin(self, attempt: Attempt, flown: Flown) -> None:
        if self.waiting.get(attempt.due.id) is not attempt:  # given back while it waited for its turn
            return
        if not self._may_begin(attempt):
            self._give_back(attempt)
            return
        del self.waiting[attempt.due.id]
        task = asyncio.create_task(self._deliver(attempt, flown))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _may_begin(self, attempt: Attempt) -> bool:
        """Whether a message may be begun."""
        return not self._landing and self._may_send(attempt)

    def _may_send(self, attempt: Attempt) -> bool:
        """Whether the answer would still come while the lane is ours."""
        return attempt.epoch == self._epoch and boot_seconds() < self._deadline and seconds() >= self.rests_until

    def _give_back(self, attempt: Attempt) -> None:
        del self.waiting[attempt.due.id]
        self._note(results.not_begun(attempt, self._clock.now()))

    async def _deliver(self, attempt: Attempt, flown: Flown) -> None:
        due = attempt.due
        try:
            outgoing = await self._written(due, flown)
        except Exception as error:
            self._note(replace(self._failed(attempt, error), window=Window.BACK))
            return
        pin = outgoing.pin if self._pacer and outgoing.reply.text else None
        result = await self._attempted(attempt, replace(outgoing, pin=None) if pin else outgoing)
        follows = pin is not None and result.status == DeliveryStatus.SENT
        self.pins += follows
        self._note(result)
        if follows:
            try:
                await self._pin(result.attempt, replace(outgoing, reply=Reply()))
            finally:
                self.pins -= 1

    async def _written(self, due: Due, flown: Flown) -> Outgoing:
        """The message. A mail with its calendar entry and its code is 4 ms of work: in a thread, and one at a time.

        Thirty in a row kept every reply waiting: measured, the loop was held for 105 ms, and so it is for 12 to 18.
        """
        compose = partial(self._compose, due, Route(due.route), flown.venue, flown.sequence)
        if due.route != Route.EMAIL:
            return compose()
        async with self._pen:
            return await asyncio.to_thread(compose)

    async def _attempted(self, attempt: Attempt, outgoing: Outgoing) -> Result:
        if not self._may_begin(attempt):
            return results.not_begun(attempt, self._clock.now())
        try:
            async with asyncio.timeout(self._limit):
                try:
                    receipt = await self._send(attempt.to, outgoing, attempt.due.route)
                except Moved as moved:
                    attempt = replace(attempt, moved=results.clean(moved.user_id))
                    receipt = await self._send_after(attempt, outgoing)
        except Exception as error:
            return self._failed(attempt, error)
        return results.taken_by_platform(attempt, receipt, self._clock.now())

    async def _pin(self, attempt: Attempt, outgoing: Outgoing) -> None:
        """The place behind words that were taken: a message of its own to the platform's limits, in a turn of its own.

        The words have told the address already, so whatever happens to the pin changes nothing.
        """
        assert self._pacer is not None
        to = attempt.to
        if attempt.moved and isinstance(to, Address):
            to = replace(to, user_id=attempt.moved)
        try:
            await asyncio.sleep(self._pacer.rest(to))
            await self._pacer.turn(to)
            if not self._may_send(attempt):
                raise TryLater("the lane rests, or is not ours any more", 0)
            async with asyncio.timeout(self._limit):
                await self._send(to, outgoing, attempt.due.route)
        except Paused as later:
            self.rest(seconds() + later.delay)
        except Exception as error:
            log.warning("a pin was not sent", extra={"delivery": attempt.due.id, "fault": type(error).__name__})

    async def _send_after(self, attempt: Attempt, outgoing: Outgoing) -> str:
        """Sends it to the chat's new id, in a turn of its own."""
        assert isinstance(attempt.to, Address)
        to = replace(attempt.to, user_id=attempt.moved)
        if self._pacer:
            await self._pacer.turn(to)
        return await self._send(to, outgoing, attempt.due.route)

    def _failed(self, attempt: Attempt, error: Exception) -> Result:
        """Whatever one message does, the others go on."""
        self._alarms.note(error)
        if not isinstance(error, UsherError | TimeoutError):
            log.error("a message could not be sent", extra={"delivery": attempt.due.id, "fault": _place(error)})
        return results.failed(attempt, error, self._clock.now())

    def _noticed(self, result: Result) -> Result:
        """Lets the lane rest while its platform is away."""
        if result.status in (DeliveryStatus.SENT, DeliveryStatus.SENDING) or result.given_up:
            self._outage.over()
        if not result.unreached or seconds() < self.rests_until:  # one of many that left before tells nothing new
            return result
        return replace(result, rest=self._outage.missed(result.error))

    def _note(self, result: Result) -> None:
        result = self._noticed(result)
        del self.flying[result.attempt.due.id]
        self.results.append(result)
        if result.rest:
            self.rest(seconds() + result.rest)
        if not self.flying or result.rest or len(self.results) == 1 or len(self.results) >= self._enough:
            self._stir()


def _place(error: Exception) -> str:
    """What and where; never its message, which may hold what a person wrote."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
