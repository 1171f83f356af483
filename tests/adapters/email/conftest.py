"""A real SMTP server on loopback that plays what it is told at each step."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.adapters.email.adapter import EmailAdapter
from bot.clock import Clock
from bot.settings import read


class Deed(Enum):
    """What a server may do in place of an answer."""

    CUT = "cut"
    SILENCE = "silence"


CUT, SILENCE = Deed.CUT, Deed.SILENCE
STEP, LIMIT = 0.3, 2.0  # seconds


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
    servers: list[Server] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str | None:  # noqa: N802
        """The content has come."""
        assert isinstance(server, Server)
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


class Server(SMTP):
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

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        if not await self.plays("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802
        if not await self.plays("EHLO"):
            await super().smtp_HELO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        await asyncio.sleep(self._post.slow)
        if not await self.plays("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        if not await self.plays("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        if not await self.plays("DATA"):
            await super().smtp_DATA(arg)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """A running server."""
    post, loop = Post(), asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Server(post, loop), "127.0.0.1", 0)
    post.port = listening.sockets[0].getsockname()[1]
    yield post
    listening.close()
    for server in post.servers:
        if server.transport:
            server.transport.abort()
        if server._handler_coroutine:
            server._handler_coroutine.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await server._handler_coroutine
    await listening.wait_closed()


Open = Callable[..., EmailAdapter]


@pytest.fixture
async def mailer(post: Post, clock: Clock) -> AsyncIterator[Open]:
    """Opens an adapter to that server, or to another address."""
    opened: list[EmailAdapter] = []

    def open_(url: str = "", sender: str = "家庭友好 <usher@example.org>", **limits: float) -> EmailAdapter:
        settings = read({"USHER_SMTP_URL": url or f"smtp://127.0.0.1:{post.port}", "USHER_MAIL_FROM": sender})
        opened.append(EmailAdapter(settings, clock, **{"step": STEP, "limit": LIMIT, **limits}))
        return opened[-1]

    yield open_
    for adapter in opened:
        await adapter.close()


@pytest.fixture(scope="session")
def own_certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """TLS with a certificate that nobody vouches for."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "both.pem").write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context
