"""What each of WeChat's messages and events means in our words, and what makes two pushes the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.adapters.wechat.parse import Fields
from bot.adapters.wechat.text import UNTAGGED
from bot.message import Kind

USER = re.compile(r"[A-Za-z0-9_-]{1,64}")  # an openid, or our own gh_ id
_FINISHED = "templatesendjobfinish"
_RECEIPT = re.compile(r"[0-9]{1,20}")
_STATUS = re.compile(r"[a-z][a-z _:-]{0,60}")
_TAG = re.compile(r"[\x21-\x7e]{1,128}")
_SCENE = 64  # characters of a scene, by the page on QR codes
_STICKER = "【收到不支持的消息类型，暂无法显示】"  # the text that the platform puts in place of a sticker


class Unknown(Exception):
    """Nobody knows yet what this push means."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person did."""

    kind: Kind
    window: str  # which window for sending later it opens: message, tap or none ("")
    text: str = ""
    tapped: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a template message."""

    receipt: str  # the msgid with which it was taken
    status: str  # success, failed:user block, failed: system failed


def finished(found: Fields) -> Finished | None:
    """The end of a template message, where a push tells one. Raises Unknown."""
    if (found.get("MsgType", "").lower(), found.get("Event", "").lower()) != ("event", _FINISHED):
        return None
    receipt, status = found.get("MsgID", "").strip(), found.get("Status", "").strip().lower()
    if not (_RECEIPT.fullmatch(receipt) and _STATUS.fullmatch(status)):
        raise Unknown("a template's end without MsgID or Status")
    return Finished(receipt, status)


def meaning(found: Fields) -> Said | None:
    """What a push says; None: it is not for the conversation. Raises Unknown."""
    sort, event = found.get("MsgType", "").lower(), found.get("Event", "").lower()
    if sort != "event":
        if sort not in _SENT:
            raise Unknown("unknown MsgType")
        return _SENT[sort](found)
    if event in _NOT_FOR_US:
        return None
    if event not in _EVENTS:
        raise Unknown("unknown Event")
    return _EVENTS[event](found)


def key(app_id: str, found: Fields) -> str:
    """The same for every copy of a push and for nothing else.

    MsgId alone is shared by different people, a time alone by different events (platforms/wechat.md, "Dedupe key").
    A digest, as message keys may be kept longer than the person's data.
    """
    named = [app_id, *(found.get(name, "") for name in ("FromUserName", "CreateTime", "MsgType"))]
    if found.get("MsgId"):
        return _digest([*named, found["MsgId"]])
    rest = _digest([text for pair in sorted(found.items()) for text in pair])
    return _digest([*named, *(found.get(name, "") for name in ("Event", "EventKey", "MsgID")), rest])


def _digest(texts: list[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()  # no text from XML holds NUL


def _text(found: Fields) -> Said:
    words, tag = found.get("Content", ""), found.get("bizmsgmenuid", "")
    if tag:
        return Said(Kind.TEXT, "tap", text=words, tapped=tag if tag != UNTAGGED and _TAG.fullmatch(tag) else "")
    if not words.strip() or words == _STICKER:
        return _media(found)
    return Said(Kind.TEXT, "message", text=words)


def _voice(found: Fields) -> Said:
    heard = found.get("Recognition", "").strip()  # empty nowadays
    return Said(Kind.TEXT, "message", text=heard) if heard else _media(found)


def _media(_: Fields) -> Said:
    return Said(Kind.MEDIA, "message")


def _click(found: Fields) -> Said:
    return Said(Kind.TEXT, "tap", text=found.get("EventKey", ""))


def _follow(found: Fields) -> Said:
    event_key = found.get("EventKey", "")
    scene = event_key.removeprefix("qrscene_") if event_key.startswith("qrscene_") else ""  # or how a payment led here
    return Said(Kind.START, "tap", source=scene[:_SCENE])


def _scan(found: Fields) -> Said:
    return Said(Kind.START, "tap", source=found.get("EventKey", "")[:_SCENE])


def _leave(_: Fields) -> Said:
    return Said(Kind.LEAVE, "")


_MEDIA = ("image", "video", "shortvideo", "location", "link", "file")
_SENT: dict[str, Callable[[Fields], Said]] = {"text": _text, "voice": _voice, **dict.fromkeys(_MEDIA, _media)}
_EVENTS = {"subscribe": _follow, "scan": _scan, "unsubscribe": _leave, "click": _click}
# Known, and nothing to answer: pages opened, places reported, results of sending, consents.
_NOT_FOR_US = frozenset({
    "view", "view_miniprogram", "location", _FINISHED, "masssendjobfinish",
    "subscribe_msg_popup_event", "subscribe_msg_change_event", "subscribe_msg_sent_event",
    "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select",
})  # fmt: skip
