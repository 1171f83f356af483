"""Every row of platforms/wechat.md "Inbound" and telegram.md "Webhook": a request, its answer, what it leaves behind."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.sandbox.wechat_wire import encrypt, sign
from tests.long import forge
from tests.long.forge import ACCOUNT, WECHAT_KEYS, Request, checked, enveloped, posted, pressed, pushed, text_xml, update

NOTHING, KEPT, ANSWERED = "nothing", "one kept body", "one answered message"


@dataclass(frozen=True)
class Row:
    """One request of the table."""

    name: str
    make: Callable[[], Request]
    status: int
    leaves: str = NOTHING


def refused(name: str, make: Callable[[], Request]) -> Row:
    """A push that must look like every other refused one."""
    return Row(name, make, 403)


def kept(name: str, make: Callable[[], Request]) -> Row:
    """Rightly signed and not understood."""
    return Row(name, make, 200, KEPT)


def answered(name: str, make: Callable[[], Request]) -> Row:
    """A person's message, however odd."""
    return Row(name, make, 200, ANSWERED)


def _event(event: str, **more: Any) -> bytes:
    return forge.write_xml({"ToUserName": ACCOUNT, "FromUserName": "oHostile", "CreateTime": int(time.time()),
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
    *(refused(f"timestamp {moment[:24]!r}", lambda moment=moment: _resigned(timestamp=moment))
      for moment in ("", "0", "-1", "1e9", "+1570496400", "9" * 11, "9" * 40, "1" * 5000, "٣٤٥", "NaN", "1570496400.5")),  # fmt: skip
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
    *(Row(f"{method} of a right push", lambda method=method: replace(pushed(), method=method), 405)
      for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")),  # fmt: skip
    Row("another path", lambda: replace(pushed(), path="/wechat/webhook2"), 404),
    Row("a path upwards", lambda: replace(pushed(), path="/wechat/../wechat/webhook"), 404),
]

WECHAT_TAKEN = [
    answered("a right push", pushed),
    answered("nearly stale", lambda: pushed(late=280)),
    answered("exactly 64 KiB", lambda: _sized(_FULL)),
    answered("content type JSON", lambda: replace(pushed(), headers={"Content-Type": "application/json"})),
    answered("content type form", lambda: replace(pushed(), headers={"Content-Type": "multipart/form-data; boundary=x"})),
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


# Telegram

_SECRET = "X-Telegram-Bot-Api-Secret-Token"


def _with(**changed: Any) -> Callable[[], Request]:
    """An update whose message has other fields."""
    return lambda: posted(update(**changed))


def _as_id(value: Any) -> Request:
    return posted({**update(), "update_id": value})


def _presses(**changed: Any) -> Callable[[], Request]:
    return lambda: posted(pressed(**changed))


def _person(**changed: Any) -> dict[str, Any]:
    return {"id": forge.ANNA, "is_bot": False, "first_name": "Ann", **changed}


def _chat(**changed: Any) -> dict[str, Any]:
    return {"id": forge.ANNA, "first_name": "Ann", "type": "private", **changed}


def _contact(**changed: Any) -> Callable[[], Request]:
    card = {"phone_number": "8613800138000", "first_name": "Ann", "user_id": forge.ANNA, **changed}
    return _with(text=..., contact={name: value for name, value in card.items() if value is not ...})


def _number(digits: int) -> Request:
    return posted(json.dumps(update()).replace('"date":', f'"sum": {"9" * digits}, "date":').encode())


TELEGRAM_REFUSED = [
    Row("no secret", lambda: posted(secret=None), 401),
    Row("empty secret", lambda: posted(secret=""), 401),
    Row("wrong secret", lambda: posted(secret="hook-secre7"), 401),
    Row("secret cut", lambda: posted(secret="hook-secre"), 401),
    Row("secret with a tail", lambda: posted(secret="hook-secret!"), 401),
    Row("secret in capitals", lambda: posted(secret="HOOK-SECRET"), 401),
    Row("non-ASCII secret", lambda: posted(secret="hook-secrét"), 401),
    Row("secret of 60 kB", lambda: posted(secret="s" * 60_000), 401),
    Row("secret twice in one line", lambda: posted(secret="hook-secret, hook-secret"), 401),
    Row("secret in the query", lambda: replace(posted(secret=None), query=(("secret_token", "hook-secret"),)), 401),
    Row("a megabyte without a secret", lambda: posted(b"x" * 2**20, secret=None), 401),
    *(Row(f"{method} with the secret", lambda method=method: replace(posted(), method=method), 405)
      for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH")),  # fmt: skip
]

TELEGRAM_TAKEN = [
    answered("a right update", posted),
    answered("content type text", lambda: posted(**{"Content-Type": "text/plain"})),
    kept("empty body", lambda: posted(b"")),
    kept("no JSON", lambda: posted(b"hello")),
    kept("half an update", lambda: posted(json.dumps(update()).encode()[:-10])),
    kept("no UTF-8", lambda: posted(b'{"update_id": 1, "x": "\xff\xfe"}')),
    kept("NUL bytes", lambda: posted(b"\x00" * 100)),
    *(kept(f"nothing but {body}", lambda body=body: posted(body.encode()))
      for body in ("null", "[]", "{}", "42", '"x"', "NaN", "[{}]", "true")),  # fmt: skip
    kept("deep JSON", lambda: posted(b"[" * 200_000)),
    kept("deep objects", lambda: posted(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
    kept("a body of a megabyte and more", lambda: posted(b'{"update_id": 1, "x": "' + b"y" * 2**20 + b'"}')),
    kept("a body of 17 megabytes", lambda: posted(b"z" * 17 * 2**20)),
    kept("a number of a million digits", lambda: _number(10**6)),
    answered("a number of 4000 digits", lambda: _number(4000)),
    kept("an update of a kind that nobody knows", lambda: posted({"update_id": 3, "telepathy": {"x": 1}})),
    kept("an update with no content", lambda: posted({"update_id": 4})),
    kept("no update_id", lambda: posted({"message": update()["message"]})),
    *(kept(f"update_id {str(value)[:20]}", lambda value=value: _as_id(value))
      for value in (-1, 2**53 + 1, 10**30, 1.5, 1e300, "7", "", None, True, [], {})),  # fmt: skip
    answered("update_id 0", lambda: _as_id(0)),
    answered("NUL in the text", _with(text="a\x00b")),
    answered("nothing but NUL", _with(text="\x00")),
    answered("lone surrogates", _with(text="a\ud800b\udfff")),
    answered("surrogates the wrong way round", _with(text="\udc00\ud800")),
    answered("control characters", _with(text="".join(map(chr, range(32))) + "\x7f\x80\x9f")),
    answered("100 kB of text", _with(text="字" * 33_000)),
    answered("a command with NUL", _with(text="/start a\x00b")),
    answered("a start with a payload of 1000", _with(text="/start " + "p" * 1000)),
    answered("keys twice", lambda: posted(json.dumps(update()).replace('"text":', '"text": "x", "text":').encode())),
    *(kept(f"text as {type(value).__name__}", _with(text=value)) for value in (7, ["a"], {"a": 1}, True)),
    *(kept(f"from as {type(value).__name__}", _with(**{"from": value})) for value in (7, "x", [1])),
    *(kept(f"chat as {type(value).__name__}", _with(chat=value)) for value in (7, "x", [1], {}, {"id": 1})),
    *(kept(f"chat id {str(value)[:20]}", _with(chat=_chat(id=value)))
      for value in (1.5, "7", None, 2**63, 10**30, True, [1])),  # fmt: skip
    *(kept(f"date {str(value)[:20]}", _with(date=value)) for value in (10**12, 10**30, "x", None, -(10**15), [])),
    answered("date 0", _with(date=0)),
    answered("date before 1970", _with(date=-1)),
    answered("language as a number of letters", _with(**{"from": _person(language_code="e\x00n" * 500)})),
    kept("language as a list", _with(**{"from": _person(language_code=["en"])})),
    answered("no language", _with(**{"from": _person()})),
    answered("a name of 100 kB", _with(**{"from": _person(first_name="n" * 100_000, last_name="\x00\ud800")})),
    kept("no name", _with(**{"from": {"id": forge.ANNA, "is_bot": False}})),
    answered("entities far outside", _with(entities=[{"type": "bold", "offset": 10**9, "length": -5}])),
    kept("entities as numbers", _with(entities=[1, 2])),
    Row("no chat type that we know", _with(chat=_chat(type="teapot")), 200),
    Row("from a bot", _with(**{"from": _person(is_bot=True)}), 200),
    Row("an edited place", lambda: posted({"update_id": 9, "edited_message": update(location={"latitude": 1, "longitude": 1})["message"]}), 200),  # fmt: skip
    answered("a shared phone", _contact()),
    answered("a phone of letters", _contact(phone_number="call me")),
    answered("an empty phone", _contact(phone_number="")),
    answered("a phone of 100000 digits", _contact(phone_number="9" * 100_000)),
    answered("a phone with NUL", _contact(phone_number="+86\x00138")),
    answered("a phone in Arabic digits", _contact(phone_number="٨٦١٣٨٠٠١٣٨٠٠٠")),
    answered("somebody else's card", _contact(user_id=1)),
    answered("a card of nobody", _contact(user_id=...)),
    answered("a card whose owner is a word", _contact(user_id=str(forge.ANNA))),
    kept("a card without a number", _contact(phone_number=...)),
    answered("a phone as a number", _contact(phone_number=8613800138000)),
    answered("a phone as null", _contact(phone_number=None)),
    answered("a press", _presses()),
    answered("a press without data", _presses(data=...)),
    answered("a press with 100 kB of data", _presses(data="1:" + "x" * 100_000)),
    answered("a press with NUL", _presses(data="1=a\x00b")),
    answered("a press with surrogates", _presses(data="1:\ud800")),
    answered("a press with a forged tag", _presses(data="1:cancel.FFS-000000.yes")),
    answered("a press with too few parts", _presses(data="1:change")),
    answered("a press of dots", _presses(data="1:...")),
    answered("a press on a suggestion that is none", _presses(data="1:faq")),
    answered("a press on an entry that is none", _presses(data="1:faq.no_such_entry")),
    answered("a press of an old version", _presses(data="0:form.consent.agree")),
    answered("a press with data as a number", _presses(data=7)),
    Row("a press on nothing", _presses(message=...), 200),
    answered("a press by nobody", _presses(**{"from": ...})),
    kept("a press without an id", _presses(id=...)),
    kept("a press with an id as a number", _presses(id=7)),
]
