"""Whom to believe: signatures, times, seals, and XML that is none."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import pytest

from bot.adapters.wechat import convert
from bot.adapters.wechat.convert import Account
from bot.errors import Forbidden


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
