"""Seeded mutations of what the platforms send: bytes, query values, and fields of JSON."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

from tests.long import forge
from tests.long.forge import ACCOUNT, Request
from tests.served import KEYS

_SAMPLES = Path(__file__).parent.parent / "samples"
PEOPLE = [f"oMutant{number:02}" for number in range(40)]
TOKENS = (
    *(b"<", b">", b"&", b"]]>", b"</xml>", b"<xml>", b"<!--", b"<?x?>", b"<!DOCTYPE xml>", b"<![CDATA["),
    *(b"&#0;", b"&#x10ffff;", b"&amp;lt;", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbf\xbf", b"\xef\xbb\xbf"),
    *(b"\r\n\r\n", b"%00", b"%", b"=", b"+", b"{event.city}", b"'; DROP TABLE contact; --", b"=1+1", b"9" * 400),
    *(b"-1", b"1e999", b"\xe8\xae\xae" * 50, b'"', b"\\ud800", b"\\u0000", b"null", b"{", b"[", b"]" * 20, b","),
    *(b"<a>" * 30, b"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9", b" " * 300),
)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 10**40, 1.5, -0.0, 1e308, float("nan"), float("inf")),
    *("", " ", "\x00", "\ud800", "{event.city}", "报名", "确认", "1", "x" * 5000, "字" * 2000, "/start \x00"),
    *("supergroup", "private", [], {}, [[]], [None], {"id": {}}, {"": ""}),
    [{"type": "mention", "offset": -9, "length": 2**40}],
)


def wechat_bodies() -> list[bytes]:
    """What people do, as the platform writes it, by people of ours."""
    names = sorted(path for path in (_SAMPLES / "wechat").glob("*.xml") if not path.name.startswith("reply_"))
    bodies = [path.read_bytes().strip() for path in names]
    words = (
        "报名",
        "同意",
        "4",
        "1",
        "东莞市欢乐玩具厂",
        "王芳",
        "跳过",
        "13800138000",
        "w@example.com",
        "确认",
        "议程",
        "我的数据",
        "人工",
    )
    return [*bodies, *(forge.text_xml(word) for word in words)]


def from_somebody(body: bytes, choose: random.Random) -> bytes:
    """The same by one of our people, with an id of its own."""
    for name, value in (
        ("FromUserName", choose.choice(PEOPLE)),
        ("ToUserName", ACCOUNT),
        ("MsgId", str(choose.randrange(10**15))),
    ):
        start, end = body.find(f"<{name}>".encode()), body.find(f"</{name}>".encode())
        if -1 < start < end:
            body = body[: start + len(name) + 2] + value.encode() + body[end:]
    return body


def xml_changed(body: bytes, choose: random.Random) -> bytes:
    """Other fields, still XML; or other bytes."""
    if choose.random() < 0.5:
        return bytes_changed(body, choose)
    leaves = list(_LEAF.finditer(body))
    for leaf in choose.sample(leaves, min(len(leaves), choose.choice((1, 1, 2, 3)))):
        name, value = leaf[1], leaf[2]
        other = choose.choice((choose.choice(TOKENS), bytes_changed(value, choose), choose.choice(leaves)[2], b""))
        written = b"<%b><![CDATA[%b]]></%b>" % (name, other.replace(b"]]>", b"]] >"), name)
        body = body.replace(leaf[0], choose.choice((written, written, written + leaf[0], b"")))
    return body


_LEAF = re.compile(rb"<(\w+)>(?:<!\[CDATA\[)?([^<>]*?)(?:\]\]>)?</\1>")


def telegram_updates() -> list[dict[str, Any]]:
    """What people do, as Telegram writes it."""
    names = sorted(path for path in (_SAMPLES / "telegram").glob("*.json") if not path.name.startswith("err_"))
    updates = [json.loads(path.read_text()) for path in names]
    return [*updates, forge.update(text="register"), forge.update(text="1"), forge.update(text="确认"), forge.pressed()]


def bytes_changed(whole: bytes, choose: random.Random) -> bytes:
    """One to four changes anywhere."""
    for _ in range(choose.choice((1, 1, 1, 2, 2, 3, 4))):
        whole = choose.choice(_CHANGES)(whole, choose)
    return whole


def _place(whole: bytes, choose: random.Random) -> int:
    return choose.randrange(len(whole) + 1)


def _flip(whole: bytes, choose: random.Random) -> bytes:
    place = _place(whole, choose)
    return (
        whole[:place]
        + bytes(byte ^ (1 << choose.randrange(8)) for byte in whole[place : place + 1])
        + whole[place + 1 :]
    )


def _put(whole: bytes, choose: random.Random) -> bytes:
    place = _place(whole, choose)
    return whole[:place] + choose.choice(TOKENS) + whole[place:]


def _noise(whole: bytes, choose: random.Random) -> bytes:
    place = _place(whole, choose)
    return whole[:place] + choose.randbytes(choose.randrange(1, 9)) + whole[place + choose.randrange(3) :]


def _take(whole: bytes, choose: random.Random) -> bytes:
    place = _place(whole, choose)
    return whole[:place] + whole[place + choose.randrange(1, 60) :]


def _again(whole: bytes, choose: random.Random) -> bytes:
    place = _place(whole, choose)
    return whole[:place] + whole[max(0, place - choose.randrange(200)) :]


def _cut(whole: bytes, choose: random.Random) -> bytes:
    return whole[: _place(whole, choose)]


def _swap(whole: bytes, choose: random.Random) -> bytes:
    first, second = sorted((_place(whole, choose), _place(whole, choose)))
    return whole[second:] + whole[first:second] + whole[:first]


def _tag_gone(whole: bytes, choose: random.Random) -> bytes:
    start = whole.find(b"<", _place(whole, choose))
    end = whole.find(b">", start)
    return whole[:start] + whole[end + 1 :] if -1 < start < end else whole


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _flip, _put, _put, _noise, _take, _again, _cut, _swap, _tag_gone),
)


def request_changed(request: Request, choose: random.Random) -> Request:
    """Changes the body of a signed request, or its query, or both."""
    where = choose.choice(("body", "body", "query", "both"))
    if where != "query":
        request = replace(request, body=bytes_changed(request.body, choose))
    return request if where == "body" else query_changed(request, choose)


def query_changed(request: Request, choose: random.Random) -> Request:
    """Other values, or a value gone, twice, or under another name; still a query by its form."""
    pairs = [(name.encode(), value.encode()) for name, value in request.query]
    place = choose.randrange(len(pairs))
    name, value = pairs.pop(place)
    match choose.randrange(5):
        case 0:
            pass
        case 1:
            pairs += [(name, value), (name, value)]
        case 2:
            pairs.append((bytes_changed(name, choose), value))
        case _:
            pairs.insert(place, (name, bytes_changed(value, choose)))
    written = "&".join(f"{quote_from_bytes(name)}={quote_from_bytes(value)}" for name, value in pairs)
    return replace(request, raw_query=written)


def update_changed(update: dict[str, Any], choose: random.Random) -> bytes:
    """Other fields, or other bytes; the person stays one of ours where nothing else says so."""
    changed = copy.deepcopy(update)
    changed["update_id"] = choose.randrange(10**9)
    if choose.random() < 0.5:
        return bytes_changed(json.dumps(changed).encode(), choose)
    for _ in range(choose.choice((1, 1, 2, 3))):
        _field_changed(changed, choose)
    return json.dumps(changed).encode()


def _field_changed(whole: Any, choose: random.Random) -> None:
    """Walks down to some field and makes it odd, or takes it away, or moves it."""
    while isinstance(whole, dict | list) and whole:
        key = choose.choice(list(whole) if isinstance(whole, dict) else range(len(whole)))
        inner = whole[key]
        if isinstance(inner, dict | list) and inner and choose.random() < 0.75:
            whole = inner
            continue
        if choose.random() < 0.2:
            del whole[key]
        else:
            whole[key] = copy.deepcopy(choose.choice(ODD))
        return


def secret_changed(choose: random.Random) -> str | None:
    """No secret, or one that is not quite the right one, as far as a header can carry it."""
    right = KEYS["TELEGRAM_SECRET"]
    while True:
        changed = bytes_changed(right.encode(), choose).decode("latin-1")
        written = "".join(char for char in changed if char >= " " and char != "\x7f").strip()
        if written != right:
            return choose.choice((None, written, written))
