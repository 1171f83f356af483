"""Template messages: which ones the platform takes, what people see of them, and how their end is told.

https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from bot.sandbox.transcript import Part
from bot.sandbox.wechat_refusal import Refused
from bot.sandbox.wechat_reply import Shown
from bot.sandbox.wechat_xml import Bare, Value

if TYPE_CHECKING:
    from bot.sandbox.wechat import WeChatPlatform
    from bot.sandbox.wechat_phone import Phone

FIELD = 20  # characters; the rest is cut in silence
SAME_FOR = timedelta(minutes=10)  # for which a client_msg_id is known
_ID_BYTES = 64  # as for the clientmsgid of mass messages; the page on templates names no limit
_NAMES = frozenset({"touser", "template_id", "url", "miniprogram", "data", "client_msg_id"})
_PLACE = re.compile(r"\{\{(\w+)\.DATA\}\}")
_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
SUCCESS, BLOCKED = "success", "failed:user block"
Telling = Literal["after", "before", "never"]


@dataclass(frozen=True, slots=True)
class _Known:
    """A message that was taken under a client_msg_id."""

    msgid: int
    until: datetime


class Templates:
    """The templates that an account chose, and the messages made of them.

    `texts`: the text of each by its id, with places such as {{thing1.DATA}}; an empty one takes any fields.
    `telling`: when the end is told, after the call was answered, before it is, or never. `ends`: how the next messages
    end, where not well.
    """

    def __init__(self, platform: WeChatPlatform, texts: Mapping[str, str]) -> None:
        self.texts = dict(texts)
        self.telling: Telling = "after"
        self.ends: deque[str] = deque()
        self._platform = platform
        self._known: dict[tuple[str, str], _Known] = {}
        self._tellings: set[asyncio.Task[None]] = set()

    async def send(self, fields: dict[str, Any], phone: Phone) -> tuple[int, Shown | None]:
        """Takes a message: its msgid, and what the person sees; None where they saw it before. Raises Refused."""
        shown = self._read(fields)
        key = phone.openid, fields.get("client_msg_id", "")
        known = self._known.get(key)
        if key[1] and known and self._platform.now() < known.until:
            return known.msgid, None
        msgid = self._platform.next_id()
        self._known[key] = _Known(msgid, self._platform.now() + SAME_FOR)
        status = BLOCKED if phone.mutes_templates else self.ends.popleft() if self.ends else SUCCESS
        await self._tell(phone, msgid, status)
        return msgid, shown if status == SUCCESS else Shown()

    async def close(self) -> None:
        """Tells nothing more."""
        for telling in self._tellings:
            telling.cancel()
        await asyncio.gather(*self._tellings, return_exceptions=True)

    def _read(self, fields: dict[str, Any]) -> Shown:
        """What the person will see."""
        _check(fields)
        text = self.texts.get(fields["template_id"])
        if text is None:
            raise Refused(40037, "invalid template_id")
        values = {name: self._value(name, field) for name, field in fields["data"].items()}
        places = set(_PLACE.findall(text)) if text else set(values)
        # The platform leaves a place empty and drops a field that has none; here both are the bot's mistake.
        if places != set(values) or not all(value.strip() for value in values.values()):
            raise Refused(47003, "argument invalid: the fields are not those of the template")
        text = text or "\n".join(f"{name}: {{{{{name}.DATA}}}}" for name in values)
        whole = _PLACE.sub(lambda place: values[place[1]], text)
        return Shown((Part(whole, link=fields.get("url", "")),))

    def _value(self, name: str, field: Any) -> str:
        if not isinstance(field, dict) or not isinstance(field.get("value"), str):
            raise Refused(47001, "data format error: a field without a value")
        value: str = field["value"]
        if len(value) > FIELD or _BREAK.search(value):
            self._platform.violations.append(f"message/template/send: {name} is not one line of {FIELD} characters")
        return _BREAK.sub(" ", value)[:FIELD]

    async def _tell(self, phone: Phone, msgid: int, status: str) -> None:
        """Pushes TEMPLATESENDJOBFINISH, repeated like every push until it is answered."""
        fields: dict[str, Value] = {"ToUserName": self._platform.original_id, "FromUserName": phone.openid}
        fields |= {"CreateTime": int(self._platform.now().timestamp()), "MsgType": "event"}
        fields |= {"Event": "TEMPLATESENDJOBFINISH", "MsgID": Bare(msgid), "Status": status}
        if self.telling == "before":
            await self._platform.converse(fields)
        elif self.telling == "after":
            telling = asyncio.create_task(self._later(fields))
            self._tellings.add(telling)
            telling.add_done_callback(self._tellings.discard)

    async def _later(self, fields: Mapping[str, Value]) -> None:
        await asyncio.sleep(0.01)
        await self._platform.converse(fields)


def _check(fields: dict[str, Any]) -> None:
    """The shape of the call; touser was looked at before."""
    if unknown := set(fields) - _NAMES:
        raise Refused(47001, f"data format error: {', '.join(sorted(unknown))}")
    if not isinstance(fields.get("template_id"), str):
        raise Refused(40037, "invalid template_id")
    if not isinstance(fields.get("data"), dict) or not fields["data"]:
        raise Refused(47001, "data format error: data")
    url, key = fields.get("url", ""), fields.get("client_msg_id", "")
    if not isinstance(url, str) or (url and not url.startswith(("http://", "https://"))):
        raise Refused(40048, "invalid url")
    if not isinstance(key, str) or len(key.encode()) > _ID_BYTES:
        raise Refused(47001, "data format error: client_msg_id")
