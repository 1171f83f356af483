"""A mail server on loopback, and an adapter before it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.adapters.base import Mail, Outgoing
from bot.adapters.email.adapter import EmailAdapter
from bot.clock import Clock
from bot.settings import read
from tests.mail_server import Post, mail_server

STEP, LIMIT = 0.3, 2.0  # seconds, where a test waits until they are over
LONG = 30.0  # seconds, everywhere else
Open = Callable[..., EmailAdapter]
TO = "wang.fang-secret@example.com"


def outgoing(key: str = "12-abc", text: str = "您好\n.\n..两点\n再见\n") -> Outgoing:
    """A mail."""
    return Outgoing(key, mail=Mail("报名已确认", text, "<p>您好</p>"))


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """A running server."""
    async with mail_server() as post:
        yield post


@pytest.fixture
async def mailer(post: Post, clock: Clock) -> AsyncIterator[Open]:
    """Opens an adapter to that server, or to another address."""
    opened: list[EmailAdapter] = []

    def open_(url: str = "", sender: str = "家庭友好 <usher@example.org>", **limits: float) -> EmailAdapter:
        settings = read({"USHER_SMTP_URL": url or f"smtp://127.0.0.1:{post.port}", "USHER_MAIL_FROM": sender})
        opened.append(EmailAdapter(settings, clock, **{"step": LONG, "limit": LONG, **limits}))
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
