"""WeChat's envelope from the platform's side: signatures and AES; pure, so that load generators use it too."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.sandbox.wechat_xml import WrongReply, read_xml

Mode = Literal["safe", "compatible", "plain"]
_BLOCK = 32  # the platform pads to 32 bytes, not to the 16 of AES


@dataclass(frozen=True, slots=True)
class Keys:
    """What the platform and the account share."""

    app_id: str
    token: str
    aes_key: str  # EncodingAESKey, 43 characters

    @property
    def secret(self) -> bytes:
        """The AES key, 32 bytes."""
        return base64.b64decode(self.aes_key + "=")


@dataclass(frozen=True, slots=True)
class Sealed:
    """One request of the platform, ready to be sent."""

    query: Mapping[str, str]
    body: bytes
    encrypted: bool


def sign(*parts: str) -> str:
    """sha1 over the sorted parts, in hex."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def encrypt(keys: Keys, message: bytes, random16: bytes | None = None) -> str:
    """AES-256-CBC over random, length, message and app id, in base64."""
    filled = (random16 or os.urandom(16)) + len(message).to_bytes(4, "big") + message + keys.app_id.encode()
    count = _BLOCK - len(filled) % _BLOCK
    cipher = Cipher(algorithms.AES(keys.secret), modes.CBC(keys.secret[:16])).encryptor()
    return base64.b64encode(cipher.update(filled + bytes([count]) * count) + cipher.finalize()).decode()


def decrypt(keys: Keys, text: str) -> bytes:
    """The message inside; every part is checked. Raises WrongReply."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WrongReply("Encrypt is not base64") from None
    if not raw or len(raw) % _BLOCK:
        raise WrongReply(f"Encrypt is not filled up to {_BLOCK} bytes")
    cipher = Cipher(algorithms.AES(keys.secret), modes.CBC(keys.secret[:16])).decryptor()
    filled = cipher.update(raw) + cipher.finalize()
    count = filled[-1]
    if not 1 <= count <= _BLOCK or filled[-count:] != bytes([count]) * count:
        raise WrongReply("the padding is wrong")
    return _inside(keys, filled[:-count])


def _inside(keys: Keys, filled: bytes) -> bytes:
    length = int.from_bytes(filled[16:20], "big")
    message, app_id = filled[20 : 20 + length], filled[20 + length :]
    if len(filled) < 20 or len(message) != length:
        raise WrongReply("the length inside is wrong")
    if app_id != keys.app_id.encode():
        raise WrongReply("the app id inside is wrong")
    return message


def seal(
    keys: Keys,
    mode: Mode,
    xml: bytes,
    *,
    openid: str,
    timestamp: int,
    nonce: str,
    random16: bytes | None = None,
) -> Sealed:
    """The query and body in which the platform pushes `xml`."""
    moment = str(timestamp)
    query = {"signature": sign(keys.token, moment, nonce), "timestamp": moment, "nonce": nonce, "openid": openid}
    if mode == "plain":
        return Sealed(query, xml, encrypted=False)
    locked = encrypt(keys, xml, random16)
    query |= {"encrypt_type": "aes", "msg_signature": sign(keys.token, moment, nonce, locked)}
    sealed = f"<Encrypt><![CDATA[{locked}]]></Encrypt></xml>".encode()
    if mode == "compatible":
        return Sealed(query, xml.removesuffix(b"</xml>") + sealed, encrypted=True)
    start, end = xml.find(b"<ToUserName>"), xml.find(b"</ToUserName>")
    to = xml[start : end + len(b"</ToUserName>")] if -1 < start < end else b""
    return Sealed(query, b"<xml>" + to + sealed, encrypted=True)


def open_reply(keys: Keys, encrypted: bool, status: int, body: bytes) -> bytes | None:
    """The reply's XML, or None for `success` and for nothing. Raises WrongReply.

    `encrypted`: whether the request was; then the answer must be, but for `success` and an empty body.
    """
    if status != 200:
        raise WrongReply(f"HTTP status {status}, expected 200")
    if body.strip() in (b"", b"success"):
        return None
    if not encrypted:
        if "Encrypt" in read_xml(body):
            raise WrongReply("an encrypted answer to a plain request")
        return body
    fields = read_xml(body)
    if "Encrypt" not in fields:
        raise WrongReply("a plain answer to an encrypted request")
    names = ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")
    locked, signature, moment, nonce = (_text(fields, name) for name in names)
    if not moment.isdigit():
        raise WrongReply("TimeStamp is not a number")
    if signature != sign(keys.token, moment, nonce, locked):
        raise WrongReply("MsgSignature is wrong")
    return decrypt(keys, locked)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise WrongReply(f"{name} is missing")
    return value
