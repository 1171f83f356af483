"""Each answer of an SMTP server, each silence and each cut, and what it means to a sender: against a real server."""

from __future__ import annotations

import logging
import socket

import pytest

from bot.errors import TryLater, Unreachable, UsherError
from tests.adapters.email.answers import NO, ROWS
from tests.adapters.email.conftest import LONG, STEP, TO, Open, outgoing
from tests.mail_server import SILENCE, Post


@pytest.mark.parametrize(("step", "does", "error", "says"), ROWS, ids=[f"{row[0]} {row[1]}"[:30] for row in ROWS])
async def test_what_the_server_does_and_what_it_means(
    post: Post, mailer: Open, step: str, does: object, error: type[UsherError], says: str
) -> None:
    post.plays[step] = does
    with pytest.raises(error) as raised:
        await mailer(step=STEP if does is SILENCE else LONG).send(TO, outgoing())
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
    for step, does, _, _ in [row for row in ROWS if row[1] is not SILENCE][::7]:
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


@pytest.mark.parametrize(
    ("host", "says"), [("127.0.0.1:{closed}", "SMTPConnectError"), ("nowhere.invalid:25", "SMTPConnect")]
)
async def test_nobody_listens(mailer: Open, host: str, says: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    with pytest.raises(TryLater, match=says):
        await mailer(f"smtp://{host.format(closed=closed)}").send(TO, outgoing())


async def test_a_mail_takes_no_longer_than_its_limit(post: Post, mailer: Open) -> None:
    """Each step is within its time, all of them are not: a lane's lease would run out."""
    post.slow = 0.3
    with pytest.raises(TryLater, match="TimeoutError"):
        await mailer(limit=0.15).send(TO, outgoing())
    assert await mailer().send(TO, outgoing()) == ""


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
