"""WeChat's own side, written from its pages and apart from our adapter: it signs, seals, and reads our answers."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.adapters.wechat import convert
from bot.adapters.wechat.adapter import WeChatAdapter
from bot.adapters.wechat.convert import Account
from bot.clock import Clock
from bot.settings import Settings, read
from bot.store.nonces import Nonces
from tests.adapters.wechat.webhook import PATIENCE, Core, Webhook

SAMPLES = Path(__file__).parents[2] / "samples" / "wechat"
NOW = datetime(2019, 10, 8, 1, 0, tzinfo=UTC)


class StoppedClock(Clock):
    """Stands still."""

    def __init__(self, at: datetime = NOW, start: datetime | None = None) -> None:
        self.at = at
        super().__init__(start)

    def real(self) -> datetime:
        return self.at


class Platform:
    """WeChat as it calls one account."""

    app_id, token = "wx5823bf96d3bd56c7", "QDG6eK"
    aes_key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
    nonce = "1372623149"
    now = NOW
    timestamp = str(int(NOW.timestamp()))

    def settings(self, **more: str) -> Settings:
        names = {"APP_ID": self.app_id, "TOKEN": self.token, "AES_KEY": self.aes_key} | more
        return read({f"USHER_WECHAT_{name}": value for name, value in names.items() if value})

    def sign(self, *parts: str) -> str:
        return hashlib.sha1("".join(sorted([self.token, *parts])).encode(), usedforsecurity=False).hexdigest()

    def _cipher(self) -> Cipher:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def crypt(self, plain: bytes) -> str:
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()

    def pad(self, plain: bytes) -> bytes:
        padder = padding.PKCS7(256).padder()
        return padder.update(plain) + padder.finalize()

    def encrypt(self, xml: bytes, app_id: str | None = None) -> str:
        inside = b"0123456789abcdef" + struct.pack(">I", len(xml)) + xml + (app_id or self.app_id).encode()
        return self.crypt(self.pad(inside))

    def decrypt(self, encrypted: str) -> bytes:
        decryptor = self._cipher().decryptor()
        plain = decryptor.update(base64.b64decode(encrypted, validate=True)) + decryptor.finalize()
        unpadder = padding.PKCS7(256).unpadder()
        plain = unpadder.update(plain) + unpadder.finalize()
        (length,) = struct.unpack(">I", plain[16:20])
        assert plain[20 + length :] == self.app_id.encode()
        return plain[20 : 20 + length]

    def query(self, **more: str) -> bytes:
        return urlencode({"timestamp": self.timestamp, "nonce": self.nonce, "openid": "oX"} | more).encode()

    def check(self, echostr: str = "4375120948345356249") -> bytes:
        return self.query(signature=self.sign(self.timestamp, self.nonce), echostr=echostr)

    def plain(self, xml: bytes, nonce: str = nonce) -> tuple[bytes, bytes]:
        return self.query(signature=self.sign(self.timestamp, nonce), nonce=nonce), xml

    def envelope(self, encrypted: str, beside: bytes = b"") -> tuple[bytes, bytes]:
        """The query and the body around something encrypted; `beside` is what compatible mode shows in the open."""
        signature = self.sign(self.timestamp, self.nonce, encrypted)
        both = {"signature": self.sign(self.timestamp, self.nonce), "encrypt_type": "aes", "msg_signature": signature}
        body = b"<xml>%s<Encrypt><![CDATA[%s]]></Encrypt></xml>" % (beside, encrypted.encode())
        return self.query(**both), body

    def safe(self, xml: bytes) -> tuple[bytes, bytes]:
        return self.envelope(self.encrypt(xml), b"<ToUserName><![CDATA[gh_ffs]]></ToUserName>")

    def compatible(self, xml: bytes) -> tuple[bytes, bytes]:
        inside = re.fullmatch(rb"\s*<xml>(.*)</xml>\s*", xml, re.DOTALL)
        assert inside
        return self.envelope(self.encrypt(xml), inside[1])

    @staticmethod
    def tree(xml: bytes) -> ElementTree.Element:
        return ElementTree.fromstring(xml)  # noqa: S314  # written by us, a moment ago

    def shown(self, answer: bytes) -> str:
        """What the person sees, from an answer in the open."""
        root = self.tree(answer)
        assert {child.tag for child in root} == {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Content"}
        assert (root.tag, root.findtext("MsgType")) == ("xml", "text")
        assert root.findtext("CreateTime", "").isdigit()
        return root.findtext("Content", "")

    def opened(self, answer: bytes) -> bytes:
        """The answer inside an encrypted one."""
        root = self.tree(answer)
        assert {child.tag for child in root} == {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}
        encrypted, stamp, nonce = (root.findtext(name, "") for name in ("Encrypt", "TimeStamp", "Nonce"))
        assert root.findtext("MsgSignature") == self.sign(stamp, nonce, encrypted)
        return self.decrypt(encrypted)

    @staticmethod
    def text(content: str, user: str = "oA", msg_id: str = "1", created: str = "1570496400", more: str = "") -> bytes:
        return (
            f"<xml><ToUserName><![CDATA[gh_ffs]]></ToUserName><FromUserName><![CDATA[{user}]]></FromUserName>"
            f"<CreateTime>{created}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
            f"<Content><![CDATA[{content}]]></Content><MsgId>{msg_id}</MsgId>{more}</xml>"
        ).encode()

    def body(self, kind: str, inside: str) -> bytes:
        """A message of another kind."""
        return self.text("x").replace(b"[text]", f"[{kind}]".encode()).replace(b"</xml>", f"{inside}</xml>".encode())

    @staticmethod
    def event(name: str, key: str = "", user: str = "oA", created: str = "1570496400", more: str = "") -> bytes:
        return (
            f"<xml><ToUserName><![CDATA[gh_ffs]]></ToUserName><FromUserName><![CDATA[{user}]]></FromUserName>"
            f"<CreateTime>{created}</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event>"
            f"<EventKey><![CDATA[{key}]]></EventKey>{more}</xml>"
        ).encode()


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def clock() -> Clock:
    return StoppedClock()


@pytest.fixture
def stopped_clock() -> type[StoppedClock]:
    return StoppedClock


@pytest.fixture(scope="session")
def vectors() -> dict[str, dict[str, str]]:
    return json.loads((SAMPLES / "vectors.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def samples() -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in SAMPLES.glob("*.xml")}


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


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
async def hook(platform, clock, core) -> AsyncIterator[Webhook]:
    adapter = WeChatAdapter(platform.settings(), clock, core.receive, core.keep, core.report, patience=PATIENCE)
    yield (webhook := Webhook(adapter))
    core.commit.set()
    await webhook.http.aclose()
    await webhook.adapter.close()


@pytest.fixture
async def open_hook(platform, clock, core, database) -> AsyncIterator[Webhook]:
    """An account in plain mode."""
    settings, nonces = platform.settings(MODE="plain", AES_KEY=""), Nonces(database, clock, 2 * convert.FRESH)
    adapter = WeChatAdapter(settings, clock, core.receive, core.keep, patience=PATIENCE, admit=nonces.admit)
    yield (webhook := Webhook(adapter))
    core.commit.set()
    await webhook.http.aclose()
    await webhook.adapter.close()
