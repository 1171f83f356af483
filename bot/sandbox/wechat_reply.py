"""What a WeChat reply must be so that the platform shows it, and what the person then sees."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from bot.sandbox.transcript import Option, Part
from bot.sandbox.wechat_xml import WrongReply, read_xml

FAULT = "该公众号提供的服务出现故障，请稍后再试"  # what people are shown instead of a wrong answer
TEXT_BYTES = 2048  # undocumented; customer-service messages have the same bound
MENU = "weixin://bizmsgmenu"
_NEEDED = {
    "text": ("Content",),
    "image": ("Image.MediaId",),
    "voice": ("Voice.MediaId",),
    "video": ("Video.MediaId",),
    "music": ("Music.ThumbMediaId",),
    "news": ("ArticleCount", "Articles.item.Title"),
    "transfer_customer_service": (),
}
_LINK = re.compile(r'<a href="([^"<>\s]+)"(?: data-miniprogram-[a-z]+="[^"<>]*")*>([^<>]+)</a>')
_TAG = re.compile(r"</?a(?![A-Za-z0-9])")
_ESCAPED = re.compile(r"(?:[A-Za-z0-9\-._~!*'()/?:@]|%[0-9A-Fa-f]{2})+")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the person sees; empty parts: nothing."""

    parts: tuple[Part, ...] = ()
    choices: tuple[Option, ...] = ()

    @property
    def text(self) -> str:
        """As plain text."""
        return "".join(part.text for part in self.parts)


NOTHING = Shown()


def read_reply(xml: bytes, *, to: str, sender: str) -> Shown:
    """Reads a passive reply to the person `to` from the account `sender`. Raises WrongReply."""
    fields = read_xml(xml)
    for name, wanted in (("ToUserName", to), ("FromUserName", sender)):
        if fields.get(name) != wanted:
            raise WrongReply(f"{name} is not the one that the message came with")
    if not re.fullmatch(r"\d{1,11}", str(fields.get("CreateTime", ""))):
        raise WrongReply("CreateTime is not a number of seconds")
    kind = fields.get("MsgType")
    if not isinstance(kind, str) or kind not in _NEEDED:
        raise WrongReply("MsgType is not one of a reply")
    for path in _NEEDED[kind]:
        _needed(fields, path)
    if kind == "text":
        return read_text(fields["Content"])
    if kind == "news":
        return _article(fields)
    return NOTHING if kind == "transfer_customer_service" else Shown((Part(f"[{kind}]"),))


def read_text(content: str) -> Shown:
    """The text of a message with its links, each checked. Raises WrongReply."""
    if len(content.encode()) > TEXT_BYTES:
        raise WrongReply(f"the text has {len(content.encode())} bytes, at most {TEXT_BYTES}")
    if not content.strip():
        raise WrongReply("the text is empty")
    parts: list[Part] = []
    choices: list[Option] = []
    end = 0
    for found in _LINK.finditer(content):
        parts.append(_plain(content[end : found.start()]))
        parts.append(_linked(found[1], found[2], choices))
        end = found.end()
    parts.append(_plain(content[end:]))
    return Shown(tuple(part for part in parts if part.text), tuple(choices))


def _plain(text: str) -> Part:
    if _TAG.search(text):
        raise WrongReply("a link tag is cut or malformed")
    return Part(text)


def _linked(href: str, label: str, choices: list[Option]) -> Part:
    if not href.startswith(MENU):
        if not href.startswith(("http://", "https://")):
            raise WrongReply("a link leads neither to a page nor to a menu message")
        return Part(label, link=href)
    found = re.fullmatch(re.escape(MENU) + r"\?msgmenucontent=([^&]*)&msgmenuid=([^&]*)", href)
    if not found:
        raise WrongReply("a menu link is not bizmsgmenu?msgmenucontent=..&msgmenuid=..")
    choices.append(Option(label, says=_unescape(found[1], "msgmenucontent"), tag=_unescape(found[2], "msgmenuid")))
    return Part(label, choice=len(choices))


def _unescape(value: str, name: str) -> str:
    if not value:
        raise WrongReply(f"{name} is empty")
    if not _ESCAPED.fullmatch(value):
        raise WrongReply(f"{name} is not percent-encoded")
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise WrongReply(f"{name} is not UTF-8") from None


def _needed(fields: Mapping[str, Any], path: str) -> None:
    value: Any = fields
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        raise WrongReply(f"{path} is missing")


def _article(fields: Mapping[str, Any]) -> Shown:
    if fields["ArticleCount"] != "1":
        raise WrongReply("a reply shows one article")
    item = fields["Articles"]["item"]
    title, link = str(item["Title"]), str(item.get("Url", ""))
    return Shown((Part(title, link=link if link.startswith(("http://", "https://")) else ""),))
