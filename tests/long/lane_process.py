"""One lane in a process of its own, which can be killed or frozen."""

from __future__ import annotations

import asyncio
import importlib
import json
import multiprocessing
import os
import signal
from dataclasses import dataclass, field
from datetime import timedelta

from bot.adapters.base import Outgoing
from bot.clock import Clock, seconds
from bot.delivery.lane import Lane
from bot.errors import TryLater, Unconfirmed
from bot.message import Address
from bot.serve import run
from bot.store.database import Database
from tests.conftest import NOW
from tests.delivery.crowd import ALL
from tests.delivery.flights import TELEGRAM, composed

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_forks = multiprocessing.get_context("forkserver")


@dataclass(frozen=True, slots=True)
class Told:
    """What such a process shall do."""

    url: str  # of the database
    port: int  # of the platform
    window: int = 30
    lease: float = 1.0  # seconds
    rate: float | None = None  # messages a second
    variant: str = ""  # a module that changes something about the product when it is imported


@dataclass
class Wires:
    """Connections to the platform: one for each message on its way."""

    port: int
    idle: list[Streams] = field(default_factory=list)

    async def send(self, to: Address | str, outgoing: Outgoing, route: str) -> str:
        """One message. Raises TryLater if it certainly was not sent, Unconfirmed if it may have been."""
        try:
            reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
        except OSError as error:
            raise TryLater(type(error).__name__, 0.1) from None
        try:
            said = {"key": outgoing.key, "sender": os.getpid(), "at": seconds()}
            writer.write(json.dumps(said).encode() + b"\n")
            if await reader.readline() != b"ok\n":
                raise Unconfirmed("cut")
        except OSError as error:
            raise Unconfirmed(type(error).__name__) from None
        self.idle.append((reader, writer))
        return ""


class Sender:
    """Such a process, seen from outside. It is forked behind its imports: kills follow each other quickly."""

    def __init__(self, told: Told) -> None:
        _forks.set_forkserver_preload([__name__])
        self._process = _forks.Process(target=begin, args=(told,), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def lives(self) -> bool:
        """Whether it runs, or stands still."""
        return self._process.is_alive()

    def kill(self) -> None:
        """kill -9, in the middle of whatever it does."""
        self._process.kill()
        self._process.join()

    def freeze(self) -> None:
        """It stands still, as a machine does that is being moved."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on, and does not know that it stood still."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> int | None:
        """SIGTERM: it drains; its exit code."""
        self._process.terminate()
        self._process.join(30)
        return self._process.exitcode


def begin(told: Told) -> None:
    """What such a process does."""
    run(live(told))


async def live(told: Told) -> None:
    """Sends until SIGTERM."""
    if told.variant:
        importlib.import_module(told.variant)
    database = Database(told.url)
    lane = Lane(
        database,
        TELEGRAM,
        Wires(told.port).send,
        composed,
        ALL,
        Clock(NOW),
        holder=f"process {os.getpid()}",
        rate=told.rate,
        window=told.window,
        lease=timedelta(seconds=told.lease),
    )
    loop, ends = asyncio.get_running_loop(), []
    loop.add_signal_handler(signal.SIGTERM, lambda: ends.append(asyncio.create_task(lane.drain())))
    await lane.run()
    await asyncio.gather(*ends)
    database.close()
