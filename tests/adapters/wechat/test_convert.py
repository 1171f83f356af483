"""Pushes in, answers out: what each row of the platform's "Inbound" rules becomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import ParseError

import pytest

from bot.adapters.wechat import convert
from bot.adapters.wechat.convert import Account
from bot.errors import Forbidden
from bot.message import Address, Choice, Kind, Opened, Reply

MESSAGE = Opened("message", 5, timedelta(hours=48))
TAP = Opened("tap", 3, timedelta(minutes=1))
# Every sample body, and what it is for us: (kind, text, tapped, source, window), or None.
SAID = {
    "in_text": (Kind.TEXT, "this is a test", "", "", MESSAGE),
    "in_text_bizmsgmenu": (Kind.TEXT, "满意", "101", "", TAP),
    "in_text_control_char": (Kind.TEXT, " c", "", "", MESSAGE),
    "in_image": (Kind.MEDIA, "", "", "", MESSAGE),
    "in_voice_empty_recognition": (Kind.MEDIA, "", "", "", MESSAGE),
    "in_location": (Kind.MEDIA, "", "", "", MESSAGE),
    "ev_subscribe": (Kind.START, "", "", "", TAP),
    "ev_subscribe_qrscene": (Kind.START, "", "", "123123", TAP),
    "ev_SCAN": (Kind.START, "", "", "SCENE_VALUE", TAP),
    "ev_CLICK": (Kind.TEXT, "EVENTKEY", "", "", TAP),
    "ev_VIEW": None,
    "ev_LOCATION": None,
    "ev_TEMPLATESENDJOBFINISH": None,
    "ev_MASSSENDJOBFINISH": None,
    "ev_subscribe_msg_change": None,
    "ev_subscribe_msg_popup": None,
    "ev_subscribe_msg_sent": None,
}


def test_every_sample_of_a_push_is_in_the_table(samples):
    assert set(SAID) == {name for name in samples if not name.startswith("reply_")}


@pytest.mark.parametrize("name", SAID)
def test_samples(samples, understood, platform, name):
    push = understood(samples[name])
    assert push.unknown == ""
    if SAID[name] is None:
        assert push.message is None
        return
    message = push.message
    assert message
    assert (message.kind, message.text, message.tapped, message.source, message.opened) == SAID[name]
    assert message.sender == Address("wechat", platform.app_id, push.user_id)
    assert message.sent_at.tzinfo is UTC


def test_the_sample_with_a_control_character_is_not_well_formed_as_it_stands(samples, platform):
    with pytest.raises(ParseError):
        platform.tree(samples["in_text_control_char"])


def test_the_time_is_that_of_the_platform(understood, platform):
    assert understood(platform.text("hi", created="1570496400")).message.sent_at == datetime(2019, 10, 8, 1, tzinfo=UTC)


@pytest.mark.parametrize(("xml", "said"), [
    (lambda p: p.text("报名"), (Kind.TEXT, "报名", "", "", MESSAGE)),
    (lambda p: p.text("<!DOCTYPE html> & <b>"), (Kind.TEXT, "<!DOCTYPE html> & <b>", "", "", MESSAGE)),
    (lambda p: p.text("a\x00b\x1fc\ufffed\tе\n"), (Kind.TEXT, "abcd\tе\n", "", "", MESSAGE)),
    (lambda p: p.text("😀"), (Kind.TEXT, "😀", "", "", MESSAGE)),
    (lambda p: p.text(""), (Kind.MEDIA, "", "", "", MESSAGE)),
    (lambda p: p.text("\x01 \n"), (Kind.MEDIA, "", "", "", MESSAGE)),
    (lambda p: p.text("【收到不支持的消息类型，暂无法显示】"), (Kind.MEDIA, "", "", "", MESSAGE)),
    (lambda p: p.text("工厂", more="<bizmsgmenuid>form.category.factory</bizmsgmenuid>"),
     (Kind.TEXT, "工厂", "form.category.factory", "", TAP)),
    (lambda p: p.text("议程", more="<bizmsgmenuid>say</bizmsgmenuid>"), (Kind.TEXT, "议程", "", "", TAP)),
    (lambda p: p.text("议程", more="<bizmsgmenuid></bizmsgmenuid>"), (Kind.TEXT, "议程", "", "", MESSAGE)),
    (lambda p: p.text("议程", more=f"<bizmsgmenuid>{'x' * 129}</bizmsgmenuid>"), (Kind.TEXT, "议程", "", "", TAP)),
    (lambda p: p.text("议程", more="<bizmsgmenuid>表单 1</bizmsgmenuid>"), (Kind.TEXT, "议程", "", "", TAP)),
    (lambda p: p.body("voice", "<Recognition><![CDATA[我要报名]]></Recognition>"),
     (Kind.TEXT, "我要报名", "", "", MESSAGE)),
    (lambda p: p.body("voice", "<Recognition> </Recognition>"), (Kind.MEDIA, "", "", "", MESSAGE)),
    (lambda p: p.body("voice", ""), (Kind.MEDIA, "", "", "", MESSAGE)),
    *((lambda p, kind=kind: p.body(kind, ""), (Kind.MEDIA, "", "", "", MESSAGE))
      for kind in ("image", "video", "shortvideo", "location", "link", "file", "Image")),
    (lambda p: p.event("subscribe", "qrscene_poster-7"), (Kind.START, "", "", "poster-7", TAP)),
    (lambda p: p.event("subscribe", "qrscene_" + "s" * 70), (Kind.START, "", "", "s" * 64, TAP)),
    (lambda p: p.event("subscribe", "last_trade_no_4003"), (Kind.START, "", "", "", TAP)),
    (lambda p: p.event("SCAN", "qrscene_7"), (Kind.START, "", "", "qrscene_7", TAP)),
    (lambda p: p.event("unsubscribe"), (Kind.LEAVE, "", "", "", None)),
    (lambda p: p.event("CLICK", "议程"), (Kind.TEXT, "议程", "", "", TAP)),
])  # fmt: skip
def test_what_a_push_says(understood, platform, xml, said):
    push = understood(xml(platform))
    message = push.message
    assert message
    assert (message.kind, message.text, message.tapped, message.source, message.opened) == said
    assert push.unknown == ""


@pytest.mark.parametrize("event", ["view_miniprogram", "scancode_push", "pic_weixin", "location_select", "View"])
def test_pushes_that_need_no_answer(understood, platform, event):
    push = understood(platform.event(event, "key"))
    assert (push.message, push.unknown) == (None, "")


@pytest.mark.parametrize(("xml", "why", "user"), [
    (lambda p: p.event("kf_create_session"), "unknown Event", "oA"),
    (lambda p: p.event(""), "unknown Event", "oA"),
    (lambda p: p.body("hologram", ""), "unknown MsgType", "oA"),
    (lambda p: p.body("", ""), "unknown MsgType", "oA"),
    (lambda p: b"<xml/>", "missing", ""),
    (lambda p: b"<xml><Hello/></xml>", "missing", ""),
    (lambda p: p.text("x", user=""), "missing", ""),
    (lambda p: p.text("x", user="o A"), "missing", ""),
    (lambda p: p.text("x", user="o" * 65), "missing", ""),
    (lambda p: p.text("x", created=""), "missing", "oA"),
    (lambda p: p.text("x", created="yesterday"), "missing", "oA"),
    (lambda p: p.text("x", created="1" * 12), "missing", "oA"),
    (lambda p: p.text("x", created="-5"), "missing", "oA"),
    (lambda p: p.text("x", created="١٥٧٠٤٩٦٤٠٠"), "missing", "oA"),
    (lambda p: p.text("x").replace(b"ToUserName", b"To"), "missing", "oA"),
    (lambda p: p.text("x").replace(b"gh_ffs", b"gh ffs"), "missing", "oA"),
])  # fmt: skip
def test_rightly_signed_and_not_understood(understood, platform, xml, why, user):
    push = understood(xml(platform))
    assert push.message is None
    assert why in push.unknown
    assert (push.body, push.user_id) == (xml(platform), user)


def test_of_a_repeated_field_the_first_is_believed(understood, platform):
    push = understood(platform.text("hi", more="<FromUserName>oB</FromUserName><Content>ho</Content>"))
    assert (push.message.sender.user_id, push.user_id, push.message.text) == ("oA", "oA", "hi")


def test_windows_are_settings(platform, clock):
    account = Account.of(platform.settings(WINDOW="20/24h", TAP_WINDOW="1/30s"))
    opened = [convert.read(account, clock, *platform.safe(xml)).message.opened
              for xml in (platform.text("x"), platform.event("CLICK", "x"))]  # fmt: skip
    assert opened == [Opened("message", 20, timedelta(hours=24)), Opened("tap", 1, timedelta(seconds=30))]


REPLY = Reply(text="您好 <b>&amp; ]]> 😀\x00", choices=(Choice("议程", "议程", "agenda"),))
SHOWN = (
    "您好 ＜b＞＆amp; ]]＞ 😀\n\n"
    '<a href="weixin://bizmsgmenu?msgmenucontent=%E8%AE%AE%E7%A8%8B&msgmenuid=agenda">1 议程</a>'
)


def test_an_answer_goes_back_as_its_request_came(platform, account, plain, clock):
    for reader, sent in (
        (account, platform.safe(platform.text("hi"))),
        (Account.of(platform.settings(MODE="compatible")), platform.compatible(platform.text("hi"))),
        (Account.of(platform.settings(MODE="plain")), platform.safe(platform.text("hi"))),
    ):
        answer = convert.render(reader, convert.read(reader, clock, *sent), REPLY, clock.now())
        assert platform.shown(platform.opened(answer)) == SHOWN
    answer = convert.render(plain, convert.read(plain, clock, *platform.plain(platform.text("hi"))), REPLY, clock.now())
    assert platform.shown(answer) == SHOWN


def test_an_answer_is_addressed_to_who_wrote(understood, platform, account, clock):
    push = understood(platform.text("hi", user="oA_-9"))
    root = platform.tree(platform.opened(convert.render(account, push, REPLY, clock.now())))
    sent = {name: root.findtext(name) for name in ("ToUserName", "FromUserName", "CreateTime")}
    assert sent == {"ToUserName": "oA_-9", "FromUserName": "gh_ffs", "CreateTime": platform.timestamp}


@pytest.mark.parametrize("reply", [None, Reply(), Reply(text="\x00 \n")])
def test_nothing_to_say_is_success_and_never_sealed(understood, platform, account, clock, reply):
    assert convert.render(account, understood(platform.text("hi")), reply, clock.now()) == b"success"


def test_the_sample_answer_has_the_shape_of_ours(samples, platform, plain, clock):
    push = convert.read(plain, clock, *platform.plain(platform.text("hi")))
    ours = convert.render(plain, push, Reply(text="你好"), clock.now())
    assert platform.shown(ours) == platform.shown(samples["reply_text"])


def test_the_known_ciphertext_comes_through_as_a_push(vectors, platform, stopped_clock):
    """The demo's message is no XML: rightly signed, rightly sealed, and refused for that alone."""
    known = vectors["aes"]
    platform.token, platform.app_id, platform.aes_key = known["token"], known["appid"], known["encoding_aes_key"]
    account = Account.of(platform.settings())
    assert account.seal.open(known["cipher_b64"]).decode() == known["plain"]
    with pytest.raises(Forbidden, match="XML"):
        convert.read(account, stopped_clock(), *platform.envelope(known["cipher_b64"]))
