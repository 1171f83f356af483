"""Whether this process has a lane: takes it when it is free, knows until when it is ours, and says when it is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from random import SystemRandom

from sqlalchemy import Connection
from sqlmodel import Session

from bot.clock import boot_seconds, seconds
from bot.delivery import leftovers
from bot.delivery.lease import Lease, Look, Taken
from bot.store.database import Database

log = logging.getLogger(__name__)
# Seconds. Together with the transaction itself they are less than the second that a takeover may last after the lease.
_LOOK = 0.15  # between two looks whether the lane is free
_SHARE, _MOST_SHARE = 0.15, 0.3  # for which who has lanes leaves a free one to others: for each of them, and at most
_COURTESY = 1.0  # for which a node does not take again what it gave to another
_SPREAD = 0.1  # by chance, so that the lanes of one node do not all take what is free at the same moment
_random = SystemRandom()


class Hold:
    """One lane, as this process has it or not. Durations are those of the boot clock: also a sleeping machine's."""

    def __init__(
        self, database: Database, lease: Lease, on_taken: Callable[[], None], on_lost: Callable[[], None]
    ) -> None:
        self.lease = lease
        self.epoch = 0  # 0: the lane is not ours
        self._database, self._on_taken, self._on_lost = database, on_taken, on_lost
        self._until = 0.0
        self._end: asyncio.TimerHandle | None = None
        self._free_since: float | None = None
        self._others_until = 0.0  # by seconds(): who asked for the lane goes first

    @property
    def lasts(self) -> bool:
        """Whether the lane is ours now."""
        return bool(self.epoch) and boot_seconds() < self._until

    def extended(self, before: float) -> None:
        """The lease counts from before the transaction that gave it: so it cannot end sooner than we think.

        At its end the lane is lost, also while a database that does not answer is still being waited for.
        """
        self._until = before + self.lease.seconds
        if self._end:
            self._end.cancel()
        self._end = asyncio.get_running_loop().call_later(max(0.0, self._until - boot_seconds()), self.lose)

    def lose(self, how: str = "lost the lane") -> None:
        """The lane is not ours any more."""
        if self._end:
            self._end.cancel()
        if self.epoch:
            self.epoch = 0
            log.info(how, extra={"lane": self.lease.account})
            self._on_lost()

    def leave(self) -> None:
        """The lane is given to a node that asked for it."""
        self._others_until = seconds() + _COURTESY
        log.info("gave the lane to a node that has fewer", extra={"lane": self.lease.account})

    async def seek(self) -> float:
        """Takes the lane if it can be had; else in how many seconds to look again.

        Who has lanes already waits a little longer, and who has two less than the holder asks for it: so nodes share
        them, also with one that comes later. Raises Unavailable.
        """
        look = await self._database.read(self._look)
        if look.asks:
            await self._database.transact(self.lease.ask)
        if not look.free:
            self._free_since = None
            return _LOOK
        if self._free_since is None:
            self._free_since = seconds() + _random.uniform(0, _SPREAD)
        wait = max(self._free_since + min(_SHARE * look.held, _MOST_SHARE), self._others_until) - seconds()
        if wait > 0:
            return min(wait, _LOOK)
        self._free_since = None
        await self._take(look.held)
        return 0.0 if self.epoch else _LOOK

    def _look(self, session: Session) -> Look:
        return self.lease.look(session.connection())

    async def _take(self, held: int) -> None:
        before, now = boot_seconds(), self.lease.clock.now()
        taken = await self._database.transact(partial(self._take_now, held=held, now=now))
        if taken is None:
            return
        self.epoch = taken.epoch
        self.extended(before)
        log.info("took the lane", extra={"lane": self.lease.account, "epoch": taken.epoch})
        self._on_taken()

    def _take_now(self, connection: Connection, held: int, now: datetime) -> Taken | None:
        if self.lease.look(connection).held > held:  # another lane of this node was taken while we waited
            return None
        taken = self.lease.take(connection)
        if taken is not None:
            leftovers.settle(connection, self.lease.account, taken.silence, now)
        return taken
