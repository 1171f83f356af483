"""A real SMTP server on loopback that plays what it is told at each step."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Deed(Enum):
    """What a server may do in place of an answer."""

    CUT = "cut"
    SILENCE = "silence"


CUT, SILENCE = Deed.CUT, Deed.SILENCE


@dataclass
class Post:
    """What the server got, and what it plays: {step: an answer, CUT or SILENCE}."""

    plays: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)  # of aiosmtpd
    mails: list[Envelope] = field(default_factory=list)
    logins: list[LoginPassword] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    slow: float = 0.0  # seconds before each answer to MAIL
    servers: list[_Server] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str | None:  # noqa: N802  # a hook of aiosmtpd
        """The content has come."""
        assert isinstance(server, _Server)
        what = self.plays.get("CONTENT", "250 OK")
        if await server.plays("CONTENT", unless_text=True):
            return None
        if str(what).startswith("2"):
            self.mails.append(envelope)
            self.over_tls.append(session.ssl is not None)
        return str(what)

    def login(self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Lets one user in."""
        assert mechanism in ("PLAIN", "LOGIN")
        self.logins.append(data)
        message = self.plays.get("AUTH")
        right = data == LoginPassword(b"usher", b"p@ss:word/")
        return AuthResult(success=right and message is None, handled=False, message=message)


class _Server(SMTP):
    """One connection."""

    def __init__(self, post: Post, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(post, hostname="mail.test", loop=loop, enable_SMTPUTF8=False, **post.options)
        self._post = post
        self._greeted = False

    def connection_made(self, transport: Any) -> None:
        if self.transport is None:
            self._post.connections += 1
            self._post.servers.append(self)
        self._post.at_once += 1
        self._post.most_at_once = max(self._post.at_once, self._post.most_at_once)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._post.at_once -= 1
        super().connection_lost(error)

    async def push(self, status: Any) -> None:
        if not self._greeted:
            self._greeted = True
            if await self.plays("GREETING"):
                return
        await super().push(status)

    async def plays(self, step: str, *, unless_text: bool = False) -> bool:
        """Does what was ordered for a step; False: nothing was."""
        what = self._post.plays.get(step)
        if what is CUT:
            self.transport.abort()
        elif what is SILENCE:
            await asyncio.sleep(60)
        elif what is None or unless_text:
            return False
        else:
            await super().push(what)
        return True

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802  # as the command is called
        if not await self.plays("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802  # as the command is called
        if not await self.plays("EHLO"):
            await super().smtp_HELO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802  # the same
        await asyncio.sleep(self._post.slow)
        if not await self.plays("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802  # the same
        if not await self.plays("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802  # the same
        if not await self.plays("DATA"):
            await super().smtp_DATA(arg)


@contextlib.asynccontextmanager
async def mail_server() -> AsyncIterator[Post]:
    """A running server."""
    post, loop = Post(), asyncio.get_running_loop()
    listening = await loop.create_server(lambda: _Server(post, loop), "127.0.0.1", 0)
    post.port = listening.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        listening.close()
        for connection in post.servers:
            if connection.transport:
                connection.transport.abort()
            if connection._handler_coroutine:
                connection._handler_coroutine.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await connection._handler_coroutine
        await listening.wait_closed()
