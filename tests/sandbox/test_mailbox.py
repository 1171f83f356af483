"""The mailbox over real SMTP: what it keeps, what it shows, what it refuses, and mails that are none."""

from __future__ import annotations

import asyncio
import email
import logging
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from bot.clock import Clock
from bot.sandbox.mailbox import KEPT, ORDERS, SIZE, Mailbox
from bot.sandbox.mailbox_mail import read_mail
from bot.sandbox.page import Sandbox
from tests.letters import CALENDAR, PNG, letter, post


@pytest.fixture
async def mailbox(clock: Clock) -> AsyncIterator[Mailbox]:
    """An open mailbox."""
    opened = Mailbox(clock, slow=0.4)
    await opened.open()
    yield opened
    await opened.aclose()


@pytest.fixture
async def page(mailbox: Mailbox, wechat: Any, telegram: Any, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the page that shows it."""
    platforms = (await wechat())[0], (await telegram(webhook=False))[0]
    app = Starlette(routes=Sandbox(*platforms, clock, mailbox).routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x/sandbox/") as client:
        yield client


async def test_a_mail_is_kept_as_a_mail_program_shows_it(mailbox: Mailbox, clock: Clock) -> None:
    await post(mailbox.url, letter(), letter("ann@example.org", "Tomorrow"))
    first, second = mailbox.mails
    assert (first.sender, first.to) == ("家庭友好空间分享会 <usher@example.org>", "wangfang@example.com")
    assert (first.subject, first.recipients) == ("报名已确认 FFS-7K2M9Q", ("wangfang@example.com",))
    assert first.text.splitlines() == ["王芳您好，您的报名已确认。", ".一行以点开头"]
    assert "已确认" in first.html
    kinds = [(one.name, one.kind, one.content, one.inside) for one in first.attachments]
    assert kinds == [
        ("part-3.png", "image/png", PNG, "code"),
        ("会议.ics", "text/calendar", CALENDAR, ""),
        ("ticket.png", "image/png", PNG, ""),
    ]
    assert email.message_from_bytes(first.raw)["To"] == "wangfang@example.com"
    assert abs((clock.now() - first.at).total_seconds()) < 5  # the product's time, in 2019
    assert mailbox.of("ann@example.org") == [second]
    assert mailbox.of("nobody@example.org") == []
    assert (mailbox.mail(second.number), mailbox.mail(99)) == (second, None)


async def test_the_page_lists_opens_and_hands_out_a_mail(page: httpx.AsyncClient, mailbox: Mailbox) -> None:
    assert (await page.get("api/state")).json()["mail"] == {"version": "0", "mails": []}
    await post(mailbox.url, letter(), letter("ann@example.org", "Tomorrow"))
    state = (await page.get("api/state")).json()["mail"]
    assert [(row["number"], row["subject"], row["to"]) for row in state["mails"]] == [
        (2, "Tomorrow", ["ann@example.org"]),
        (1, "报名已确认 FFS-7K2M9Q", ["wangfang@example.com"]),
    ]
    assert (state["mails"][0]["at"], state["mails"][0]["from"]) == (
        "10-08 09:00",
        "家庭友好空间分享会 <usher@example.org>",
    )
    seen = await page.get("api/state", params={"mail_seen": state["version"]})
    assert seen.json()["mail"]["mails"] is None
    mail = (await page.get("api/mail/1")).json()
    assert (mail["html"], mail["text"].splitlines()[0]) == (True, "王芳您好，您的报名已确认。")
    # The picture that the HTML shows is no attachment to the eye.
    assert [(one["part"], one["name"], one["picture"]) for one in mail["files"]] == [
        (2, "会议.ics", False),
        (3, "ticket.png", True),
    ]
    calendar = await page.get("mail/1/2")
    assert (calendar.content, calendar.headers["content-type"]) == (CALENDAR, "text/calendar; charset=utf-8")
    assert calendar.headers["content-disposition"] == "attachment; filename*=UTF-8''%E4%BC%9A%E8%AE%AE.ics"
    assert (await page.get("mail/1/3")).content == PNG
    assert (await page.get("mail/1/source")).content == mailbox.mails[0].raw


async def test_a_mails_html_runs_and_fetches_nothing(page: httpx.AsyncClient, mailbox: Mailbox) -> None:
    await post(mailbox.url, letter())
    answer = await page.get("mail/1/html")
    policies = answer.headers.get_list("content-security-policy")
    assert len(policies) == 1
    rules = dict(rule.strip().partition(" ")[::2] for rule in policies[0].split(";"))
    assert rules["default-src"] == "'none'"
    assert "allow-scripts" not in rules["sandbox"]
    assert "allow-same-origin" not in rules["sandbox"]
    assert rules["img-src"] == "data:"
    assert "script-src" not in rules
    assert rules["frame-ancestors"] == "'self'"
    assert "data:image/png;base64," in answer.text
    assert "cid:" not in answer.text
    assert answer.text.startswith('<html><head><base target="_blank">')
    page_policy = (await page.get("")).headers["content-security-policy"]
    assert "frame-src 'self'" in page_policy
    assert "unsafe" not in page_policy
    for path in ("mail/1/1", "mail/1/source"):
        assert "sandbox" in (await page.get(path)).headers["content-security-policy"]
        assert (await page.get(path)).headers["x-content-type-options"] == "nosniff"


async def test_a_picture_named_a_million_times_stays_small(page: httpx.AsyncClient, mailbox: Mailbox) -> None:
    mail = letter()
    inside: Any = mail.get_payload()
    part = inside[0].get_payload()[1].get_payload()[0]
    part.set_content('<img src="cid:code">' * 40_000, subtype="html")
    mailbox.keep(["a@example.org"], mail.as_bytes())
    assert (await page.get("mail/1/html")).text.count("data:image/png") == 5


@pytest.mark.parametrize(
    "path",
    ["api/mail/2", "api/mail/0", "api/mail/x", "api/mail/99999999999", "api/mail/²", "mail/1/9", "mail/1/0", "mail/1/x",
     "mail/2/1", "mail/2/html", "mail/x/html", "mail/2/source", "mail/1/-1", "mail/../1/html"],
)  # fmt: skip
async def test_what_is_not_there(page: httpx.AsyncClient, mailbox: Mailbox, path: str) -> None:
    mailbox.keep(["a@example.org"], letter().as_bytes())
    assert (await page.get(path)).status_code == 404


HOSTILE = {
    "nothing": b"",
    "no header": b"\r\n\r\n",
    "no mail": bytes(range(256)) * 20,
    "a broken From": b"From: =?utf-8?b?//8=?= <\xff\xfe@[>\r\nTo: @@@,,;<\r\nSubject: =?x?q?=FF?=\r\n\r\nhello",
    "half a character": "Subject: \udcff\r\n\r\n\udcff".encode("utf-8", "surrogateescape"),
    "an unknown charset": b"Content-Type: text/plain; charset=klingon\r\n\r\nhello",
    "a charset that is none": b"Content-Type: text/plain; charset=rot13\r\n\r\nhello",
    "a charset with escapes": b"Content-Type: text/plain; charset=unicode_escape\r\n\r\n\\d\\xff\\u12",
    "broken base64": b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%",
    "unknown encoding": b"Content-Type: text/plain\r\nContent-Transfer-Encoding: what\r\n\r\nhello",
    "a name that leads out": b'Content-Type: a/b\r\nContent-Disposition: attachment; filename="../../x\r\ny"\r\n\r\nx',
    "a name that is code": b'Content-Type: a/b; name="=?utf-8?q?=0D=0AX:_y?="\r\n\r\nx',
    "a type that is code": b"Content-Type: text/<script>\r\nContent-ID: <\xff>\r\n\r\nx",
    "multipart with nothing": b"Content-Type: multipart/mixed\r\n\r\n",
    "no end": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>hello',
    "a mail inside": b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nhello",
    "a broken mail inside": b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n\xff",
    "ten thousand parts": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    + b"--b\r\n\r\nx\r\n" * 10_000
    + b"--b--",
    "nested without end": b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (depth, depth) for depth in range(1500)
    ),
    "mails in mails": b"Content-Type: message/rfc822\r\n\r\n" * 1500 + b"Subject: x\r\n\r\nhello",
    "open heads": b"Content-Type: text/html\r\n\r\n" + b"<head " * 50_000,
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_hostile_mail_is_shown_somehow(page: httpx.AsyncClient, mailbox: Mailbox, what: str) -> None:
    mailbox.keep(["a@\udcff.example"], HOSTILE[what])
    state = (await page.get("api/state")).json()
    assert len(state["mail"]["mails"]) == 1
    mail = (await page.get("api/mail/1")).json()
    assert (await page.get("mail/1/html")).status_code == 200
    assert (await page.get("mail/1/source")).content == HOSTILE[what]
    for one in mail["files"]:
        answer = await page.get(f"mail/1/{one['part']}")
        assert answer.status_code == 200
        assert "\r" not in answer.headers["content-disposition"]
        assert "/" not in one["name"]
    assert len(mail["files"]) <= 100


READABLE = ("an unknown charset", "a charset that is none", "unknown encoding", "no end", "a broken From")


@pytest.mark.parametrize("what", READABLE)
def test_what_can_be_read_of_a_hostile_mail_is(clock: Clock, what: str) -> None:
    mail = read_mail(1, clock.now(), (), HOSTILE[what])
    assert "hello" in mail.text + mail.html


async def test_the_mailbox_forgets_the_oldest_by_number_and_by_size(clock: Clock) -> None:
    mailbox = Mailbox(clock)
    for _ in range(KEPT + 5):
        mailbox.keep(["a@example.org"], b"Subject: x\r\n\r\n")
    assert (len(mailbox.mails), mailbox.mails[0].number, mailbox.mails[-1].number) == (KEPT, 6, KEPT + 5)
    for _ in range(20):
        mailbox.keep(["a@example.org"], bytes(SIZE))
    assert len(mailbox.mails) == 16  # 32 MiB of them
    mailbox.keep(["a@example.org"], b"Subject: x\r\n\r\n")
    assert len(mailbox.mails) == 16


async def test_too_large_a_mail_is_refused(mailbox: Mailbox) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = "usher@example.org", "a@example.org"
    mail.set_content("x\n" * SIZE)
    with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPDataError)) as refused:
        await post(mailbox.url, mail)
    assert refused.value.smtp_code == 552
    assert not mailbox.mails


# Switches


async def test_each_trouble_is_what_a_mail_server_does(mailbox: Mailbox) -> None:
    mailbox.order("busy", on=True)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await post(mailbox.url, letter())
    assert refused.value.recipients["wangfang@example.com"][0] == 451
    mailbox.order("busy", on=False)
    mailbox.order("down", on=True)
    with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
        await post(mailbox.url, letter())
    assert not mailbox.mails
    mailbox.order("down", on=False)
    mailbox.order("slow", on=True)
    sending = asyncio.create_task(post(mailbox.url, letter()))
    async with asyncio.timeout(5):
        while not mailbox.mails:
            await asyncio.sleep(0.01)
    assert not sending.done()  # kept already, and not yet acknowledged
    await sending
    mailbox.order("slow", on=False)
    await post(mailbox.url, letter())
    assert (len(mailbox.mails), mailbox.ordered) == (2, frozenset())


async def test_who_is_connected_when_the_server_goes_down_is_hung_up(mailbox: Mailbox) -> None:
    parts = urlsplit(mailbox.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    assert (await reader.readline()).startswith(b"220 ")
    mailbox.order("down", on=True)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_switches_are_set_and_shown_by_the_page(page: httpx.AsyncClient, mailbox: Mailbox) -> None:
    assert (await page.get("api/state")).json()["switches"]["mail"] == []
    for kind in ORDERS:
        answer = await page.post("api/mail/switch", json={"kind": kind, "on": True})
        assert kind in answer.json()["mail"]
    assert (await page.get("api/state")).json()["switches"]["mail"] == list(ORDERS)
    for kind in ORDERS:
        await page.post("api/mail/switch", json={"kind": kind, "on": False})
    assert mailbox.ordered == frozenset()


@pytest.mark.parametrize(
    ("target", "given", "status"),
    [
        ("mail", {"json": {"kind": "fire", "on": True}}, 400),
        ("mail", {"json": {"kind": ["down"], "on": True}}, 400),
        ("mail", {"json": {"kind": "down", "on": 1}}, 400),
        ("mail", {"json": {"kind": "down"}}, 400),
        ("mail", {"json": {"kind": "down", "on": True}, "headers": {"origin": "http://evil.example"}}, 400),
        ("mail", {"json": {"kind": "down", "on": True}, "headers": {"sec-fetch-site": "cross-site"}}, 400),
        ("mail", {"data": {"kind": "down", "on": "true"}}, 400),
        ("fax", {"json": {"kind": "down", "on": True}}, 404),
    ],
)
async def test_a_switch_is_turned_by_our_page_only(
    page: httpx.AsyncClient, mailbox: Mailbox, target: str, given: dict[str, Any], status: int
) -> None:
    assert (await page.post(f"api/{target}/switch", **given)).status_code == status
    assert mailbox.ordered == frozenset()


# Logs and rudeness


async def test_no_address_and_no_word_of_a_mail_is_logged(mailbox: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await post(mailbox.url, letter())
    parts = urlsplit(mailbox.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        b"EHLO x\r\nMAIL FROM:<\xff@\xfe>\r\nRCPT TO:<secret@example.org>\r\nDATA\r\n\xff\xfe\r\nVRFY secret\r\n"
    )
    await asyncio.sleep(0.1)
    writer.close()
    await asyncio.sleep(0.1)
    assert len(mailbox.mails) == 1
    said = " ".join(f"{record.getMessage()} {record.exc_info}" for record in caplog.records)
    for word in ("wangfang", "secret", "usher@example.org", "确认"):
        assert word not in said
    assert reader


def test_a_mail_that_cannot_be_parsed_is_its_own_text(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("bot.sandbox.mailbox_mail._contents", broken)
    mail = read_mail(1, clock.now(), ("a@example.org",), b"Subject: x\r\n\r\nhello \xff")
    assert (mail.subject, mail.text) == ("", "Subject: x\r\n\r\nhello \ufffd")
