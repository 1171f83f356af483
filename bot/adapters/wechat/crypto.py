"""The keys of a WeChat account: checks signatures, opens and seals what the platform encrypts.

AES stands on `cryptography` itself: wechatpy's crypto believes the padding, compares signatures with `!=`, takes its 16
random bytes from a guessable generator, and builds a cipher for every message.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from bot.errors import Forbidden

BLOCK = 32  # PKCS#7 here fills up to 32 bytes, not to the 16 of AES
_HEAD = 20  # 16 random bytes, then the length in 4


class Seal:
    """Token and AES key of one account, ready for use."""

    def __init__(self, app_id: str, token: str, aes_key: str | None) -> None:
        self._app_id, self._token = app_id.encode(), token.encode()
        self._cipher: Cipher[CBC] | None = None
        if aes_key:
            key = b64decode(aes_key + "=")
            self._cipher = Cipher(AES(key), CBC(key[:16]))

    def signature(self, *parts: str) -> str:
        """sha1 hex of the token and the parts, sorted and joined."""
        signed = sorted([self._token, *(part.encode() for part in parts)])
        return hashlib.sha1(b"".join(signed), usedforsecurity=False).hexdigest()  # the platform's choice, not ours

    def check(self, given: str, *parts: str) -> None:
        """Raises Forbidden unless the platform signed these parts. Takes the same time whatever was given."""
        if not hmac.compare_digest(self.signature(*parts).encode(), given.encode()):
            raise Forbidden("signature")

    def open(self, encrypted: str) -> bytes:
        """The message inside an `Encrypt` element. Raises Forbidden if anything about it is wrong."""
        plain = self._decrypted(encrypted)
        fill = plain[-1]
        if not 1 <= fill <= BLOCK or plain[-fill:] != bytes([fill]) * fill:
            raise Forbidden("padding")
        end = _HEAD + int.from_bytes(plain[16:_HEAD], "big")
        if not hmac.compare_digest(plain[end:-fill], self._app_id):  # nothing there, if the length lies
            raise Forbidden("appid")
        return plain[_HEAD:end]

    def _decrypted(self, encrypted: str) -> bytes:
        try:
            sealed = b64decode(encrypted.strip(), validate=True)
        except (binascii.Error, ValueError):  # ValueError: not ASCII
            raise Forbidden("base64") from None
        if self._cipher is None or not sealed or len(sealed) % BLOCK:
            raise Forbidden("no AES key" if self._cipher is None else "block size")
        decryptor = self._cipher.decryptor()
        return decryptor.update(sealed) + decryptor.finalize()

    def seal(self, message: bytes, salt: bytes | None = None) -> str:
        """An `Encrypt` element's text for a message. `salt`: its 16 random bytes; fresh ones unless given."""
        assert self._cipher is not None, "only what came sealed is answered sealed"
        plain = (salt or os.urandom(16)) + len(message).to_bytes(4, "big") + message + self._app_id
        fill = BLOCK - len(plain) % BLOCK
        encryptor = self._cipher.encryptor()
        return b64encode(encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()).decode()
