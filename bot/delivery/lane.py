"""The lane: the one sender of one account, wherever it runs, and at no more than the account's rate."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from random import SystemRandom

from sqlmodel import Session

from bot.clock import Clock, boot_seconds, seconds
from bot.delivery import due, flight
from bot.delivery.alarms import Alarms
from bot.delivery.flight import Orders, Prepare
from bot.delivery.hold import Hold
from bot.delivery.lease import Lease
from bot.delivery.outage import Outage
from bot.delivery.pacer import Pacer
from bot.delivery.results import Result
from bot.delivery.routes import Accounts
from bot.delivery.search import Search, found_nothing
from bot.delivery.sender import Compose, Send, Sender
from bot.errors import Unavailable
from bot.store.database import Database

log = logging.getLogger(__name__)
# Shares of a lease. What is left of it lies between the end of the last send and the moment another may begin.
_SEND = 0.5  # the longest that a send may take
_MARGIN = 0.1  # for clocks that do not run alike
_HEARTBEAT = 0.25  # the lease is extended while there is nothing to do
_BUSY_HEARTBEAT = 0.1  # the same while messages are on their way
_LANDING = 0.8  # the longest that the end may take
# Seconds.
_FLUSH = 0.25  # no result waits longer before it is written
_IDLE = 0.5  # between two looks for what another process queued
_SWEEP = 60.0  # between two looks for templates whose end was not reported
_TROUBLE, _MOST_TROUBLE = 0.2, 5.0  # after a fault of the database: doubled each time
_random = SystemRandom()


def nothing() -> None:
    """What is done when the lane is taken or lost, unless something else is."""


class Lane:
    """Sends what is due for one account while it holds the account's lease. `run` until `drain`."""

    def __init__(
        self,
        database: Database,
        account: str,
        send: Send,
        compose: Compose,
        accounts: Accounts,
        clock: Clock,
        *,
        holder: str,
        rate: float | None = None,
        window: int = 30,
        lease: timedelta = timedelta(seconds=10),
        prepare: Prepare = flight.read_event,
        on_taken: Callable[[], None] = nothing,
        on_lost: Callable[[], None] = nothing,
    ) -> None:
        """`holder` names this process. `rate`: messages a second, None for no limit; `window`: at most so many at once.

        A send may take half of the lease: whatever takes longer is cut off and counts as unconfirmed.
        """
        self.account = account
        self._database, self._accounts, self._clock, self._prepare = database, accounts, clock, prepare
        self._on_lost = on_lost
        self._hold = Hold(database, Lease(account, holder, lease, clock), on_taken, self._lost)
        self._pacer = Pacer(rate) if rate else None
        self._window = window
        self._ahead = min(window, int(rate) + 1) if rate else window  # a second's worth: what is urgent comes soon
        self._enough = max(1, self._ahead // 2)
        self._stir = asyncio.Event()
        limit = lease.total_seconds() * _SEND
        self._outage = Outage(account)
        self._sender = Sender(
            send,
            compose,
            clock,
            pacer=self._pacer,
            limit=limit,
            enough=self._enough,
            stir=self._stir.set,
            outage=self._outage,
            alarms=Alarms(account),
        )
        self._flew_at = self._swept_at = 0.0
        self._took = 0.0  # seconds of the last flight
        self._search = Search()
        self._doubtful = False  # whether a flight may have been committed without our hearing of it
        self._draining = False
        self._ended: asyncio.Event | None = None

    @property
    def held(self) -> bool:
        """Whether this is the account's one sender now."""
        return self._hold.lasts

    def wake(self) -> None:
        """Something was queued in this process: looks at once."""
        self._search.anew()
        self._stir.set()

    async def run(self) -> None:
        """Holds the lane whenever it can be had, and sends; until drained or cancelled."""
        self._ended = asyncio.Event()
        pace = asyncio.create_task(self._sender.run())
        try:
            await self._until_drained()
            await self._land()
        finally:
            pace.cancel()
            await self._sender.close()
            self._hold.lose("gave the lane back")
            self._ended.set()

    async def drain(self) -> None:
        """Finishes what is on its way, gives back what is not, writes the results and lets the lane go."""
        self._draining = True
        self._stir.set()
        if self._ended is not None:
            await self._ended.wait()

    async def _until_drained(self) -> None:
        troubles = 0
        while not self._draining:
            try:
                await (self._round() if self._hold.epoch else self._seek())
                troubles = 0
            except Exception as error:  # rows stay as they are, and results in memory: it is done again
                _tell(self.account, error)
                wait = min(_TROUBLE * 2**troubles, _MOST_TROUBLE)
                troubles = min(troubles + 1, 10)
                await self._quiet(wait * _random.uniform(0.5, 1))

    async def _seek(self) -> None:
        """Somebody else has the lane: writes what came late of an epoch that is over, and looks whether it is free."""
        if self._sender.results:
            with self._results() as late:
                await self._database.transact(partial(flight.write_late, lease=self._hold.lease, results=late))
        before = boot_seconds()
        wait = await self._hold.seek()
        if not self._hold.epoch:
            await self._quiet(wait)
            return
        self._search.anew()
        self._doubtful = False
        self._permit(before)
        if self._pacer:
            self._pacer.start()

    def _permit(self, before: float) -> None:
        """Nothing is begun so late that its answer could come after the lease."""
        self._sender.permit(self._hold.epoch, before + self._hold.lease.seconds * (1 - _SEND - _MARGIN))

    def _lost(self) -> None:
        self._sender.permit(0, 0.0)
        self._sender.ground()
        self._on_lost()

    async def _round(self) -> None:
        """Waits until a flight is worth it, and flies."""
        while not self._worth_a_flight():
            if await self._quiet(self._patience()) and not self._sender.flying and not self._resting:
                self._search.more = await self._database.read(self._anything_due)
            if self._draining:
                return
        await self._fly()

    def _anything_due(self, session: Session) -> bool:
        return due.anything(session.connection(), self.account, self._clock.now())

    async def _fly(self) -> None:
        before, began, room = boot_seconds(), seconds(), 0 if self._resting else self._room
        with self._results() as written:
            orders = self._orders(written, room)
            flown = await self._database.transact(partial(flight.fly, orders=orders))
        self._flew_at, self._doubtful = seconds(), False
        self._took = self._flew_at - began
        if not flown.held:
            self._hold.lose()
            return
        if (
            self._hold.epoch != orders.epoch
        ):  # the lease ended here while the database was slow: nothing of it may leave
            self._sender.launch(flown)
            self._sender.ground()
            return
        self._hold.extended(before)
        self._permit(before)
        if flown.wanted and found_nothing(orders, flown) and not self._sender.flying:  # not in the midst of a broadcast
            await self._land()
            self._hold.leave()
            return
        if room:
            self._search.note(orders, flown)
        if (
            orders.outage and flown.attempts
        ):  # those behind the one that asks whether the platform is back were not taken up
            self._search.anew()
        self._sender.rest(self._flew_at + flown.rest)
        self._sender.launch(flown)

    def _orders(self, written: list[Result], room: int) -> Orders:
        sweeps = seconds() >= self._swept_at + _SWEEP
        if sweeps:
            self._swept_at = seconds()
        known = (*self._sender.flying, *(result.attempt.due.id for result in written))
        return Orders(
            lease=self._hold.lease,
            epoch=self._hold.epoch,
            now=self._clock.now(),
            accounts=self._accounts,
            prepare=self._prepare,
            results=written,
            room=room,
            floor=self._search.floor,
            known=known if self._doubtful else None,
            sweeps=sweeps,
            outage=self._outage.reason,
        )

    @property
    def _room(self) -> int:
        """How many more rows may be taken up. While the platform is away all are looked at, and one asks."""
        if self._outage.reason:
            return self._window if not self._sender.flying else 0
        return min(self._window - len(self._sender.flying), self._ahead - len(self._sender.waiting))

    @property
    def _resting(self) -> bool:
        return seconds() < self._sender.rests_until

    def _worth_a_flight(self) -> bool:
        """Whether a transaction now would do enough: many at once are cheap, and nobody shall wait long.

        Half of a window is enough, after a moment in which the other half may come in as well. That is as long as a
        flight takes: where sends are quicker than the database, each flight has a whole window. Measured with 1 ms a
        send: 4,400 a second instead of 3,300, with a third less of the processor for each.
        """
        age, idle = seconds() - self._flew_at, not self._sender.flying
        if self._sender.results and (idle or age >= _FLUSH):
            return True
        if self._half_done and age >= self._took:
            return True
        if self._search.more and not self._resting and idle:
            return True
        return age >= self._hold.lease.seconds * (_HEARTBEAT if idle else _BUSY_HEARTBEAT)

    @property
    def _half_done(self) -> bool:
        may_take = self._search.more and not self._resting and self._room >= self._enough
        return len(self._sender.results) >= self._enough or may_take

    def _patience(self) -> float:
        """Seconds after which a flight may be worth it although nothing stirs."""
        sender, now = self._sender, seconds()
        share = _BUSY_HEARTBEAT if sender.flying else _HEARTBEAT
        wait = self._flew_at + (_FLUSH if sender.results else self._hold.lease.seconds * share) - now
        if self._half_done:
            wait = min(wait, self._flew_at + self._took - now)
        if self._resting:
            wait = min(wait, sender.rests_until - now)
        elif not sender.flying:
            wait = min(wait, _IDLE)
        return max(wait, 0.001)

    async def _land(self) -> None:
        """Gives back what was not begun, waits for what is on its way, writes it all and lets the lane go.

        A place that waits behind its words goes first, as long as the last flight's permission lasts: nobody else knows
        of it.
        """
        self._sender.land()
        end = boot_seconds() + self._hold.lease.seconds * _LANDING
        while self._sender.flying and boot_seconds() < end:
            await self._quiet(_FLUSH)
        if self._sender.pins:
            await self._pins_sent(end)
        epoch = self._hold.epoch
        self._hold.lose()
        last_flight = partial(flight.land, lease=self._hold.lease, epoch=epoch)
        while (self._sender.results or epoch) and boot_seconds() < end:
            try:
                with self._results() as last:
                    await self._database.transact(partial(last_flight, results=last))
                return
            except Unavailable:
                await asyncio.sleep(_TROUBLE)

    async def _pins_sent(self, end: float) -> None:
        """Waits for places on a map, each in its turn; what is known by then is written before."""
        with contextlib.suppress(Unavailable), self._results() as known:
            await self._database.transact(partial(flight.write_late, lease=self._hold.lease, results=known))
        while self._sender.pins and boot_seconds() < end:
            await self._quiet(_FLUSH)

    @contextlib.contextmanager
    def _results(self) -> Iterator[list[Result]]:
        """The results that are being written: kept, if they could not be."""
        written, self._sender.results = self._sender.results, []
        try:
            yield written
        except BaseException:
            self._sender.results = [*written, *self._sender.results]
            self._doubtful = True
            raise

    async def _quiet(self, wait: float) -> bool:
        """Whether nothing stirred for so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._stir.wait()
        stirred = self._stir.is_set()
        self._stir.clear()
        return not stirred


def _tell(account: str, error: Exception) -> None:
    if isinstance(error, Unavailable):
        log.warning("the lane waits for the database", extra={"lane": account, "reason": str(error)})
    else:
        log.error("the lane's flight failed", extra={"lane": account, "fault": type(error).__name__})
