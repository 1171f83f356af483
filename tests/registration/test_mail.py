"""Mails: what they say in text and in HTML, what is attached, and that nothing in them comes from elsewhere."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
import vobject
import zxingcpp
from PIL import Image

from bot.adapters.base import Mail
from bot.content.facts import Venue
from bot.content.records import Content
from bot.content.words import LANGUAGES
from bot.delivery.people import Due
from bot.message import Address
from bot.registration.ticket import ticket_link
from bot.store.outbox import Route
from tests.registration.outgoing import PUBLIC, REFERENCE, SECRET, VENUE, WANG, composer, decision, due

TICKET = ticket_link(PUBLIC, SECRET, REFERENCE)
ENGLISH = replace(WANG, language="en", name="Anna Schmidt")


def mail(content: Content, row: Due, venue: Venue | None = None, sequence: int = 0, **more: Any) -> Mail:
    outgoing = composer(content, **more)(row, Route.EMAIL, venue, sequence)
    assert outgoing.mail is not None
    return outgoing.mail


class Shown(HTMLParser):
    """What a mail program shows of HTML: the words in their lines; what it loads and where links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._hidden = tag in ("style", "title")
        given = dict(attrs)
        self.loads += [str(given[name]) for name in ("src", "background", "srcset", "poster", "data") if name in given]
        if tag == "a":
            self.links.append(str(given["href"]))

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(data.strip())


def entry(sent: Mail) -> Any:
    """The calendar entry; its METHOD is the mail's."""
    shown = vobject.readOne(sent.calendar.decode())
    assert shown.method.value == sent.method
    return shown.vevent


ZH = f"""王芳您好：

您的报名已确认，期待与您见面。

时间：2019年10月22日（周二）9:30–16:00
会场：深圳，会场公布后马上发给您
编号：FFS-7K2M9Q

打开入场券：{TICKET}

到场出示这个二维码，或报编号 FFS-7K2M9Q。

打开附件里的日历文件，就能把会议加到您的日历。

来不了？请到您报名时用的微信公众号里发「取消报名」，名额让给别人。

--\x20
您收到这封邮件，是因为有人用这个邮箱报名了「家庭友好空间分享会」。"""


def test_a_confirmation_as_plain_text(content: Content) -> None:
    sent = mail(content, decision("confirmed"))
    assert sent.subject == "报名已确认：家庭友好空间分享会（FFS-7K2M9Q）"
    assert sent.text.startswith(ZH)


REMINDED = {"zh": "明天见！{cannot_come}", "en": "See you tomorrow! {cannot_come}"}


def reminded(content: Content, language: str, **who: Any) -> str:
    """A reminder of somebody, as their mail says it."""
    return mail(content, due("reminder", **REMINDED, person=replace(WANG, language=language, **who))).text


def test_a_reminder_by_mail_names_the_chat_where_a_place_is_given_back(content: Content) -> None:
    for channel, zh, en in (("wechat", "微信公众号", "WeChat account"), ("telegram", "Telegram", "Telegram chat")):
        chat = Address(channel, "a", "b")
        said = reminded(content, "zh", address=chat)
        assert f"请到您报名时用的{zh}" in said.replace(" ", "")
        assert "回复「取消报名」" not in said
        assert f"in the {en} where you registered" in reminded(content, "en", address=chat)
    assert "请到您报名时用的聊天里发「取消报名」" in reminded(content, "zh", address=None)
    assert "{" not in reminded(content, "zh")


def test_a_colleague_has_no_chat_and_is_told_whom_to_ask(content: Content) -> None:
    for status in ("confirmed", "declined", "cancelled"):
        for language, asks, chats in (
            ("zh", "替您报名的同事", "到您报名时用的"),
            ("en", "colleague who registered you", "where you"),
        ):
            person = replace(WANG, language=language, colleague=True)
            sent = mail(content, decision(status, person=person))
            shown = " ".join(Shown(sent.html).words)
            for said in (sent.text, shown):
                assert asks in said
                assert content.event.contact.name.of(language) in said
                assert chats not in said
    said = reminded(content, "zh", colleague=True)
    assert said.count("替您报名的同事") == 2


def test_html_says_the_same_as_the_text(content: Content) -> None:
    for language in LANGUAGES:
        for venue in (None, VENUE):
            sent = mail(content, decision("confirmed", person=replace(WANG, language=language)), venue)
            shown = " ".join(Shown(sent.html).words)
            flat = re.sub(r"https?://\S+|\s+|[:：]", "", shown)
            for line in sent.text.splitlines():
                words = re.sub(r"https?://\S+|\s+|[:：]", "", line)
                assert words in flat or line == "-- ", line


def test_a_confirmation_with_the_venue_in_english(content: Content) -> None:
    sent = mail(content, decision("confirmed", person=ENGLISH), VENUE)
    assert sent.subject == "You are confirmed: Family-Friendly Spaces Sharing Conference 2019 (FFS-7K2M9Q)"
    for line in (
        "Hello Anna Schmidt,",
        "When: Tuesday 22 October 2019, 9:30 to 16:00",
        "Where: Example Tower\n1 Example Road, Shenzhen",
        "Getting there: by metro",
        f"Open my ticket: {TICKET}",
    ):
        assert line in sent.text
    assert "announced" not in sent.text
    assert not re.search(r"[\u4e00-\u9fff]", sent.text + "".join(Shown(sent.html).words))
    assert sorted(link.partition("?")[0] for link in Shown(sent.html).links) == [
        "https://uri.amap.com/marker",
        TICKET,
    ]


def test_the_code_in_the_mail_opens_the_ticket(content: Content) -> None:
    sent = mail(content, decision("confirmed"))
    (picture,) = sent.attachments
    assert (picture.name, picture.media_type) == ("FFS-7K2M9Q.png", "image/png")
    assert Shown(sent.html).loads == [f"cid:{picture.cid}"]
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.content)).convert("L"))
    assert found.text == TICKET


def test_without_an_address_of_our_own_the_number_is_the_ticket(content: Content) -> None:
    sent = mail(content, decision("confirmed"), public_url=None)
    assert sent.attachments == ()
    assert "到场请报编号 FFS-7K2M9Q。" in sent.text
    assert "二维码" not in sent.text
    assert "<img" not in sent.html
    assert sent.calendar


def test_the_calendar_entry_of_a_confirmation(content: Content) -> None:
    event = entry(mail(content, decision("confirmed"), VENUE, 3))
    assert (event.uid.value, event.sequence.value, event.status.value) == ("FFS-7K2M9Q@usher", "3", "CONFIRMED")
    assert event.dtstart.value == datetime(2019, 10, 22, 1, 30, tzinfo=UTC)
    assert event.location.value == "示例大厦, 深圳市示例路1号"
    assert event.organizer.value == "mailto:usher@example.org"
    assert event.attendee.value == "mailto:wangfang@example.com"
    assert event.url.value == TICKET
    assert TICKET in event.description.value


def test_a_venue_announced_later_moves_the_entry(content: Content) -> None:
    row = due("broadcast", "会场定了！", more={"venue": True}, way="mail")
    sent = mail(content, row, VENUE, 4)
    event = entry(sent)
    assert (sent.method, event.uid.value, event.sequence.value) == ("REQUEST", "FFS-7K2M9Q@usher", "4")
    assert "会场定了！" in sent.text
    assert "会场：示例大厦\n深圳市示例路1号\n怎么去：坐地铁" in sent.text
    assert len(sent.attachments) == 1


OFF = [
    ("cancelled", "confirmed", "CANCEL", "报名已取消：", "您的报名已经取消"),
    ("declined", "confirmed", "CANCEL", "关于您的报名：", "未能为您安排名额"),
    ("declined", "pending", "", "关于您的报名：", "未能为您安排名额"),
    ("waitlisted", "pending", "", "您在候补名单里：", "已排在候补名单里"),
    ("pending", "waitlisted", "", "有空位了，等主办方审核：", "转为待审核"),
]


@pytest.mark.parametrize(("status", "before", "method", "subject", "says"), OFF)
def test_who_has_no_seat_gets_words_and_loses_the_entry(
    content: Content, status: str, before: str, method: str, subject: str, says: str
) -> None:
    sent = mail(content, decision(status, before), VENUE, 3)
    assert sent.subject == f"{subject}家庭友好空间分享会（FFS-7K2M9Q）"
    assert says in sent.text
    assert sent.attachments == ()
    assert TICKET not in sent.text + sent.html
    assert bool(sent.calendar) is bool(method)
    assert ("移除" in sent.text) is bool(method)
    if method:
        event = entry(sent)
        assert (sent.method, event.uid.value, event.sequence.value) == ("CANCEL", "FFS-7K2M9Q@usher", "4"), (
            "one more than the entry"
        )
        assert event.status.value == "CANCELLED"


def test_who_is_confirmed_after_all_has_the_newest_entry(content: Content) -> None:
    """Of the same sequence calendars believe the later DTSTAMP: RFC 5546, 2.1.5."""
    later = datetime(2019, 10, 10, 2, 0, tzinfo=UTC)
    first = entry(mail(content, decision("confirmed"), VENUE, 3))
    no = entry(mail(content, decision("declined", "confirmed", 2), VENUE, 3))
    yes = entry(mail(content, decision("confirmed", "declined", 3, due_at=later), VENUE, 3))
    assert no.uid.value == yes.uid.value
    assert (first.sequence.value, no.sequence.value) == ("3", "4")
    assert (no.sequence.value, no.dtstamp.value) < (yes.sequence.value, yes.dtstamp.value)


def test_who_moved_up_is_told_so(content: Content) -> None:
    sent = mail(content, decision("confirmed", "waitlisted"))
    assert sent.subject.startswith("有空位了，报名已确认：")
    assert "已从候补名单递补" in sent.text
    assert entry(sent).status.value == "CONFIRMED"


def test_a_reminder_shows_the_code_until_the_event_is_over(content: Content) -> None:
    reminder = next(reminder for reminder in content.reminders.reminders if reminder.id == "day-before")
    sent = mail(content, due("reminder", reminder.text.zh, reminder.text.en), VENUE)
    assert sent.subject == "会议提醒：家庭友好空间分享会"
    assert sent.text.startswith("王芳您好，明天见！9:30 开始。\n会场：示例大厦\n深圳市示例路1号\n怎么去：坐地铁")
    assert (len(sent.attachments), sent.calendar) == (1, b"")
    after = mail(content, due("reminder", "感谢您参加！", due_at=datetime(2019, 10, 22, 9, 0, tzinfo=UTC)), VENUE)
    assert after.attachments == ()


def test_a_broadcast_is_the_organizer_s_words(content: Content) -> None:
    sent = mail(content, due("broadcast", "第一段\n第二行\n\n第二段", person=replace(WANG, status="pending")))
    assert sent.subject == "会议通知：家庭友好空间分享会"
    assert sent.text.startswith("第一段\n第二行\n\n第二段\n\n-- \n")
    assert (sent.attachments, sent.calendar) == ((), b"")
    assert "第一段<br>第二行</p>" in sent.html


def test_what_people_typed_stays_words(content: Content) -> None:
    evil = '<img src="https://evil.example.com/x.png"><script>alert(1)</script>\r\nBcc: x@example.com'
    for row in (decision("confirmed", person=replace(WANG, name=evil)), due("broadcast", evil + "{name}")):
        sent = mail(content, row, VENUE)
        shown = Shown(sent.html)
        assert [source for source in shown.loads if not source.startswith("cid:")] == []
        assert "script" not in shown.tags
        assert "<script>alert(1)</script>" in " ".join(shown.words)


def test_nothing_in_a_mail_comes_from_elsewhere(content: Content) -> None:
    for row in (decision("confirmed"), decision("declined"), due("reminder", "x")):
        html = mail(content, row, VENUE).html
        shown = Shown(html)
        assert [source for source in shown.loads if not source.startswith("cid:")] == []
        assert shown.tags.isdisjoint({"script", "link", "iframe", "object", "form", "base"})
        assert "url(" not in html
        assert "@import" not in html
        assert "@font-face" not in html


def test_dark_screens_are_thought_of(content: Content) -> None:
    html = mail(content, decision("confirmed")).html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark)" in html


def test_a_reference_is_not_broken_across_lines(content: Content) -> None:
    html = mail(content, decision("confirmed")).html
    shown = html.count(">FFS-7K2M9Q<")
    assert shown == html.count('<span style="white-space:nowrap;">FFS-7K2M9Q</span>') >= 2
