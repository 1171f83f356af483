"""Serves over HTTP until told to stop: SIGTERM and SIGINT drain, and the process ends with 0 within 10 seconds."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from bot.app import Usher
from bot.settings import WrongSetting
from bot.web import Phase

log = logging.getLogger(__name__)
_OPEN_SECONDS = 3  # the longest that the port stays open while it drains
_DRAIN_SECONDS = 6  # then for requests in flight; longer than WeChat waits for one: a 500 would be its last
_LAST_SECONDS = 9.5  # then the process ends whatever still holds it


async def nothing() -> None:
    """What is done once the port is open, unless something else is."""


class Server(uvicorn.Server):
    """uvicorn, which leaves the signals to us: it would raise them again after the shutdown, and the exit be no 0."""

    def __init__(self, config: uvicorn.Config, opened: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._opened = opened

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the port, then does what waits for that."""
        await super().startup(sockets=sockets)
        await self._opened()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs on uvloop, where there is one: it takes a sixth less time for each message."""
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop

        uvloop.run(main)


def server(app: ASGIApp, opened: Callable[[], Awaitable[None]] = nothing) -> Server:
    """A server for an application; behind a proxy on this machine it believes the address which that forwards."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    return Server(config, opened)


async def serve(usher: Usher, started: Callable[[], Awaitable[None]] = nothing) -> None:
    """Runs until a signal comes; then finishes what is in flight. Raises WrongSetting if the port is taken."""

    async def opened() -> None:
        await usher.start()
        gc.freeze()  # what was loaded stays for good: looking through it again and again made replies wait
        gc.enable()
        await started()
        ending.append(asyncio.create_task(_end_when(told, usher, web)))

    ending: list[asyncio.Task[None]] = []
    listening = bound(usher.settings.host, usher.settings.port)
    web = server(usher.application, opened)
    told = _told_to_stop(usher)
    await web.serve(sockets=[listening])
    await asyncio.gather(*ending)
    await usher.stop()


async def _end_when(told: asyncio.Event, usher: Usher, web: Server) -> None:
    """Finishes what is on its way, and then closes the port.

    Until then whoever still writes is answered as ever, for a request that is refused spends one of WeChat's three; and
    whoever asks for health hears that this process ends.
    """
    await told.wait()
    draining = asyncio.create_task(usher.drain())
    await asyncio.wait([draining], timeout=_OPEN_SECONDS)
    web.should_exit = True
    await draining


def bound(host: str, port: int) -> socket.socket:
    """A listening socket. Raises WrongSetting if it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio sends small answers at once (TCP_NODELAY) only where it reads TCP.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, UnicodeError) as error:  # a host name that cannot be one is a UnicodeError
        listening.close()
        reason = getattr(error, "strerror", "no such name")
        expected = "expected an address of this machine and a free port"
        raise WrongSetting(f"USHER_HOST, USHER_PORT: {host}:{port} cannot be used ({reason}); {expected}") from None
    return listening


def _told_to_stop(usher: Usher) -> asyncio.Event:
    """Is set at the first signal; from then on the time runs."""
    told = asyncio.Event()

    def stop() -> None:
        if told.is_set():
            return
        usher.health.phase = Phase.DRAINING
        told.set()
        last = threading.Timer(_LAST_SECONDS, _end)
        last.daemon = True
        last.start()

    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop)
    return told


def _end() -> None:
    log.warning("something did not finish in time; it was not acknowledged, so it comes again")
    logging.shutdown()
    os._exit(0)
