"""Connections to one SMTP server: a few at once, each kept open for a moment and for some mails."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP

from bot.clock import seconds
from bot.errors import Paused

STEP = 5.0  # seconds for each step of the dialogue
MOST = 8  # at once; the usual limit for one sender is 10
_MAILS = 50  # over one connection; servers end it somewhere above
_IDLE = 10.0  # seconds
_BREATH = 1.0  # seconds until somebody who found no room may come again
_QUIT = 2.0  # seconds for a goodbye, which nobody waits for
_PLAIN, _SUBMISSION, _TLS = 25, 587, 465


@dataclass(slots=True, eq=False)
class Connection:
    """One dialogue with the server."""

    smtp: SMTP
    mails: int = 0  # which it took
    given_at: float = field(default_factory=seconds)


class Connections:
    """To the server of an `smtp://user:password@host:port`; port 465 speaks TLS from its first byte."""

    def __init__(self, url: str, our_name: str, step: float = STEP) -> None:
        self._parts, self._our_name, self._step = urlsplit(url), our_name, step
        self._room = asyncio.Semaphore(MOST)
        self._idle: list[Connection] = []
        self._sweeping: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def room(self, patience: float) -> AsyncIterator[None]:
        """A turn at a connection. Raises Paused where all are busy for so many seconds: no fault of the mail."""
        try:
            async with asyncio.timeout(patience):
                await self._room.acquire()
        except TimeoutError:
            raise Paused("all connections to the mail server are busy", _BREATH) from None
        try:
            yield
        finally:
            self._room.release()

    async def take(self, *, new: bool) -> Connection:
        """A connection that is ready for a mail: greeted, encrypted where it can be, logged in.

        Raises what aiosmtplib raises.
        """
        while self._idle and not new:
            connection = self._idle.pop()
            if connection.smtp.is_connected:
                return connection
        smtp = self._smtp()
        try:
            await smtp.connect()
        except BaseException:
            smtp.close()
            raise
        return Connection(smtp)

    def give(self, connection: Connection) -> None:
        """Keeps a connection over which a mail went well."""
        connection.mails += 1
        if connection.mails >= _MAILS:
            self.drop(connection)
            return
        connection.given_at = seconds()
        self._idle.append(connection)
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._sweep())

    def drop(self, connection: Connection) -> None:
        """Says goodbye without waiting for it."""
        if connection.smtp.is_connected:
            leaving = asyncio.create_task(_leave(connection.smtp))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Lets go of all that are open."""
        if self._sweeping:
            self._sweeping.cancel()
        for connection in self._idle:
            self.drop(connection)
        self._idle.clear()
        await asyncio.gather(*self._leaving)

    async def _sweep(self) -> None:
        while self._idle:
            await asyncio.sleep(_IDLE)
            old = [connection for connection in self._idle if seconds() - connection.given_at >= _IDLE]
            self._idle = [connection for connection in self._idle if connection not in old]
            for connection in old:
                self.drop(connection)

    def _smtp(self) -> SMTP:
        host, user, port = self._parts.hostname or "", self._parts.username, self._parts.port
        port = port or (_SUBMISSION if user else _PLAIN)
        return SMTP(
            hostname=host,
            port=port,
            username=unquote(user) if user else None,
            password=unquote(self._parts.password or "") if user else None,
            local_hostname=self._our_name,  # or the machine's own is looked up, which may take long
            timeout=self._step,
            use_tls=port == _TLS,
            validate_certs=not _is_loopback(host),  # a server on this machine often has a certificate of its own making
        )


async def _leave(smtp: SMTP) -> None:
    with contextlib.suppress(Exception):  # it goes whether or not the server likes it
        await smtp.quit(timeout=_QUIT)
    smtp.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
