"""What arrives at an SMTP server, and to whom: the words as they were written, and no letter to what is no address."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest

from bot.adapters.base import Outgoing
from bot.clock import Clock
from bot.errors import Refused, Unconfirmed, Unreachable
from bot.message import Reply
from tests.adapters.email.conftest import TO, Open, outgoing
from tests.mail_server import CUT, Post


def read(content: bytes | str | None) -> EmailMessage:
    assert isinstance(content, bytes)
    return email.message_from_bytes(content, policy=email.policy.default)


def said(message: EmailMessage) -> str:
    """Its plain text."""
    text = message.get_body(("plain",))
    assert text is not None
    return str(text.get_content()).replace("\r\n", "\n")


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
    assert said(message) == "您好\n.\n..两点\n再见\n"


async def test_a_line_of_one_dot_ends_nothing(post: Post, mailer: Open) -> None:
    plain = "one\n.\n.two\n..\nRCPT TO:<evil@example.com>\n"
    await mailer().send(TO, outgoing(text=plain))
    (envelope,) = post.mails
    assert said(read(envelope.content)) == plain
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
