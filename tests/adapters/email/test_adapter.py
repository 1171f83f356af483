"""Each answer of an SMTP server, each silence and each cut, and what it means to a sender: against a real server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import logging
import socket
import ssl
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import LoginPassword

from bot.adapters.base import Mail, Outgoing
from bot.adapters.email import connections
from bot.adapters.email.adapter import EmailAdapter
from bot.clock import Clock, seconds
from bot.errors import Misconfigured, Paused, Refused, TryLater, Unconfirmed, Unreachable, UsherError
from bot.message import Reply
from tests.adapters.email.conftest import CUT, LIMIT, SILENCE, STEP, Post

Open = Callable[..., EmailAdapter]
TO = "wang.fang-secret@example.com"


def outgoing(key: str = "12-abc", text: str = "您好\n.\n..两点\n再见\n") -> Outgoing:
    return Outgoing(key, mail=Mail("报名已确认", text, "<p>您好</p>"))


def read(content: bytes | str | None) -> EmailMessage:
    assert isinstance(content, bytes)
    return email.message_from_bytes(content, policy=email.policy.default)


NO = "5.1.1 <wang.fang-secret@example.com>: unknown"
ROWS = [
    # step, what the server does, what it means, what organizers read
    ("GREETING", "421 4.3.2 too busy", TryLater, "421 4.3.2"),
    ("GREETING", "554 no service here", Misconfigured, "554"),
    ("GREETING", CUT, TryLater, "SMTPConnectError"),
    ("GREETING", SILENCE, TryLater, "SMTPConnectTimeoutError"),
    ("GREETING", "hello there", TryLater, "SMTP"),
    ("EHLO", "421 not now", TryLater, "421"),
    ("EHLO", "550 who are you", Misconfigured, "550"),
    ("EHLO", CUT, TryLater, "SMTPServerDisconnected"),
    ("EHLO", SILENCE, TryLater, "SMTPReadTimeoutError"),
    ("MAIL", "421 4.7.0 closing", TryLater, "421 4.7.0"),
    ("MAIL", "451 4.3.0 later", TryLater, "451 4.3.0"),
    ("MAIL", "452 full", TryLater, "452"),
    ("MAIL", "530 5.7.0 log in first", Misconfigured, "530 5.7.0"),
    ("MAIL", "550 not your address", Misconfigured, "550"),
    ("MAIL", "553 5.7.1 not your address", Misconfigured, "553 5.7.1"),
    ("MAIL", CUT, TryLater, "SMTPServerDisconnected"),
    ("MAIL", SILENCE, TryLater, "SMTPReadTimeoutError"),
    ("RCPT", "421 closing", TryLater, "421"),
    ("RCPT", "450 4.2.0 greylisted", TryLater, "450 4.2.0"),
    ("RCPT", "451 later", TryLater, "451"),
    ("RCPT", "452 4.2.2 mailbox full", TryLater, "452 4.2.2"),
    ("RCPT", "530 log in first", Misconfigured, "530"),
    ("RCPT", f"550 {NO}", Unreachable, "550 5.1.1"),
    ("RCPT", "551 moved", Unreachable, "551"),
    ("RCPT", "553 bad name", Unreachable, "553"),
    ("RCPT", "554 5.7.1 no", Unreachable, "554 5.7.1"),
    ("RCPT", CUT, TryLater, "SMTPServerDisconnected"),
    ("RCPT", SILENCE, TryLater, "SMTPReadTimeoutError"),
    ("DATA", "421 closing", TryLater, "421"),
    ("DATA", "451 later", TryLater, "451"),
    ("DATA", "503 out of order", Refused, "503"),
    ("DATA", "554 5.5.1 no valid recipients", Refused, "554 5.5.1"),
    ("DATA", CUT, TryLater, "SMTPServerDisconnected"),
    ("DATA", SILENCE, TryLater, "SMTPReadTimeoutError"),
    ("DATA", "what", TryLater, "SMTP"),
    ("CONTENT", "421 closing", TryLater, "421"),
    ("CONTENT", "451 4.3.0 later", TryLater, "451 4.3.0"),
    ("CONTENT", "452 no room", TryLater, "452"),
    ("CONTENT", "552 5.3.4 too big", Refused, "552 5.3.4"),
    ("CONTENT", "554 5.7.1 looks like spam", Refused, "554 5.7.1"),
    ("CONTENT", CUT, Unconfirmed, "no answer"),
    ("CONTENT", SILENCE, Unconfirmed, "no answer"),
    ("CONTENT", "what", Unconfirmed, "no answer"),
    ("CONTENT", "354 more please", Unconfirmed, "no answer"),
]


@pytest.mark.parametrize(("step", "does", "error", "says"), ROWS, ids=[f"{row[0]} {row[1]}"[:30] for row in ROWS])
async def test_what_the_server_does_and_what_it_means(
    post: Post, mailer: Open, step: str, does: object, error: type[UsherError], says: str
) -> None:
    post.plays[step] = does
    with pytest.raises(error) as raised:
        await mailer().send(TO, outgoing())
    assert type(raised.value) is error
    assert says in str(raised.value)
    assert "wang" not in str(raised.value)
    assert "secret" not in repr(raised.value.__dict__)
    assert post.mails == []
    if isinstance(raised.value, TryLater):
        assert raised.value.delay > 0


async def test_the_same_mail_goes_out_once_the_server_is_well(post: Post, mailer: Open) -> None:
    """The control of the table above: nothing but what was ordered stops a mail."""
    adapter = mailer()
    for step, does, _, _ in ROWS[::7]:
        post.plays = {step: does}
        with pytest.raises(UsherError):
            await adapter.send(TO, outgoing())
    post.plays = {}
    assert await adapter.send(TO, outgoing(), "email") == ""
    assert len(post.mails) == 1


@pytest.mark.parametrize("code", ["250 OK", "251 taken", "252 maybe"])
async def test_every_yes_is_a_yes(post: Post, mailer: Open, code: str) -> None:
    post.plays["CONTENT"] = code
    assert await mailer().send(TO, outgoing()) == ""


async def test_nobody_listens(mailer: Open) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    with pytest.raises(TryLater, match="SMTPConnectError"):
        await mailer(f"smtp://127.0.0.1:{closed}").send(TO, outgoing())


async def test_no_such_host(mailer: Open) -> None:
    with pytest.raises(TryLater, match="SMTPConnect"):
        await mailer("smtp://nowhere.invalid:25").send(TO, outgoing())


async def test_a_mail_takes_no_longer_than_its_limit(post: Post, mailer: Open) -> None:
    """Each step is within its time, all of them are not: a lane's lease would run out."""
    post.slow = 0.8 * STEP
    started = seconds()
    with pytest.raises(TryLater, match="TimeoutError"):
        await mailer(limit=0.5 * STEP).send(TO, outgoing())
    assert seconds() - started < LIMIT
    assert await mailer().send(TO, outgoing()) == ""


async def test_the_words_arrive_as_they_were_written(post: Post, mailer: Open, clock: Clock) -> None:
    await mailer().send(TO, outgoing())
    (envelope,) = post.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("usher@example.org", [TO])
    message = read(envelope.content)
    assert (message["From"], message["To"], message["Subject"]) == (
        "家庭友好 <usher@example.org>",
        TO,
        "报名已确认",
    )
    assert message["Message-ID"] == "<12-abc@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert abs((message["Date"].datetime - clock.now()).total_seconds()) < 5
    text = message.get_body(("plain",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == "您好\n.\n..两点\n再见\n"


async def test_a_line_of_one_dot_ends_nothing(post: Post, mailer: Open) -> None:
    plain = "one\n.\n.two\n..\nRCPT TO:<evil@example.com>\n"
    await mailer().send(TO, outgoing(text=plain))
    (envelope,) = post.mails
    text = read(envelope.content).get_body(("plain",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == plain
    assert envelope.rcpt_tos == [TO]


async def test_a_second_try_has_the_same_message_id(post: Post, mailer: Open) -> None:
    adapter = mailer()
    post.plays["CONTENT"] = CUT
    with pytest.raises(Unconfirmed):
        await adapter.send(TO, outgoing())
    post.plays.clear()
    await adapter.send(TO, outgoing())
    await mailer().send(TO, outgoing())
    assert {read(envelope.content)["Message-ID"] for envelope in post.mails} == {"<12-abc@example.org>"}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b@c",
        "a b@example.com",
        "用户@example.com",
        "a@example.com\r\nRCPT TO:<b@example.com>",
        "@x.com",
    ],
)
async def test_what_is_no_address_reaches_nobody(post: Post, mailer: Open, address: str) -> None:
    with pytest.raises(Unreachable):
        await mailer().send(address, outgoing())
    assert post.connections == 0


async def test_a_chinese_domain_is_written_in_its_other_letters(post: Post, mailer: Open) -> None:
    await mailer(sender="usher@例子.公司").send("wang@例子.公司", outgoing())
    (envelope,) = post.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("usher@xn--fsqu00a.xn--55qx5d", ["wang@xn--fsqu00a.xn--55qx5d"])


async def test_a_message_that_holds_no_mail_is_refused(post: Post, mailer: Open) -> None:
    with pytest.raises(Refused):
        await mailer().send(TO, Outgoing("1", Reply("hello")))
    with pytest.raises(Refused):
        await mailer().send(TO, outgoing(key="1\r\nBcc: x@example.com"))
    assert post.connections == 0


# Login and encryption

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


# Connections


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
    adapter = mailer()
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


async def test_logs_hold_neither_addresses_nor_words(
    post: Post, mailer: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the server's own
    adapter = mailer()
    await adapter.send(TO, outgoing())
    post.plays["RCPT"] = f"550 {NO}"
    with pytest.raises(Unreachable):
        await adapter.send(TO, outgoing())
    assert "wang" not in caplog.text
    assert "您好" not in caplog.text


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.01)
