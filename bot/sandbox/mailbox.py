"""Everybody's mailbox: an SMTP server on loopback that keeps what the bot sends and delivers it to nobody."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections import deque
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from bot.clock import Clock
from bot.sandbox.mailbox_mail import Mail, clean, read_mail

Order = Literal["down", "slow", "busy"]
ORDERS: tuple[Order, ...] = ("down", "slow", "busy")
HOST = "127.0.0.1"
KEPT = 200  # mails
SIZE = 2 * 1024 * 1024  # bytes of one mail
_ROOM = 32 * 1024 * 1024  # bytes of all mails kept
SLOW = 3.0  # seconds before a mail that is kept is acknowledged


class Mailbox:
    """The server and its mails, oldest first. `version` grows with each mail; `slow`: seconds."""

    def __init__(self, clock: Clock, slow: float = SLOW) -> None:
        self.mails: deque[Mail] = deque(maxlen=KEPT)
        self.version = 0
        self.ordered: frozenset[Order] = frozenset()
        self._clock, self._slow = clock, slow
        self._numbers = itertools.count(1)
        self._room = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.BaseTransport] = set()

    @property
    def url(self) -> str:
        """The USHER_SMTP_URL by which the bot sends here; once it is open."""
        assert self._server
        return f"smtp://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def open(self, listening: socket.socket | None = None) -> None:
        """Listens on that socket, on a free port without one."""
        listening = listening or socket.create_server((HOST, 0))
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd notes every address and line there
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Protocol(self, loop), sock=listening)

    async def aclose(self) -> None:
        """Stops listening and hangs up."""
        if self._server:
            self._server.close()
            for connection in list(self._connections):
                connection.close()
            await self._server.wait_closed()
            self._server = None

    def order(self, kind: Order, on: bool) -> None:
        """Switches a trouble on or off: no connection, acknowledged late, or everything refused for now (451)."""
        self.ordered = self.ordered | {kind} if on else self.ordered - {kind}
        if self.ordered & {"down"}:
            for connection in list(self._connections):
                connection.close()

    def mail(self, number: int) -> Mail | None:
        """The mail of that number, while it is kept."""
        return next((mail for mail in self.mails if mail.number == number), None)

    def of(self, address: str) -> list[Mail]:
        """What that person got, oldest first."""
        return [mail for mail in self.mails if address in mail.recipients]

    def keep(self, recipients: list[str], raw: bytes) -> Mail:
        """Keeps one mail; the oldest ones make room."""
        mail = read_mail(next(self._numbers), self._clock.now(), tuple(recipients), raw)
        self._room += len(raw)
        while self.mails and (len(self.mails) == KEPT or self._room > _ROOM):
            self._room -= len(self.mails.popleft().raw)
        self.mails.append(mail)
        self.version += 1
        return mail

    async def handle_RCPT(  # noqa: N802  # aiosmtpd finds its hooks by these names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Says whether a recipient is taken."""
        if "busy" in self.ordered:
            return "451 4.7.1 Too many messages, try again later"
        envelope.rcpt_tos.append(clean(address))
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # as above
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Takes a mail."""
        raw = envelope.content
        assert isinstance(raw, bytes)
        mail = self.keep(envelope.rcpt_tos, raw)
        if "slow" in self.ordered:
            await asyncio.sleep(self._slow)
        return f"250 2.0.0 OK kept as {mail.number}"

    async def handle_exception(self, _error: Exception) -> str:
        """What a client is told whose words made the server stumble; aiosmtpd would log them."""
        return "500 5.5.2 Not understood"

    def connected(self, transport: asyncio.BaseTransport) -> None:
        """Notes a connection; while the server is down it is hung up before a word."""
        self._connections.add(transport)
        if "down" in self.ordered:
            transport.close()

    def disconnected(self, transport: asyncio.BaseTransport | None) -> None:
        """Forgets a connection."""
        if transport:
            self._connections.discard(transport)


class _Protocol(SMTP):
    """One connection. A name is given, or each would look this machine's up."""

    def __init__(self, mailbox: Mailbox, loop: asyncio.AbstractEventLoop) -> None:
        options: dict[str, Any] = {"enable_SMTPUTF8": True, "data_size_limit": SIZE, "timeout": 60}
        super().__init__(mailbox, hostname="mailbox.localhost", ident="Usher demo", loop=loop, **options)
        self._mailbox = mailbox

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._mailbox.connected(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._mailbox.disconnected(self.transport)
        super().connection_lost(error)
