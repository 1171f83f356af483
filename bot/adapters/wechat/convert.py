"""Bytes of WeChat's pushes into our messages and our replies into its bytes; checks everything, touches nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from wechatpy.replies import TextReply

from bot.adapters.wechat.crypto import Seal
from bot.adapters.wechat.meaning import USER, Finished, Unknown, finished, key, meaning
from bot.adapters.wechat.parse import Fields, fields
from bot.adapters.wechat.text import content
from bot.clock import Clock
from bot.errors import Forbidden
from bot.message import Address, Message, Opened, Reply
from bot.settings import Settings

CHANNEL = "wechat"
LARGEST = 64 * 1024  # bytes of a body
LONGEST = 4096  # characters of a text that go on; no phone lets a person type as many
FRESH = timedelta(minutes=5)  # how far the timestamp of a request may be from now
SUCCESS = b"success"  # accepted, nothing shown; never encrypted

_QUERY = 2048  # bytes
_NUMBER = re.compile(r"[1-9][0-9]{0,10}")
# The signature joins its parts without a border. A nonce that took 128 characters from Encrypt, which is a whole
# number of blocks, would leave another message rightly signed; so nonces are short.
_NONCE = re.compile(r"[A-Za-z0-9._~+/=:-]{1,60}")
_ECHO = re.compile(r"[\x20-\x7e]{1,512}")

Query = dict[str, str]


@dataclass(frozen=True, slots=True)
class Account:
    """One Official Account, its keys ready for use."""

    app_id: str
    seal: Seal
    plain: bool  # the account sends in plain mode; in the others nothing that is not encrypted is believed
    windows: Mapping[str, Opened]  # for sending later, by name: what opens which is in meaning.py

    @classmethod
    def of(cls, settings: Settings) -> Account:
        """The account that the settings name."""
        assert settings.wechat_app_id, "checked by settings.read"
        assert settings.wechat_token, "checked by settings.read"
        key = settings.wechat_aes_key
        token = settings.wechat_token.get_secret_value()
        return cls(
            app_id=settings.wechat_app_id,
            seal=Seal(settings.wechat_app_id, token, key.get_secret_value() if key else None),
            plain=settings.wechat_mode == "plain",
            windows={
                "message": Opened("message", *settings.wechat_window),
                "tap": Opened("tap", *settings.wechat_tap_window),
            },
        )


@dataclass(frozen=True, slots=True)
class Push:
    """One push of the platform, checked and opened."""

    body: bytes  # opened
    message: Message | None  # None: not for the conversation
    finished: Finished | None  # what became of a template message, where the push tells that
    unknown: str  # why nobody understands it; "" where it is understood
    user_id: str  # "" where it has none
    to: str  # our own id in it: the sender of the answer
    sealed: bool  # the answer is sealed if and only if the push was
    timestamp: str
    nonce: str
    signature: str


def echo(account: Account, clock: Clock, query_string: bytes) -> bytes:
    """The answer to the platform's check of our address: its echostr as it came. Raises Forbidden."""
    query = _query(query_string)
    timestamp, nonce = _moment(query, clock)
    account.seal.check(query.get("signature", ""), timestamp, nonce)
    return _matched(_ECHO, query, "echostr").encode()


def read(account: Account, clock: Clock, query_string: bytes, body: bytes) -> Push:
    """What the platform pushes. Raises Forbidden for any fault, so that all faults look the same outside.

    In plain mode the signature says nothing about the body: see bot/store/nonces.py.
    """
    query = _query(query_string)
    timestamp, nonce = _moment(query, clock)
    if len(body) > LARGEST:
        raise Forbidden("size")
    sealed = "msg_signature" in query or query.get("encrypt_type") == "aes"
    signature = query.get("msg_signature" if sealed else "signature", "")
    if sealed:
        encrypted = fields(body).get("Encrypt", "")
        account.seal.check(signature, timestamp, nonce, encrypted)
        body = account.seal.open(encrypted)
    elif account.plain:
        account.seal.check(signature, timestamp, nonce)
    else:
        raise Forbidden("not encrypted")
    found = fields(body)
    message, ended, unknown = _content(account, found)
    user_id, to = found.get("FromUserName", ""), found.get("ToUserName", "")
    return Push(body, message, ended, unknown, user_id=user_id if USER.fullmatch(user_id) else "", to=to, sealed=sealed,
                timestamp=timestamp, nonce=nonce, signature=signature)  # fmt: skip


def render(account: Account, push: Push, reply: Reply | None, now: datetime) -> bytes:
    """The body that answers a push, in the push's own mode."""
    words = content(reply) if reply else ""
    if not words:
        return SUCCESS
    answer = TextReply(source=push.to, target=push.user_id, time=int(now.timestamp()), content=words)
    xml = str(answer.render()).encode()
    if not push.sealed:
        return xml
    encrypted = account.seal.seal(xml)
    signature = account.seal.signature(push.timestamp, push.nonce, encrypted)
    return (
        f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
        f"<TimeStamp>{push.timestamp}</TimeStamp><Nonce><![CDATA[{push.nonce}]]></Nonce></xml>"
    ).encode()


def _query(query_string: bytes) -> Query:
    """The parameters, each once and in ASCII."""
    if len(query_string) > _QUERY:
        raise Forbidden("query size")
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise Forbidden("query") from None
    query = dict(pairs)
    if len(query) != len(pairs) or not all(value.isascii() for value in query.values()):
        raise Forbidden("query")
    return query


def _moment(query: Query, clock: Clock) -> tuple[str, str]:
    """The timestamp, if it is from just now, and the nonce. Copies that the platform repeats are as fresh."""
    timestamp = _matched(_NUMBER, query, "timestamp")
    if not clock.fresh(datetime.fromtimestamp(int(timestamp), UTC), FRESH):
        raise Forbidden("time")
    return timestamp, _matched(_NONCE, query, "nonce")


def _matched(pattern: re.Pattern[str], query: Query, name: str) -> str:
    value = query.get(name, "")
    if not pattern.fullmatch(value):
        raise Forbidden(name)
    return value


def _content(account: Account, found: Fields) -> tuple[Message | None, Finished | None, str]:
    """The message for the conversation or the end of a template message, if it is one; or why nobody understands it."""
    try:
        return _message(account, found), finished(found), ""
    except Unknown as unknown:
        return None, None, str(unknown)


def _message(account: Account, found: Fields) -> Message | None:
    user, created = found.get("FromUserName", ""), found.get("CreateTime", "")
    if not (USER.fullmatch(user) and _NUMBER.fullmatch(created) and USER.fullmatch(found.get("ToUserName", ""))):
        raise Unknown("sender, recipient or time missing")
    said = meaning(found)
    if said is None:
        return None
    return Message(
        id=key(account.app_id, found),
        sender=Address(CHANNEL, account.app_id, user),
        sent_at=datetime.fromtimestamp(int(created), UTC),
        kind=said.kind,
        text=said.text[:LONGEST],
        tapped=said.tapped,
        source=said.source,
        opened=account.windows.get(said.window),
    )
