"""How mails share connections to an SMTP server: login and encryption, taking turns, and when a connection ends."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import pytest
from aiosmtpd.smtp import LoginPassword

from bot.adapters.email import connections
from bot.errors import Misconfigured, Paused, TryLater, Unreachable, UsherError
from tests.adapters.email.conftest import LIMIT, TO, Open, outgoing
from tests.mail_server import SILENCE, Post

LOGIN = "smtp://usher:p%40ss%3Aword%2F@127.0.0.1:{port}"


def with_login(post: Post) -> None:
    post.options |= {"authenticator": post.login, "auth_require_tls": False}


async def test_the_login_of_the_setting_is_used(post: Post, mailer: Open) -> None:
    with_login(post)
    await mailer(LOGIN.format(port=post.port)).send(TO, outgoing())
    assert post.logins == [LoginPassword(b"usher", b"p@ss:word/")]
    assert len(post.mails) == 1


@pytest.mark.parametrize(
    ("url", "answer", "error"),
    [
        ("smtp://usher:wrong@127.0.0.1:{port}", None, Misconfigured),
        (LOGIN, "535 5.7.8 wrong", Misconfigured),
        (LOGIN, "454 4.7.0 cannot look it up now", TryLater),
    ],
)
async def test_a_login_that_fails(
    post: Post, mailer: Open, url: str, answer: str | None, error: type[UsherError]
) -> None:
    with_login(post)
    if answer:
        post.plays["AUTH"] = answer
    with pytest.raises(error) as raised:
        await mailer(url.format(port=post.port)).send(TO, outgoing())
    assert type(raised.value) is error
    assert post.mails == []


async def test_a_server_that_takes_no_login(post: Post, mailer: Open) -> None:
    with pytest.raises(Misconfigured, match="login"):
        await mailer(LOGIN.format(port=post.port)).send(TO, outgoing())


async def test_what_can_be_encrypted_is(post: Post, mailer: Open, own_certificate: ssl.SSLContext) -> None:
    post.options |= {"tls_context": own_certificate, "require_starttls": True}
    await mailer().send(TO, outgoing())
    assert post.over_tls == [True]


async def test_a_certificate_nobody_vouches_for_is_not_taken_from_afar(
    post: Post, mailer: Open, own_certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.options |= {"tls_context": own_certificate}
    monkeypatch.setattr(connections, "_is_loopback", lambda host: False)
    with pytest.raises(Misconfigured, match="certificate"):
        await mailer().send(TO, outgoing())
    assert post.mails == []


async def test_mails_share_a_connection(post: Post, mailer: Open) -> None:
    adapter = mailer()
    for number in range(5):
        await adapter.send(TO, outgoing(f"k{number}"))
    assert (post.connections, len(post.mails)) == (1, 5)


async def test_a_server_that_hung_up_meanwhile_costs_nothing(post: Post, mailer: Open) -> None:
    adapter = mailer()
    await adapter.send(TO, outgoing("k1"))
    (server,) = post.servers
    server.transport.close()
    await adapter.send(TO, outgoing("k2"))
    assert (post.connections, len(post.mails)) == (2, 2)


async def test_a_server_that_has_had_enough_of_a_connection_gets_another(post: Post, mailer: Open) -> None:
    adapter = mailer()
    await adapter.send(TO, outgoing("k1"))
    (server,) = post.servers
    server.smtp_MAIL = lambda _: server.push("421 4.7.0 too many mails here")
    server._smtp_methods["MAIL"] = server.smtp_MAIL
    await adapter.send(TO, outgoing("k2"))
    assert (post.connections, len(post.mails)) == (2, 2)


async def test_a_refused_address_does_not_stain_the_next_mail(post: Post, mailer: Open) -> None:
    adapter = mailer()
    post.plays["RCPT"] = "550 5.1.1 no"
    with pytest.raises(Unreachable):
        await adapter.send("gone@example.com", outgoing("k1"))
    post.plays.clear()
    await adapter.send(TO, outgoing("k2"))
    assert [envelope.rcpt_tos for envelope in post.mails] == [[TO]]


async def test_many_at_once_take_turns_at_a_few_connections(post: Post, mailer: Open) -> None:
    adapter = mailer(step=10, limit=30)
    post.slow = 0.02
    await asyncio.gather(*(adapter.send(TO, outgoing(f"k{number}")) for number in range(40)))
    assert len(post.mails) == 40
    assert post.most_at_once <= connections.MOST
    assert post.connections <= connections.MOST


async def test_who_finds_all_connections_busy_comes_again_without_a_try_being_counted(post: Post, mailer: Open) -> None:
    adapter = mailer(step=5, limit=LIMIT)
    post.plays["MAIL"] = SILENCE
    mails = (adapter.send(TO, outgoing(f"k{number}")) for number in range(3 * connections.MOST))
    errors = await asyncio.gather(*mails, return_exceptions=True)
    assert [type(error) for error in errors].count(TryLater) == connections.MOST
    assert [type(error) for error in errors].count(Paused) == 2 * connections.MOST
    post.plays.clear()
    adapter = mailer()
    await asyncio.gather(*(adapter.send(TO, outgoing(f"k{number}")) for number in range(3 * connections.MOST)))
    assert len(post.mails) == 3 * connections.MOST


async def test_connections_end_after_a_while_and_at_the_close(
    post: Post, mailer: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_IDLE", 0.05)
    adapter = mailer()
    await adapter.send(TO, outgoing("k1"))
    await _until(lambda: post.at_once == 0)
    monkeypatch.setattr(connections, "_IDLE", 60)
    await adapter.send(TO, outgoing("k2"))
    assert post.at_once == 1
    await adapter.close()
    await _until(lambda: post.at_once == 0)


async def test_no_connection_carries_mails_forever(post: Post, mailer: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_MAILS", 2)
    adapter = mailer()
    for number in range(5):
        await adapter.send(TO, outgoing(f"k{number}"))
    assert (post.connections, len(post.mails)) == (3, 5)


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)
