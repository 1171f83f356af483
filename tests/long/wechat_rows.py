"""Every row of platforms/wechat.md "Inbound", for each of the three modes."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.sandbox.wechat_wire import encrypt, sign
from bot.sandbox.wechat_xml import write_xml
from tests.long import forge
from tests.long.forge import ACCOUNT, WECHAT_KEYS, Request, checked, enveloped, pushed, text_xml
from tests.long.rows import Row, answered, kept, refused


def _event(event: str, **more: Any) -> bytes:
    return write_xml({"ToUserName": ACCOUNT, "FromUserName": "oHostile", "CreateTime": int(time.time()),
                            "MsgType": "event", "Event": event, **more})  # fmt: skip


def _signed_plain(body: bytes) -> Request:
    return replace(pushed(mode="plain"), body=body)


def _inner(xml: bytes) -> Request:
    return pushed(xml)


def _outer(body: bytes) -> Request:
    return replace(pushed(), body=body)


def _fill(xml: bytes, change: Callable[[bytes], bytes]) -> Request:
    plain = forge.inside(xml)
    return enveloped(forge.filled(plain, change(forge.padding(plain))))


def _block(rest: int) -> bytes:
    """A message after which the padding has so many bytes."""
    xml = text_xml()
    short = (rest - len(forge.padding(forge.inside(xml)))) % 32
    return text_xml("议程" + "x" * ((32 - short) % 32))


_LAUGHS = b"".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">'.encode() for n in range(10))
_DOCTYPE = b'<?xml version="1.0"?><!DOCTYPE xml [' + _LAUGHS + b"]><xml><Content>&l9;</Content></xml>"
_OUTSIDE = b'<!DOCTYPE xml [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Content>&f;</Content></xml>'
_FULL = 64 * 1024


def _sized(size: int) -> Request:
    """A body of exactly that size, rightly sealed."""
    request = pushed()
    return replace(request, body=request.body.replace(b"</xml>", b" " * (size - len(request.body)) + b"</xml>"))


WECHAT_REFUSED = [
    refused("wrong msg_signature", lambda: pushed(msg_signature="0" * 40)),
    refused("msg_signature in capitals", lambda: _change_case(pushed())),
    refused("msg_signature cut", lambda: _cut(pushed())),
    refused("no msg_signature", lambda: pushed(msg_signature=None)),
    refused("empty msg_signature", lambda: pushed(msg_signature="")),
    refused("signature of plain mode in place of msg_signature", lambda: _swap(pushed())),
    refused("non-ASCII msg_signature", lambda: pushed(msg_signature="é" * 40)),
    refused("msg_signature in full-width digits", lambda: pushed(msg_signature="１" * 40)),
    refused("bytes that are no UTF-8 in msg_signature", lambda: _raw(pushed(), "msg_signature", "%ff%fe")),
    refused("NUL in msg_signature", lambda: _raw(pushed(), "msg_signature", "%00" * 40)),
    refused("signed with another token", lambda: pushed(keys=replace(WECHAT_KEYS, token="another"))),
    refused("another timestamp than was signed", lambda: pushed(timestamp=str(int(time.time()) - 1))),
    refused("another nonce than was signed", lambda: pushed().but(nonce="1320562133")),
    refused("stale", lambda: pushed(late=302)),
    refused("from the future", lambda: pushed(late=-302)),
    refused("replayed a day later", lambda: pushed(late=86_400)),
    *(
        refused(f"timestamp {moment[:24]!r}", lambda moment=moment: _resigned(timestamp=moment))
        for moment in (
            "",
            "0",
            "-1",
            "1e9",
            "+1570496400",
            "9" * 11,
            "9" * 40,
            "1" * 5000,
            "٣٤٥",
            "NaN",
            "1570496400.5",
        )
    ),
    refused("milliseconds", lambda: _resigned(timestamp=str(int(time.time() * 1000)))),
    refused("timestamp with a blank", lambda: _resigned(timestamp=f"{int(time.time())} ")),
    refused("no timestamp", lambda: pushed(timestamp=None)),
    refused("no nonce", lambda: pushed().but(nonce=None)),
    refused("empty nonce", lambda: _resigned(nonce="")),
    refused("nonce of 128 characters", lambda: _resigned(nonce="n" * 128)),
    refused("nonce with a line break", lambda: _resigned(nonce="n\r\nX: y")),
    refused("nonce that took the head of Encrypt", lambda: _shifted(pushed())),
    refused("a query of 3000 bytes", lambda: pushed(x="y" * 3000)),
    refused("30 parameters", lambda: pushed(**{f"p{number}": "1" for number in range(30)})),
    refused("msg_signature twice", lambda: _twice(pushed(), "msg_signature")),
    refused("timestamp twice", lambda: _twice(pushed(), "timestamp")),
    refused("encrypt_type twice", lambda: _twice(pushed(), "encrypt_type")),
    refused("no query at all", lambda: replace(pushed(), query=())),
    refused("plain body to a safe account", lambda: pushed(mode="plain")),
    refused("plain body, said to be encrypted", lambda: pushed(mode="plain", encrypt_type="aes")),
    refused("plain body with a msg_signature", lambda: pushed(mode="plain", msg_signature="0" * 40)),
    refused("encrypted body without its parameters", lambda: pushed(encrypt_type=None, msg_signature=None)),
    refused("sealed with another key", lambda: pushed(keys=replace(WECHAT_KEYS, aes_key="Z" * 43))),
    refused("another app id inside", lambda: pushed(keys=replace(WECHAT_KEYS, app_id="wx0000000000000000"))),
    refused("app id with a tail", lambda: pushed(keys=replace(WECHAT_KEYS, app_id=WECHAT_KEYS.app_id + "0"))),
    refused("app id cut", lambda: pushed(keys=replace(WECHAT_KEYS, app_id=WECHAT_KEYS.app_id[:-1]))),
    refused("no app id", lambda: pushed(keys=replace(WECHAT_KEYS, app_id=""))),
    refused("padding of zero bytes", lambda: _fill(_block(32), lambda fill: fill[:-1] + b"\x00")),
    refused("padding of 33", lambda: _fill(_block(1), lambda fill: b"\x21")),
    refused("padding of 255", lambda: _fill(_block(1), lambda fill: b"\xff")),
    refused("one padding byte differs", lambda: _fill(_block(20), lambda fill: b"\x01" + fill[1:])),
    refused("length inside too long", lambda: _long(1)),
    refused("length inside too short", lambda: _long(-1)),
    refused("length inside of 4 GiB", lambda: _long(2**32 - 1 - len(text_xml()))),
    refused("nothing inside", lambda: enveloped(forge.filled(b"", b"\x20" * 32))),
    refused("half a block", lambda: enveloped(forge.filled(b"r" * 16, b""))),
    refused("empty Encrypt", lambda: enveloped("")),
    refused("Encrypt is no base64", lambda: enveloped("议程")),
    refused("Encrypt with blanks inside", lambda: enveloped(_blanks(encrypt(WECHAT_KEYS, text_xml())))),
    refused("Encrypt twice, the right one last", lambda: _second(pushed())),
    refused("DOCTYPE outside", lambda: _outer(b"<!DOCTYPE xml>" + pushed().body)),
    refused("DOCTYPE inside", lambda: _inner(b"<!DOCTYPE xml>" + text_xml())),
    refused("a billion laughs outside", lambda: _outer(_DOCTYPE)),
    refused("a billion laughs inside", lambda: _inner(_DOCTYPE)),
    refused("a file as an entity, inside", lambda: _inner(_OUTSIDE)),
    refused("an undefined entity inside", lambda: _inner(b"<xml><Content>&nbsp;</Content></xml>")),
    refused("a reference to NUL inside", lambda: _inner(text_xml().replace(b"<![CDATA[text]]>", b"te&#0;xt"))),
    refused("a reference to a surrogate inside", lambda: _inner(b"<xml><Content>&#xd800;</Content></xml>")),
    refused("deep nesting outside", lambda: _outer(b"<xml>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</xml>")),
    refused("deep nesting inside", lambda: _inner(b"<xml>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</xml>")),
    refused("tags without an end", lambda: _inner(b"<xml>" + b"<a>" * 5000)),
    refused("64 KiB and one byte", lambda: _sized(_FULL + 1)),
    refused("a megabyte", lambda: _outer(b"x" * 2**20)),
    refused("empty body", lambda: _outer(b"")),
    refused("blanks", lambda: _outer(b" \r\n" * 100)),
    refused("no XML", lambda: _outer(b"hello")),
    refused("JSON", lambda: _outer(json.dumps({"Encrypt": encrypt(WECHAT_KEYS, text_xml())}).encode())),
    refused("another root", lambda: _outer(pushed().body.replace(b"xml>", b"html>"))),
    refused("another root inside", lambda: _inner(text_xml().replace(b"xml>", b"html>"))),
    refused("two roots inside", lambda: _inner(text_xml() * 2)),
    refused("nothing but a byte order mark inside", lambda: _inner(b"\xef\xbb\xbf")),
    refused("no UTF-8 inside", lambda: _inner(text_xml().replace("议程".encode(), b"\xff\xfe\xc0"))),
    refused("UTF-16 inside", lambda: _inner(text_xml().decode().encode("utf-16"))),
    refused("a surrogate in UTF-8 inside", lambda: _inner(text_xml("\ud800"))),
]

WECHAT_CHECKED = [
    Row("the check of our address", checked, 200),
    Row("HEAD of the check", lambda: replace(checked(), method="HEAD"), 200),
    refused("check: wrong signature", lambda: checked(signature="0" * 40)),
    refused("check: no signature", lambda: checked(signature=None)),
    refused("check: stale", lambda: checked(timestamp=str(int(time.time()) - 400))),
    refused("check: no echostr", lambda: checked(echostr=None)),
    refused("check: echostr with a line break", lambda: checked(echostr="e\r\nX-Y: z")),
    refused("check: echostr in Chinese", lambda: checked(echostr="议程")),
    refused("check: echostr of 2000 characters", lambda: checked(echostr="e" * 2000)),
    refused("check: echostr twice", lambda: _twice(checked(), "echostr")),
    refused("check: nothing", lambda: replace(checked(), query=())),
    *(
        Row(f"{method} of a right push", lambda method=method: replace(pushed(), method=method), 405)
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
    ),
    Row("another path", lambda: replace(pushed(), path="/wechat/webhook2"), 404),
    Row("a path upwards", lambda: replace(pushed(), path="/wechat/../wechat/webhook"), 404),
]

WECHAT_TAKEN = [
    answered("a right push", pushed),
    answered("nearly stale", lambda: pushed(late=280)),
    answered("exactly 64 KiB", lambda: _sized(_FULL)),
    answered("content type JSON", lambda: replace(pushed(), headers={"Content-Type": "application/json"})),
    answered(
        "content type form", lambda: replace(pushed(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    ),
    answered("no content type", lambda: replace(pushed(), headers={})),
    answered("a wrong plain signature beside the right one", lambda: pushed(signature="0" * 40)),
    answered("control characters inside", lambda: _inner(text_xml("议\x01\x00程\x08\x1f"))),
    answered("control characters outside", lambda: _outer_controls(pushed())),
    answered("a byte order mark inside", lambda: _inner(b"\xef\xbb\xbf" + text_xml())),
    answered("Content twice", lambda: _inner(text_xml().replace(b"</xml>", b"<Content>x</Content></xml>"))),
    answered("fields within Content", lambda: _inner(text_xml(Content={"a": "议程", "b": {"c": "x"}}))),
    answered("60 kB of text", lambda: _inner(text_xml("字" * 15_000))),
    answered("a tag that nobody gave", lambda: _inner(text_xml(bizmsgmenuid="form.category._same"))),
    answered("a tag of dots", lambda: _inner(text_xml(bizmsgmenuid="..."))),
    answered("a tag with too few parts", lambda: _inner(text_xml(bizmsgmenuid="change"))),
    answered("a forged registration in a tag", lambda: _inner(text_xml(bizmsgmenuid="cancel.FFS-000000.yes"))),
    answered("a question's tag that nobody gave", lambda: _inner(text_xml(bizmsgmenuid="faq"))),
    answered("MsgId of 10000 digits", lambda: _inner(text_xml(MsgId="9" * 10_000))),
    answered("scene of 10000 characters", lambda: _inner(_event("SCAN", EventKey="s" * 10_000))),
    answered("scene with control characters", lambda: _inner(_event("SCAN", EventKey="a\x00b\x1f"))),
    answered("an empty menu key", lambda: _inner(_event("CLICK", EventKey=""))),
    Row("an event that asks nothing", lambda: _inner(_event("VIEW", EventKey="http://example.com")), 200),
    kept("unknown MsgType", lambda: _inner(text_xml(MsgType="hologram"))),
    kept("no MsgType", lambda: _inner(text_xml(MsgType=""))),
    kept("unknown event", lambda: _inner(_event("teleport"))),
    kept("no sender", lambda: _inner(text_xml(user=""))),
    kept("a sender that is no openid", lambda: _inner(text_xml(user="'; DROP TABLE contact; --"))),
    kept("a sender of 1000 characters", lambda: _inner(text_xml(user="o" * 1000))),
    kept("no CreateTime", lambda: _inner(text_xml(CreateTime=""))),
    kept("a CreateTime of 30 digits", lambda: _inner(text_xml(CreateTime=int("9" * 30)))),
    kept("a negative CreateTime", lambda: _inner(text_xml(CreateTime=-1))),
    kept("an empty message", lambda: _inner(b"<xml></xml>")),
    kept("a message of words alone", lambda: _inner(b"<xml>hello</xml>")),
]

COMPATIBLE = [
    answered("compatible mode", lambda: pushed(mode="compatible")),
    answered("a sealed body to a compatible account", pushed),
    answered("a plain part that was tampered with", lambda: _tampered(pushed(mode="compatible"))),
    refused("only the plain part, with its signature", lambda: pushed(mode="plain")),
    refused(
        "both parts, without msg_signature", lambda: pushed(mode="compatible", encrypt_type=None, msg_signature=None)
    ),
    refused(
        "both parts, without msg_signature, said to be encrypted", lambda: pushed(mode="compatible", msg_signature=None)
    ),
    refused("a plain body, said to be encrypted", lambda: pushed(mode="plain", encrypt_type="aes")),
    refused(
        "an Encrypt of another key beside the plain part",
        lambda: pushed(mode="compatible", keys=replace(WECHAT_KEYS, aes_key="Z" * 43)),
    ),
]

PLAIN = [
    answered("plain mode", lambda: _fresh_plain()),
    refused("plain: wrong signature", lambda: pushed(mode="plain", signature="0" * 40)),
    refused("plain: no signature", lambda: pushed(mode="plain", signature=None)),
    refused("plain: stale", lambda: pushed(mode="plain", late=302)),
    refused("plain: DOCTYPE", lambda: _signed_plain(_DOCTYPE)),
    refused("plain: empty body", lambda: _signed_plain(b"")),
    refused("plain: 64 KiB and one byte", lambda: _signed_plain(b"x" * (_FULL + 1))),
    refused("plain: signature twice", lambda: _twice(pushed(mode="plain"), "signature")),
    kept("plain: unknown MsgType", lambda: _fresh_plain(text_xml(MsgType="hologram"))),
]


def _fresh_plain(xml: bytes | None = None) -> Request:
    """In plain mode each address belongs to one body."""
    return pushed(xml, mode="plain", nonce=secrets.token_hex(8))


def _tampered(request: Request) -> Request:
    """The sealed part stays; the plain one is by somebody else and says something else."""
    plain, mark, sealed = request.body.partition(b"<Encrypt>")
    return replace(
        request, body=plain.replace(b"oHostile", b"oForged").replace("议程".encode(), b"forget") + mark + sealed
    )


def _swap(request: Request) -> Request:
    return request.but(msg_signature=dict(request.query)["signature"])


def _change_case(request: Request) -> Request:
    signature = dict(request.query)["msg_signature"]
    return request.but(msg_signature=signature.upper() if signature.upper() != signature else "A" * 40)


def _cut(request: Request) -> Request:
    return request.but(msg_signature=dict(request.query)["msg_signature"][:-1])


def _twice(request: Request, name: str) -> Request:
    return replace(request, query=(*request.query, (name, dict(request.query)[name])))


def _raw(request: Request, name: str, value: str) -> Request:
    rest = request.but(**{name: None})
    return replace(rest, raw_query=f"{rest.target.partition('?')[2]}&{name}={value}")


def _resigned(**changed: str) -> Request:
    """Rightly signed over another timestamp or nonce."""
    encrypted = encrypt(WECHAT_KEYS, text_xml())
    request = enveloped(encrypted).but(**changed)
    known = dict(request.query)
    return request.but(msg_signature=sign(WECHAT_KEYS.token, known["timestamp"], known["nonce"], encrypted))


def _shifted(request: Request) -> Request:
    """The parts of a signature are joined without a border: moves one between them."""
    encrypted = request.body.partition(b"<![CDATA[")[2].partition(b"]]>")[0].decode()
    known = dict(request.query)
    moved = known["nonce"] + encrypted[:64]
    return replace(request.but(nonce=moved), body=request.body.replace(encrypted.encode(), encrypted[64:].encode()))


def _long(more: int) -> Request:
    xml = text_xml()
    plain = forge.inside(xml, length=len(xml) + more)
    return enveloped(forge.filled(plain, forge.padding(plain)))


def _blanks(encrypted: str) -> str:
    return f"{encrypted[:40]}\n {encrypted[40:]}"


def _second(request: Request) -> Request:
    wrong = base64.b64encode(b"w" * 64)
    return replace(request, body=request.body.replace(b"<Encrypt>", b"<Encrypt>" + wrong + b"</Encrypt><Encrypt>"))


def _outer_controls(request: Request) -> Request:
    return replace(request, body=request.body.replace(b"<Encrypt>", b"\x00\x01<Encrypt>"))
