"""Pushes in, answers out: each row of the platform's "Inbound" rules."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode
from xml.etree.ElementTree import ParseError

import pytest

from bot.adapters.wechat import convert
from bot.adapters.wechat.convert import Account
from bot.errors import Forbidden
from bot.message import Address, Choice, Kind, Opened, Reply

MESSAGE = Opened("message", 5, timedelta(hours=48))
TAP = Opened("tap", 3, timedelta(minutes=1))


@pytest.fixture
def account(platform) -> Account:
    return Account.of(platform.settings())


@pytest.fixture
def plain(platform) -> Account:
    return Account.of(platform.settings(MODE="plain", AES_KEY=""))


@pytest.fixture
def understood(platform, account, clock):
    """What becomes of an XML that comes in safe mode."""
    return lambda xml: convert.read(account, clock, *platform.safe(xml))


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


def body(platform, kind: str, inside: str) -> bytes:
    return platform.text("x").replace(b"[text]", f"[{kind}]".encode()).replace(b"</xml>", f"{inside}</xml>".encode())


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
    (lambda p: body(p, "voice", "<Recognition><![CDATA[我要报名]]></Recognition>"),
     (Kind.TEXT, "我要报名", "", "", MESSAGE)),
    (lambda p: body(p, "voice", "<Recognition> </Recognition>"), (Kind.MEDIA, "", "", "", MESSAGE)),
    (lambda p: body(p, "voice", ""), (Kind.MEDIA, "", "", "", MESSAGE)),
    *((lambda p, kind=kind: body(p, kind, ""), (Kind.MEDIA, "", "", "", MESSAGE))
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
    (lambda p: body(p, "hologram", ""), "unknown MsgType", "oA"),
    (lambda p: body(p, "", ""), "unknown MsgType", "oA"),
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


# The dedupe key: appid + FromUserName + CreateTime + MsgType + (MsgId | Event + EventKey + MsgID + the rest).


def key(understood, xml: bytes) -> str:
    return understood(xml).message.id


@pytest.mark.parametrize("other", [
    lambda p: p.text("hi", user="oB"),  # equal MsgIds of different people
    lambda p: p.text("hi", created="1570496401"),
    lambda p: p.text("hi", msg_id="2"),
    lambda p: body(p, "image", ""),
    lambda p: p.event("CLICK"),
    lambda p: p.text("hi", msg_id=""),
])  # fmt: skip
def test_other_messages_have_other_keys(understood, platform, other):
    assert key(understood, platform.text("hi")) != key(understood, other(platform))


def test_different_events_of_one_second_have_different_keys(understood, platform):
    events = [
        platform.event("subscribe"), platform.event("unsubscribe"), platform.event("SCAN"), platform.event("CLICK"),
        platform.event("CLICK", "a"), platform.event("CLICK", "b"), platform.event("CLICK", user="oB"),
        platform.event("CLICK", created="1570496401"), platform.event("CLICK", more="<MsgID>7</MsgID>"),
        platform.event("CLICK", more="<Ticket>7</Ticket>"), platform.event("CLICK", more="<MenuId>7</MenuId>"),
        platform.event("CLICK", more="<List><A>1</A></List>"), platform.event("CLICK", more="<List><A>2</A></List>"),
    ]  # fmt: skip
    assert len({key(understood, event) for event in events}) == len(events)


def test_copies_have_one_key_however_they_are_written(understood, platform, plain, clock):
    one = platform.text("hi", more="<MsgDataId>x</MsgDataId>")
    other = platform.text("hi").replace(b"<![CDATA[oA]]>", b"oA").replace(b"<Content>", b"\n  <Content>")
    assert key(understood, one) == key(understood, other)
    assert convert.read(plain, clock, *platform.plain(one)).message.id == key(understood, one)
    event = platform.event("CLICK", "a", more="<MenuId>7</MenuId>")
    turned = event.replace(b"<MenuId>7</MenuId>", b"").replace(b"<xml>", b"<xml><MenuId>7</MenuId>")
    assert key(understood, event) == key(understood, turned)


def test_another_account_has_other_keys(understood, platform, clock):
    ours = key(understood, platform.text("hi"))
    platform.app_id = "wx0000000000000000"
    theirs = convert.read(Account.of(platform.settings()), clock, *platform.safe(platform.text("hi"))).message.id
    assert ours != theirs


def test_a_key_holds_no_personal_data(understood, platform):
    assert set(key(understood, platform.text("王芳"))) <= set(string.hexdigits)
    assert len(key(understood, platform.text("王芳"))) == 64


# Whom to believe.


def test_the_check_of_the_address(platform, account, clock):
    assert convert.echo(account, clock, platform.check()) == b"4375120948345356249"
    assert convert.echo(account, clock, platform.check("A+b/c= &<x>")) == b"A+b/c= &<x>"


def test_the_known_check(vectors, platform, stopped_clock):
    known = vectors["get_verify"]
    account = Account.of(platform.settings(TOKEN=known["token"]))
    clock = stopped_clock(datetime.fromtimestamp(int(known["timestamp"]), UTC))
    query = {name: known[name] for name in ("signature", "timestamp", "nonce", "echostr")}
    assert convert.echo(account, clock, urlencode(query).encode()) == known["echostr"].encode()


def changed(query: bytes, **to: str | None) -> bytes:
    pairs = dict(parse_qsl(query.decode(), keep_blank_values=True)) | to
    return urlencode([(name, value) for name, value in pairs.items() if value is not None]).encode()


QUERY_FAULTS = {
    "signature wrong": lambda q: changed(q, signature="0" * 40, msg_signature="0" * 40),
    "signature empty": lambda q: changed(q, signature="", msg_signature=""),
    "signature missing": lambda q: changed(q, signature=None, msg_signature=None),
    "signature in capitals": lambda q: changed(
        q, **{name: value.upper() for name, value in parse_qsl(q.decode()) if name.endswith("signature")}
    ),
    "signature not ASCII": lambda q: changed(q, signature="é" * 40, msg_signature="é" * 40),
    "signature no UTF-8": lambda q: changed(q, signature=None, msg_signature=None) + b"&msg_signature=%ff",
    "another nonce": lambda q: changed(q, nonce="7"),
    "nonce missing": lambda q: changed(q, nonce=None),
    "nonce huge": lambda q: changed(q, nonce="7" * 5000),
    "nonce not ASCII": lambda q: changed(q, nonce="七"),
    "nonce with markup": lambda q: changed(q, nonce="]]>"),
    "another timestamp": lambda q: changed(q, timestamp=str(int(dict(parse_qsl(q.decode()))["timestamp"]) + 1)),
    "timestamp missing": lambda q: changed(q, timestamp=None),
    "timestamp empty": lambda q: changed(q, timestamp=""),
    "timestamp in words": lambda q: changed(q, timestamp="now"),
    "timestamp negative": lambda q: changed(q, timestamp="-1"),
    "timestamp huge": lambda q: changed(q, timestamp="9" * 400),
    "timestamp in other digits": lambda q: changed(q, timestamp="١٥٧٠٤٩٦٤٠٠"),
    "a parameter twice": lambda q: q + b"&nonce=1372623149",
    "a strange parameter twice": lambda q: q + b"&a=1&a=1",
    "a parameter not ASCII": lambda q: q + b"&a=%E4%B8%83",
    "raw bytes": lambda q: q + b"&a=\xff",
    "many parameters": lambda q: q + b"".join(b"&a%d=1" % number for number in range(30)),
    "huge": lambda q: q + b"&a=" + b"x" * 3000,
    "nothing": lambda q: b"",
}


@pytest.mark.parametrize("name", QUERY_FAULTS)
def test_a_faulty_query_is_refused_everywhere(platform, account, plain, clock, name):
    fault, xml = QUERY_FAULTS[name], platform.text("hi")
    with pytest.raises(Forbidden):
        convert.echo(account, clock, fault(platform.check()))
    for reader, (query, sent) in ((account, platform.safe(xml)), (plain, platform.plain(xml))):
        assert convert.read(reader, clock, query, sent).message
        with pytest.raises(Forbidden):
            convert.read(reader, clock, fault(query), sent)


@pytest.mark.parametrize("echostr", [None, "", "七", "a\nb", "x" * 513])
def test_an_address_check_without_a_proper_echo_is_refused(platform, account, clock, echostr):
    with pytest.raises(Forbidden):
        convert.echo(account, clock, changed(platform.check(), echostr=echostr))


@pytest.mark.parametrize(("late", "let_in"), [
    (-301, False), (-300, True), (0, True), (5, True), (15, True), (300, True), (301, False), (86400, False),
])  # fmt: skip
def test_repeats_within_five_minutes_are_let_in_and_old_ones_are_not(platform, account, stopped_clock, late, let_in):
    clock = stopped_clock(platform.now + timedelta(seconds=late))
    query, sent = platform.safe(platform.text("hi"))
    if let_in:
        assert convert.read(account, clock, query, sent).message
        assert convert.echo(account, clock, platform.check())
        return
    with pytest.raises(Forbidden):
        convert.read(account, clock, query, sent)
    with pytest.raises(Forbidden):
        convert.echo(account, clock, platform.check())


@pytest.mark.parametrize(("years", "let_in"), [(0, True), (7, True), (3, False)])
def test_while_the_product_clock_is_set_either_clock_will_do(platform, account, stopped_clock, years, let_in):
    """The phone of the demo lives in 2019, a real platform lives today."""
    really = platform.now + timedelta(days=365 * 7)
    clock = stopped_clock(really, start=platform.now)
    platform.timestamp = str(int((platform.now + timedelta(days=365 * years)).timestamp()))
    if let_in:
        assert convert.read(account, clock, *platform.safe(platform.text("hi"))).message
    else:
        with pytest.raises(Forbidden):
            convert.read(account, clock, *platform.safe(platform.text("hi")))


def nested(depth: int) -> bytes:
    return b"<xml>" + b"<a>" * (depth - 1) + b"</a>" * (depth - 1) + b"</xml>"


BAD_XML = {
    "empty": b"",
    "white space": b" \n",
    "JSON": b'{"a": 1}',
    "no end": b"<xml><a>",
    "crossed": b"<xml><a><b></a></b></xml>",
    "two roots": b"<xml/><xml/>",
    "another root": b"<html><body/></html>",
    "words around": b"hello <xml/>",
    "not UTF-8": b"<xml><a>\xff\xfe</a></xml>",
    "UTF-16": "<xml/>".encode("utf-16"),
    "half a surrogate": b"<xml><a>\xed\xa0\x80</a></xml>",
    "illegal reference": b"<xml><a>&#8;</a></xml>",
    "unknown entity": b"<xml><a>&name;</a></xml>",
    "DOCTYPE": b"<!DOCTYPE xml><xml><a>1</a></xml>",
    "DOCTYPE in small letters": b"<!doctype xml><xml/>",
    "DOCTYPE with an entity": b'<!DOCTYPE xml [<!ENTITY a "b">]><xml><a>&a;</a></xml>',
    "DOCTYPE that reads a file": b'<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><a>&a;</a></xml>',
    "DOCTYPE elsewhere": b'<!DOCTYPE xml SYSTEM "http://127.0.0.1/x.dtd"><xml/>',
    "a laugh": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><xml>&b;</xml>',
    "17 levels": nested(17),
    "9000 levels": nested(9000),
    "9000 levels open": b"<xml>" + b"<a>" * 9000,
}


@pytest.mark.parametrize("name", BAD_XML)
def test_bad_xml_is_refused_in_the_open_and_inside(platform, account, plain, clock, name):
    for reader, sent in (
        (plain, platform.plain(BAD_XML[name])),
        (account, platform.safe(BAD_XML[name])),
        (account, (platform.safe(b"<xml/>")[0], BAD_XML[name])),
    ):
        with pytest.raises(Forbidden):
            convert.read(reader, clock, *sent)


@pytest.mark.parametrize("good", [nested(16), b"\n <xml/>\n", b"\xef\xbb\xbf<xml/>", b'<?xml version="1.0"?><xml/>'])
def test_unusual_xml_that_is_none_the_worse(platform, plain, clock, good):
    assert convert.read(plain, clock, *platform.plain(good)).unknown


def test_a_body_may_have_64_kib(platform, plain, clock):
    empty = len(platform.text(""))
    whole = platform.text("x" * (64 * 1024 - empty))
    assert len(whole) == 64 * 1024
    assert convert.read(plain, clock, *platform.plain(whole)).message
    with pytest.raises(Forbidden):
        convert.read(plain, clock, *platform.plain(platform.text("x" * (64 * 1024 - empty + 1))))


def test_safe_mode_believes_nothing_in_the_open(platform, account, clock):
    query, sent = platform.plain(platform.text("hi"))
    for mode in ("safe", "compatible"):
        reader = Account.of(platform.settings(MODE=mode))
        for faulty in (query, query + b"&encrypt_type=raw", query + b"&encrypt_type=aes", query + b"&encrypt_type="):
            with pytest.raises(Forbidden):
                convert.read(reader, clock, faulty, sent)


def test_safe_mode_goes_by_msg_signature_alone(platform, account, clock):
    query, sent = platform.safe(platform.text("hi"))
    assert convert.read(account, clock, changed(query, signature="wrong"), sent).message
    assert convert.read(account, clock, changed(query, signature=None), sent).message
    assert convert.read(account, clock, changed(query, encrypt_type=None), sent).message
    right_for_the_query = platform.sign(platform.timestamp, platform.nonce)
    with pytest.raises(Forbidden):
        convert.read(account, clock, changed(query, msg_signature=right_for_the_query), sent)


def test_safe_mode_covers_the_body(platform, account, clock):
    query, _ = platform.safe(platform.text("报名"))
    _, other = platform.safe(platform.text("取消报名"))
    with pytest.raises(Forbidden):
        convert.read(account, clock, query, other)


def moved_signature(platform) -> tuple[bytes, bytes, bytes]:
    """A push whose message holds another one, and the query and the body that cut the first part off.

    The parts are signed without a border, so a nonce that takes whole blocks from Encrypt leaves the signature right.
    """
    inner = platform.text("forged", user="oVictim")
    sealed = b"0123456789abcdef" + len(inner).to_bytes(4, "big") + inner + platform.app_id.encode()
    platform.nonce = "9"
    for salt in range(10_000):
        before = salt.to_bytes(16, "big") + (76 + len(sealed)).to_bytes(4, "big") + b"x" * 76  # 128 of base64
        encrypted = platform.crypt(platform.pad(before + sealed))
        nonce, rest = "9" + encrypted[:128], encrypted[128:]
        if platform.sign(platform.timestamp, nonce, rest) == platform.sign(platform.timestamp, "9", encrypted):
            query, _ = platform.envelope(encrypted)
            return query, changed(query, nonce=nonce), b"<xml><Encrypt>" + rest.encode() + b"</Encrypt></xml>"
    raise AssertionError("no such message found")


def test_a_signature_cannot_be_moved_to_a_later_part_of_the_message(platform, account, clock, monkeypatch):
    query, forged, body = moved_signature(platform)
    for asked in (query, forged):
        with pytest.raises(Forbidden):
            convert.read(account, clock, asked, body)
    monkeypatch.setattr(convert, "_NONCE", re.compile(".+"))  # without the guard it would be believed
    assert convert.read(account, clock, forged, body).message.sender.user_id == "oVictim"


def test_compatible_mode_believes_only_what_was_encrypted(platform, clock):
    account = Account.of(platform.settings(MODE="compatible"))
    query, sent = platform.compatible(platform.text("报名", user="oA"))
    assert b"<Content>" in sent
    forged = sent.replace("报名".encode(), "取消报名".encode()).replace(b"oA", b"oVictim")
    for both in (sent, forged):
        push = convert.read(account, clock, query, both)
        assert (push.message.text, push.message.sender.user_id, push.user_id) == ("报名", "oA", "oA")
        assert push.sealed


def test_a_plain_account_believes_what_is_sealed_if_it_has_the_key(platform, plain, clock):
    keyed = Account.of(platform.settings(MODE="plain"))
    assert convert.read(keyed, clock, *platform.safe(platform.text("hi"))).sealed
    with pytest.raises(Forbidden):
        convert.read(plain, clock, *platform.safe(platform.text("hi")))


def test_a_message_sealed_for_another_account_is_refused(platform, account, clock):
    with pytest.raises(Forbidden):
        convert.read(account, clock, *platform.envelope(platform.encrypt(platform.text("hi"), "wx0000000000000000")))


@pytest.mark.parametrize("encrypted", ["", "AAAA", "!" * 64, "报名"])
def test_rightly_signed_rubbish_is_refused(platform, account, clock, encrypted):
    with pytest.raises(Forbidden):
        convert.read(account, clock, *platform.envelope(encrypted))


def test_rightly_signed_padding_faults_are_refused(platform, account, clock):
    xml = platform.text("hi")
    inside = b"0" * 16 + len(xml).to_bytes(4, "big") + xml + platform.app_id.encode()
    fill = 32 - len(inside) % 32
    assert convert.read(account, clock, *platform.envelope(platform.crypt(inside + bytes([fill]) * fill))).message
    for tail in (bytes(fill), bytes([fill]) * (fill - 1) + b"\x21", b"\x00" * (fill - 1) + bytes([fill])):
        if tail == bytes([fill]) * fill:
            continue
        with pytest.raises(Forbidden):
            convert.read(account, clock, *platform.envelope(platform.crypt(inside + tail)))


# Answers.

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
