"""What a mail looks like to whoever takes it apart: its parts in their places, its headers on their lines."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from bot.adapters.base import Attachment, Mail
from bot.adapters.email.convert import Sender, message, recipient
from bot.errors import Refused, Unreachable

AT = datetime(2019, 10, 9, 2, 30, tzinfo=UTC)
SENDER = Sender("家庭友好空间分享会", "usher@example.org")
PNG, ICS = b"\x89PNG\r\n\x1a\n\x00", "BEGIN:VCALENDAR\r\nSUMMARY:分享会\r\nEND:VCALENDAR\r\n".encode()
QR = Attachment("FFS-7K2M9Q.png", "image/png", PNG, "ticket")
FULL = Mail("报名已确认", "您好", '<img src="cid:ticket">', (QR, Attachment("a.pdf", "application/pdf", b"%PDF")), ICS)


def sent(mail: Mail, key: str = "7-abc", to: str = "wang@example.com", sender: Sender = SENDER) -> EmailMessage:
    """As it reads after the journey."""
    raw = message(mail, sender, to, key, AT).as_bytes()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert raw.isascii()
    return email.message_from_bytes(raw, policy=email.policy.default)


def shape(part: EmailMessage) -> object:
    kind = part.get_content_type()
    return (kind, [shape(inside) for inside in part.iter_parts()]) if part.is_multipart() else kind


def test_each_part_is_in_its_place() -> None:
    assert shape(sent(FULL)) == (
        "multipart/mixed",
        [
            (
                "multipart/alternative",
                ["text/plain", ("multipart/related", ["text/html", "image/png"])],
            ),
            "text/calendar",
            "application/pdf",
        ],
    )


def test_a_mail_of_words_alone_is_no_more_than_that() -> None:
    assert shape(sent(Mail("a", "b", "<p>c</p>"))) == ("multipart/alternative", ["text/plain", "text/html"])


def test_the_html_shows_the_picture_by_its_id() -> None:
    (picture,) = [part for part in sent(FULL).walk() if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<ticket>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_filename() == "FFS-7K2M9Q.png"
    assert picture.get_content() == PNG


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_the_calendar_entry_is_an_invitation_and_a_file(method: str) -> None:
    mail = Mail("a", "b", "c", calendar=ICS, method=method)
    (entry,) = [part for part in sent(mail).walk() if part.get_content_type() == "text/calendar"]
    assert (entry.get_param("method"), entry.get_param("name")) == (method, "event.ics")
    assert entry.get_content_charset() == "utf-8"
    assert (entry.get_content_disposition(), entry.get_filename()) == ("attachment", "event.ics")
    assert entry.get_payload(decode=True) == ICS


def test_the_headers() -> None:
    mail = sent(FULL)
    assert str(mail["From"]) == "家庭友好空间分享会 <usher@example.org>"
    assert mail["Date"].datetime == AT
    assert (mail["Message-ID"], mail["Auto-Submitted"]) == ("<7-abc@example.org>", "auto-generated")


EVIL = ["x\r\nBcc: evil@example.com", "x\nBcc: evil@example.com", "x\rBcc: a", "x\u2028Bcc: a", "x\x00y", "x\x85y"]


@pytest.mark.parametrize("evil", EVIL)
def test_no_subject_and_no_sender_makes_a_header_of_its_own(evil: str) -> None:
    mail = sent(Mail(evil, evil, evil), sender=Sender.read(f"{evil} <usher@example.org>"))
    assert mail["Bcc"] is None
    assert sorted(mail.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    )
    assert mail["Subject"].startswith("x ")
    assert mail["From"].addresses[0].addr_spec == "usher@example.org"


@pytest.mark.parametrize("key", ["", "a b", "a\r\nBcc: x", "a@b", "a>b", "é", "k" * 101])
def test_a_key_that_no_message_id_can_hold_is_refused(key: str) -> None:
    with pytest.raises(Refused):
        message(FULL, SENDER, "wang@example.com", key, AT)


def test_half_characters_do_not_stop_a_mail() -> None:
    mail = sent(Mail("a\ud83d", "b\ud83d", "c\ud83d"))
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().startswith("b")


def test_a_long_subject_is_one_header() -> None:
    subject = "会议通知：" + "家庭友好空间分享会" * 20
    assert sent(Mail(subject, "a", "b"))["Subject"] == subject


@pytest.mark.parametrize(
    ("setting", "name", "address"),
    [
        ("usher@example.org", "", "usher@example.org"),
        ("Usher <usher@example.org>", "Usher", "usher@example.org"),
        ('"IETP, Usher" <usher@example.org>', "IETP, Usher", "usher@example.org"),
        ("<usher@example.org>", "", "usher@example.org"),
        ("会务组<usher@例子.公司>", "会务组", "usher@xn--fsqu00a.xn--55qx5d"),
    ],
)
def test_the_sender_as_people_set_it(setting: str, name: str, address: str) -> None:
    assert Sender.read(setting) == Sender(name, address)


def test_addresses_are_written_as_servers_take_them() -> None:
    assert recipient("Wang.Fang@Example.com") == "Wang.Fang@example.com"
    assert recipient("wang@例子.公司") == "wang@xn--fsqu00a.xn--55qx5d"
    for wrong in ("用户@example.com", "wang", "wang@example.com\r\nBcc: x@example.com", "a@b, c@d", "<a@b.com>"):
        with pytest.raises(Unreachable) as raised:
            recipient(wrong)
        assert wrong not in str(raised.value)
