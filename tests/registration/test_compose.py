"""Every message that leaves later, on each route: what it says, to whom, in which language, and how long it may be."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.adapters.base import Outgoing, Pin
from bot.adapters.wechat.text import fit
from bot.content.facts import Venue
from bot.content.records import Content
from bot.content.words import LANGUAGES, Words
from bot.delivery.people import Due, Person
from bot.errors import Refused
from bot.message import Reply
from bot.registration.ticket import ticket_link
from bot.store.outbox import Route
from tests.registration.outgoing import COLLEAGUE, PUBLIC, REFERENCE, SECRET, VENUE, WANG, composer, decision, due, text

TICKET = ticket_link(PUBLIC, SECRET, REFERENCE)
ENGLISH = replace(WANG, language="en", name="Anna Schmidt")
STRANGER = Person("c5", "zh", contact_id=5)
CHATS = (Route.TELEGRAM, Route.WECHAT_MESSAGE, Route.WECHAT_REPLY)
CONFIRMED = f"""王芳您好，您的报名（FFS-7K2M9Q）已确认！
2019年10月22日（周二）9:30–16:00 · 深圳
会场：公布后马上发给您。
入场二维码：{TICKET}
入场二维码和日历同时发到 wangfang@example.com。
来不了请回复「取消报名」，名额让给别人。"""


# Decisions


@pytest.mark.parametrize("route", CHATS)
def test_who_is_confirmed_learns_everything(content: Content, route: str) -> None:
    assert text(content, decision("confirmed"), route) == CONFIRMED


def test_the_venue_is_named_once_it_is_known(content: Content) -> None:
    said = text(content, decision("confirmed"), venue=VENUE)
    assert "会场：示例大厦\n深圳市示例路1号\n" in said
    assert "公布" not in said


def test_in_english(content: Content) -> None:
    said = text(content, decision("confirmed", person=ENGLISH))
    assert said.startswith(
        "Hello Anna Schmidt, your registration (FFS-7K2M9Q) is confirmed!\nTuesday 22 October 2019, 9:30"
    )
    assert "Venue: will be sent to you as soon as it is announced." in said
    assert not re.search(r"[\u4e00-\u9fff]", said)


DECIDED = [
    (("confirmed", "waitlisted"), "有空位了！您已从候补名单递补，报名（FFS-7K2M9Q）已确认", True),
    (("promoted", ""), "有空位了！您已从候补名单递补", True),
    (("confirmed", "pending"), "已确认", True),
    (("pending", "waitlisted"), "已从候补转为待审核", False),
    (("waitlisted", "pending"), "已排在候补名单里", False),
    (("declined", "pending"), "未能为您安排名额", False),
    (("cancelled", "confirmed"), "已取消", False),
]


@pytest.mark.parametrize(("change", "says", "seated"), DECIDED)
def test_each_decision_has_its_words_and_only_a_seat_has_a_ticket(
    content: Content, change: tuple[str, str], says: str, seated: bool
) -> None:
    said = text(content, decision(*change))
    assert says in said
    assert said.startswith("王芳您好，")
    assert (TICKET in said) is seated
    assert ("取消报名" in said) is seated


@pytest.mark.parametrize("change", [row[0] for row in DECIDED])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_decision_is_said_on_every_route(content: Content, change: tuple[str, str], language: str) -> None:
    row = decision(*change, person=replace(WANG, language=language))
    for route in Route:
        outgoing = composer(content)(row, route, VENUE, 3)
        assert (
            "{" not in f"{outgoing.reply.text}{outgoing.mail}".replace("{ c", "").replace("{\n", "").split("<style>")[0]
        )
        for value in outgoing.data.values():
            assert 0 < len(value) <= 20
            assert "\n" not in value
        if outgoing.mail:
            assert "{" not in outgoing.mail.text + outgoing.mail.subject


def test_a_decision_nobody_has_words_for_is_refused(content: Content) -> None:
    for status in ("", "maybe"):
        with pytest.raises(Refused):
            text(content, due("decision", more={"decision": status}))


def test_where_no_mail_is_sent_none_is_promised(content: Content) -> None:
    assert "wangfang" not in text(content, decision("confirmed"), mail_from="")
    assert "发到" not in text(content, decision("confirmed", person=replace(WANG, email="")))


def test_where_we_have_no_address_there_is_no_ticket_link(content: Content) -> None:
    said = text(content, decision("confirmed"), public_url=None)
    assert "http" not in said
    assert "入场二维码：" not in said


def test_who_registered_a_colleague_is_asked_to_pass_it_on(content: Content) -> None:
    said = text(content, decision("confirmed", person=COLLEAGUE))
    assert said.startswith("请转告您的同事李四：\n李四您好，您的报名")
    english = text(content, decision("declined", person=replace(COLLEAGUE, language="en", name="Li Si")))
    assert english.startswith("Please pass this on to your colleague Li Si:\nHello Li Si,")


def test_a_colleague_s_own_mail_is_for_them_alone(content: Content) -> None:
    mail = composer(content)(decision("confirmed", person=COLLEAGUE), Route.EMAIL, None, 0).mail
    assert mail is not None
    assert "转告" not in mail.text


# Reminders and broadcasts


def test_a_reminder_is_filled_with_what_is_known_now(content: Content) -> None:
    row = due("reminder", "{name}您好，{event.starts} 开始。\n会场：{venue.text}\n编号 {reference}")
    assert (
        text(content, row) == f"王芳您好，9:30 开始。\n会场：公布后马上发给您。\n编号 FFS-7K2M9Q\n入场二维码：{TICKET}"
    )
    assert "会场：示例大厦\n深圳市示例路1号\n编号" in text(content, row, venue=VENUE)


def test_after_the_event_nobody_needs_a_ticket(content: Content) -> None:
    row = due("reminder", "感谢您参加", due_at=datetime(2019, 10, 22, 9, 0, tzinfo=UTC))
    assert text(content, row) == "感谢您参加"


def test_only_who_has_a_seat_gets_a_ticket(content: Content) -> None:
    for status in ("pending", "waitlisted", "declined", "cancelled", ""):
        assert TICKET not in text(content, due("reminder", "x", person=replace(WANG, status=status)))


def test_a_plain_broadcast_is_the_organizer_s_words_and_nothing_else(content: Content) -> None:
    for route in CHATS:
        assert text(content, due("broadcast", "午餐改在12点。", "Lunch is at 12."), route) == "午餐改在12点。"
    assert text(content, due("broadcast", "午餐", "Lunch is at 12.", person=ENGLISH)) == "Lunch is at 12."


def test_where_a_language_is_missing_the_other_is_told(content: Content) -> None:
    assert text(content, due("broadcast", "只有中文", person=ENGLISH)) == "只有中文"
    assert text(content, due("broadcast", "", "only English")) == "only English"


def test_without_any_text_nothing_is_sent(content: Content) -> None:
    for route in Route:
        with pytest.raises(Refused):
            composer(content)(due("broadcast"), route, VENUE, 0)


def test_who_has_no_registration_is_greeted_all_the_same(content: Content) -> None:
    assert text(content, due("broadcast", "{name}您好！", person=STRANGER)) == "朋友您好！"
    english = due("broadcast", "", "Hello {name}!", person=replace(STRANGER, language="en"))
    assert text(content, english) == "Hello there!"


@pytest.mark.parametrize("asks", ["编号 {reference}", "{event.nonsense}", "{phone}"])
def test_a_text_that_cannot_be_filled_is_refused(content: Content, asks: str) -> None:
    for route in (Route.TELEGRAM, Route.EMAIL, Route.WECHAT_MESSAGE):
        with pytest.raises(Refused, match="there is none for this person"):
            composer(content)(due("broadcast", asks, person=STRANGER), route, None, 0)


def test_what_a_name_holds_is_not_filled_again(content: Content) -> None:
    row = due("broadcast", "{name}您好", person=replace(WANG, name="{event.city}{reference}"))
    assert text(content, row) == "{event.city}{reference}您好"


# The venue


def with_venue(**more: Any) -> Due:
    return due("broadcast", "会场定了！", "The venue is fixed!", more={"venue": True}, **more)


def test_the_venue_comes_with_a_pin_on_telegram(content: Content) -> None:
    outgoing = composer(content)(with_venue(), Route.TELEGRAM, VENUE, 0)
    assert outgoing.pin == Pin(22.5431, 114.0579, "示例大厦", "深圳市示例路1号")
    assert outgoing.reply.text == f"会场定了！\n会场：示例大厦\n深圳市示例路1号\n怎么去：坐地铁\n入场二维码：{TICKET}"
    english = composer(content)(with_venue(person=ENGLISH), Route.TELEGRAM, VENUE, 0)
    assert english.pin == Pin(22.5431, 114.0579, "Example Tower", "1 Example Road, Shenzhen")


def test_the_venue_comes_with_a_map_on_wechat(content: Content) -> None:
    for route in (Route.WECHAT_MESSAGE, Route.WECHAT_REPLY):
        outgoing = composer(content)(with_venue(), route, VENUE, 0)
        assert outgoing.pin is None
        (link,) = re.findall(r"看地图：(\S+)", outgoing.reply.text)
        parts = urlsplit(link)
        assert (parts.scheme, parts.netloc, parts.path) == ("https", "uri.amap.com", "/marker")
        assert parse_qs(parts.query) == {
            "position": ["114.057900,22.543100"],
            "name": ["示例大厦"],
            "coordinate": ["wgs84"],
        }


def test_without_the_venue_there_is_neither(content: Content) -> None:
    outgoing = composer(content)(due("broadcast", "午餐"), Route.TELEGRAM, VENUE, 0)
    assert outgoing.pin is None
    assert "amap" not in composer(content)(due("broadcast", "午餐"), Route.WECHAT_MESSAGE, VENUE, 0).reply.text


def test_a_venue_that_nobody_published_cannot_be_sent(content: Content) -> None:
    for route in (Route.TELEGRAM, Route.WECHAT_MESSAGE, Route.EMAIL):
        with pytest.raises(Refused, match="venue"):
            composer(content)(with_venue(), route, None, 0)


# WeChat's limits

LONG = Venue(Words(zh="厦" * 60, en="T" * 60), Words(zh="路" * 120, en="R" * 120), 22.5, 114.0,
             Words(zh="走" * 300, en="w" * 300))  # fmt: skip


def test_what_is_good_to_have_gives_way_to_what_must_be_said(content: Content) -> None:
    filler = "字" * 620
    said = text(content, due("reminder", filler), Route.WECHAT_MESSAGE)
    assert said == f"{filler}\n入场二维码：{TICKET}"
    longer = "字" * 640
    assert text(content, due("reminder", longer), Route.WECHAT_MESSAGE) == longer
    assert TICKET in text(content, due("reminder", longer), Route.TELEGRAM)


def test_the_shipped_reminders_reach_everybody_also_beside_the_longest_venue(content: Content) -> None:
    person = replace(WANG, name="王" * 80, colleague=True)
    for reminder in content.reminders.reminders:
        row = due("reminder", reminder.text.zh, reminder.text.en, person=person)
        for venue in (None, VENUE, LONG):
            reply = Reply(text(content, row, Route.WECHAT_MESSAGE, venue))
            assert fit(reply) == (reply, "")


# Templates


def test_a_template_says_what_when_where_in_short(content: Content) -> None:
    row = due("reminder", "长的", "long", short="会议明天举行，期待见到您")
    outgoing = composer(content)(row, Route.WECHAT_TEMPLATE, VENUE, 0)
    assert outgoing.template == "TEMPLATE-R"
    assert outgoing.link == TICKET
    assert outgoing.data == {
        "thing1": "家庭友好空间分享会",
        "time2": "2019年10月22日 9:30",
        "thing3": "示例大厦",
        "thing4": "会议明天举行，期待见到您",
    }


def test_a_template_is_cut_before_the_platform_does(content: Content) -> None:
    venue = replace(VENUE, name=Words(zh="很\n长" * 20, en="x"))
    row = due("reminder", "x", short="一" * 20, person=COLLEAGUE)
    data = composer(content)(row, Route.WECHAT_TEMPLATE, venue, 0).data
    assert data["thing4"] == "李四：" + "一" * 16 + "…"
    assert data["thing3"].endswith("…")
    english = composer(content)(replace(row, person=ENGLISH), Route.WECHAT_TEMPLATE, None, 0).data
    assert english["thing1"] == "Family-Friendly Spa…"
    assert all(len(value) <= 20 and "\n" not in value for value in [*data.values(), *english.values()])


def test_without_a_short_form_the_template_says_that_there_is_something(content: Content) -> None:
    outgoing = composer(content)(due("reminder", "长的"), Route.WECHAT_TEMPLATE, None, 0)
    assert (outgoing.data["thing4"], outgoing.data["thing3"]) == ("会议提醒，请点开查看", "深圳")


@pytest.mark.parametrize(
    ("change", "short"),
    [(("confirmed", "waitlisted"), "有空位了，报名已确认"), (("declined", ""), "很抱歉，未能安排名额")],
)
def test_a_decision_s_template(content: Content, change: tuple[str, str], short: str) -> None:
    outgoing = composer(content)(decision(*change), Route.WECHAT_TEMPLATE, None, 0)
    assert (outgoing.template, outgoing.data["thing4"]) == ("TEMPLATE-D", short)


def test_a_kind_without_a_template_is_refused(content: Content) -> None:
    with pytest.raises(Refused, match="template"):
        composer(content)(due("broadcast", "x"), Route.WECHAT_TEMPLATE, None, 0)


def test_every_short_form_fits_a_field(content: Content) -> None:
    shorts = [words for key, words in content.texts.items() if key.startswith("template.")]
    assert len(shorts) == 8
    assert [words for words in shorts if max(len(words.zh), len(words.en)) > 20] == []


# The key


def test_the_key_is_the_same_at_every_try_and_on_every_route(content: Content) -> None:
    row = due("reminder", "x", short="y")
    keys = {composer(content)(replace(row, attempts=n), route, None, n).key for n in (1, 2) for route in Route}
    assert len(keys) == 1
    assert re.fullmatch(r"7-[0-9a-f]{16}", keys.pop())


def test_no_two_deliveries_share_a_key_nor_do_two_installations(content: Content) -> None:
    row = due("reminder", "x")
    others = [
        replace(row, id=8),
        replace(row, way="mail"),
        replace(row, announcement_id="A2"),
        replace(row, person=replace(WANG, key="r2")),
    ]
    keys = {composer(content)(one, Route.TELEGRAM, None, 0).key for one in (row, *others)}
    keys.add(composer(content, secret=b"another")(row, Route.TELEGRAM, None, 0).key)
    assert len(keys) == 6


def test_composing_twice_gives_the_same(content: Content) -> None:
    def made(route: str) -> Outgoing:
        return composer(content)(decision("confirmed"), route, VENUE, 2)

    for route in Route:
        assert made(route) == made(route)
