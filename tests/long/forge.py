"""Requests of both platforms: right, or wrong in exactly one respect. Nothing of the adapters is used."""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.sandbox.wechat_wire import Keys, Mode, seal, sign
from bot.sandbox.wechat_xml import write_xml
from tests.long.wire import Answer, Wire
from tests.served import KEYS

WECHAT_KEYS = Keys(KEYS["WECHAT_APP_ID"], KEYS["WECHAT_TOKEN"], KEYS["WECHAT_AES_KEY"])
ACCOUNT = "gh_usherdemo0001"
ANNA = 7_000_001
_ids = itertools.count(24_000_000_000_000_000)
_updates = itertools.count(500_000_000)


@dataclass(frozen=True)
class Request:
    """One HTTP request, before it is written."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    raw_query: str | None = None  # instead of `query`, as it stands

    @property
    def target(self) -> str:
        """Path and query as they stand in the first line."""
        query = urlencode(self.query) if self.raw_query is None else self.raw_query
        return f"{self.path}?{query}" if query else self.path

    def but(self, **query: str | None) -> Request:
        """The same with other query values; None leaves one out."""
        kept = {**dict(self.query), **query}
        return replace(self, query=tuple((name, value) for name, value in kept.items() if value is not None))

    async def over(self, wire: Wire) -> Answer:
        """Sends it."""
        return await wire.post(self.target, self.body, self.headers, method=self.method)


# WeChat


def text_xml(content: str = "议程", user: str = "oHostile", **more: Any) -> bytes:
    """A text that a person typed."""
    head: dict[str, Any] = {
        "ToUserName": ACCOUNT,
        "FromUserName": user,
        "CreateTime": int(time.time()),
        "MsgType": "text",
    }
    return write_xml({**head, "Content": content, "MsgId": next(_ids), **more})


def pushed(
    xml: bytes | None = None,
    mode: Mode = "safe",
    keys: Keys = WECHAT_KEYS,
    late: float = 0.0,
    nonce: str = "1320562132",
    **query: str | None,
) -> Request:
    """What WeChat pushes, `late` seconds ago, signed as it signs; query values may be others."""
    moment = int(time.time() - late)
    sealed = seal(keys, mode, text_xml() if xml is None else xml, openid="oHostile", timestamp=moment, nonce=nonce)
    request = Request("/wechat/webhook", tuple(sealed.query.items()), sealed.body, {"Content-Type": "text/xml"})
    return request.but(**query)


def enveloped(encrypted: str, body: bytes | None = None) -> Request:
    """Rightly signed, whatever is inside."""
    moment, nonce = str(int(time.time())), "1320562132"
    query = {"timestamp": moment, "nonce": nonce, "encrypt_type": "aes"}
    query |= {"msg_signature": sign(WECHAT_KEYS.token, moment, nonce, encrypted)}
    made = f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode() if body is None else body
    return Request("/wechat/webhook", tuple(query.items()), made, {"Content-Type": "text/xml"})


def filled(plain: bytes, fill: bytes) -> str:
    """AES over exactly these bytes: length, app id and padding are the caller's."""
    cipher = Cipher(algorithms.AES(WECHAT_KEYS.secret), modes.CBC(WECHAT_KEYS.secret[:16])).encryptor()
    return base64.b64encode(cipher.update(plain + fill) + cipher.finalize()).decode()


def inside(xml: bytes, app_id: bytes = WECHAT_KEYS.app_id.encode(), length: int | None = None) -> bytes:
    """Random, length, message and app id; the message has a length that the padding fills to a whole block."""
    return b"r" * 16 + (len(xml) if length is None else length).to_bytes(4, "big") + xml + app_id


def padding(plain: bytes) -> bytes:
    """The right one."""
    count = 32 - len(plain) % 32
    return bytes([count]) * count


def checked(**query: str | None) -> Request:
    """The GET by which the platform checks our address."""
    moment, nonce = str(int(time.time())), "1320562132"
    right = {"signature": sign(WECHAT_KEYS.token, moment, nonce), "timestamp": moment, "nonce": nonce, "echostr": "e1"}
    return Request("/wechat/webhook", tuple(right.items()), method="GET").but(**query)


# Telegram


def update(user: int = ANNA, **message: Any) -> dict[str, Any]:
    """A message in a private chat."""
    person = {"id": user, "is_bot": False, "first_name": "Ann", "language_code": "en"}
    chat = {"id": user, "first_name": "Ann", "type": "private"}
    content = {"message_id": 10, "from": person, "chat": chat, "date": int(time.time()), "text": "agenda", **message}
    return {
        "update_id": next(_updates),
        "message": {name: value for name, value in content.items() if value is not ...},
    }


def pressed(**query: Any) -> dict[str, Any]:
    """A button press."""
    person = {"id": ANNA, "is_bot": False, "first_name": "Ann"}
    message = update()["message"]
    content = {
        "id": str(next(_ids)),
        "from": person,
        "message": message,
        "chat_instance": "1",
        "data": "1=agenda",
        **query,
    }
    return {"update_id": next(_updates), "callback_query": {k: v for k, v in content.items() if v is not ...}}


def posted(body: Any = None, secret: str | None = KEYS["TELEGRAM_SECRET"], **headers: str) -> Request:
    """What Telegram posts: an update, or bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(update() if body is None else body).encode()
    known = {"Content-Type": "application/json"}
    if secret is not None:
        known["X-Telegram-Bot-Api-Secret-Token"] = secret
    return Request("/telegram/webhook", body=raw, headers={**known, **headers})


def percent(value: bytes) -> str:
    """Bytes as they may stand in a query."""
    return quote(value, safe="")
