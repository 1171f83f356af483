"""A follower's phone: what a person can do in WeChat, each as the true push, and what they see of the answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.sandbox.transcript import NotPossible, Option, Part, Transcript, find_option
from bot.sandbox.wechat_reply import FAULT, Shown
from bot.sandbox.wechat_xml import Bare, Value

if TYPE_CHECKING:
    from bot.sandbox.wechat import WeChatPlatform

OUT_OF_WINDOW, USED_UP = 45015, 45047


@dataclass(slots=True)
class _Budget:
    """How many customer-service messages may still be sent, and until when."""

    left: int
    until: datetime


class Phone:
    """One person. `following` is None for somebody who followed before anybody looked: writing and following both work.

    Every verb returns the text that the person is shown, "" for nothing, the fault notice for a wrong answer.
    """

    def __init__(self, platform: WeChatPlatform, openid: str) -> None:
        self.platform = platform
        self.openid = openid
        self.following: bool | None = None
        self.followed_at: datetime | None = None
        self.scene = ""
        self.refuses = 0  # the errcode with which messages to this person are answered: 43019, 48002, 50005 ...
        self.mutes_templates = False  # they are taken, and end as "failed:user block"
        self.transcript = Transcript()
        self.wrote_at: datetime | None = None
        self._message: _Budget | None = None
        self._tap: _Budget | None = None

    async def says(self, text: str) -> str:
        """Types a text and sends it."""
        return await self._writes(text, {"MsgType": "text", "Content": text, "MsgId": self._id()})

    async def taps(self, wanted: int | str, line: int | None = None) -> str:
        """Taps a choice by number or label: in the newest line that has any, or in that line. Raises NotPossible."""
        lines = [self.transcript.line(line)] if line else list(self.transcript.lines)
        newest = next((one for one in reversed(lines) if one.choices), None)
        if newest is None:
            raise NotPossible("there is nothing to tap")
        return await self._taps(find_option(newest, wanted))

    async def _taps(self, option: Option) -> str:
        fields: dict[str, Value] = {"MsgType": "text", "Content": option.says, "MsgId": self._id()}
        return await self._writes(option.says, fields | {"bizmsgmenuid": Bare(option.tag)}, tap=True)

    async def sends_image(self) -> str:
        """Sends a picture."""
        picture = f"http://mmbiz.qpic.cn/sandbox/{self.platform.next_id()}/0"
        fields: dict[str, Value] = {"MsgType": "image", "PicUrl": picture, "MediaId": self._media()}
        return await self._writes("[图片]", {**fields, "MsgId": self._id()})

    async def sends_voice(self) -> str:
        """Sends a voice message; its recognition is empty, as everywhere nowadays."""
        fields: dict[str, Value] = {"MsgType": "voice", "MediaId": self._media(), "Format": "amr", "MsgId": self._id()}
        return await self._writes("[语音]", {**fields, "Recognition": ""})

    async def sends_video(self) -> str:
        """Sends a video."""
        fields: dict[str, Value] = {"MsgType": "video", "MediaId": self._media(), "ThumbMediaId": self._media()}
        return await self._writes("[视频]", {**fields, "MsgId": self._id()})

    async def sends_location(self, latitude: str = "22.540503", longitude: str = "113.934528") -> str:
        """Sends a place picked on the map."""
        where = {"Location_X": Bare(latitude), "Location_Y": Bare(longitude), "Scale": Bare("15"), "Label": "深圳市"}
        return await self._writes("[位置]", {"MsgType": "location", **where, "MsgId": self._id()})

    async def sends_link(self) -> str:
        """Forwards an article."""
        fields: dict[str, Value] = {"MsgType": "link", "Title": "title", "Description": "description"}
        return await self._writes("[链接]", {**fields, "Url": "https://example.com/", "MsgId": self._id()})

    async def sends_sticker(self) -> str:
        """Sends an animated sticker: the platform hands on only this notice, as a text."""
        fields: dict[str, Value] = {"MsgType": "text", "Content": "【收到不支持的消息类型，暂无法显示】"}
        return await self._writes("[表情]", {**fields, "MsgId": self._id()})

    async def clicks(self, key: str) -> str:
        """Taps a menu button of the kind click."""
        return await self._event("CLICK", {"EventKey": key}, f"[菜单 {key}]")

    async def views(self, url: str) -> str:
        """Taps a menu button that opens a page."""
        return await self._event("VIEW", {"EventKey": url, "MenuId": Bare("400000001")}, "", tap=False)

    async def reports_location(self) -> str:
        """Enters the chat where the account asks for the place; nothing that the person says."""
        where: dict[str, Value] = {"Latitude": Bare("22.540503"), "Longitude": Bare("113.934528")}
        return await self._event("LOCATION", {**where, "Precision": Bare("65.000000")}, "", tap=False)

    async def follows(self, scene: str = "") -> str:
        """Follows the account, by a code with that scene or without. Raises NotPossible for a follower."""
        if self.following:
            raise NotPossible("follows already")
        self.following, self.followed_at, self.scene = True, self.platform.now(), scene
        code: dict[str, Value] = {"EventKey": f"qrscene_{scene}", "Ticket": _ticket(scene)} if scene else {}
        return await self._event("subscribe", code, f"[扫码关注 {scene}]" if scene else "[关注]")

    async def scans(self, scene: str) -> str:
        """Scans a code of the account: a follower's scan, or a follow by that code."""
        if not self.following:
            return await self.follows(scene)
        return await self._event("SCAN", {"EventKey": scene, "Ticket": _ticket(scene)}, f"[扫码 {scene}]")

    async def unfollows(self) -> str:
        """Stops following; an answer to that is never shown."""
        self._follower()
        self.following, self._message, self._tap = False, None, None
        await self._event("unsubscribe", {"EventKey": ""}, "[取消关注]", tap=False)
        return ""

    def opens(self, tap: bool = False) -> None:
        """Follows, and opens a window as a message or a tap does, without any push: for crowds that need no talk."""
        self._follower()
        self._open(tap)

    def receives(self, shown: Shown) -> None:
        """A message which the account sent by itself."""
        self.transcript.add("bot", self.platform.now(), shown.parts, choices=shown.choices)

    def spend(self) -> int:
        """Takes one message out of an open window, the sooner to close first. 0, or the errcode of a closed one."""
        now = self.platform.now()
        windows = [window for window in (self._tap, self._message) if window and now < window.until]
        for window in windows:
            if window.left:
                window.left -= 1
                return 0
        return USED_UP if windows else OUT_OF_WINDOW

    def _follower(self) -> None:
        if self.following is False:
            raise NotPossible("follow the account first")
        if self.following is None:
            self.following, self.followed_at = True, self.platform.now()

    async def _writes(self, said: str, fields: dict[str, Value], tap: bool = False) -> str:
        self._follower()
        self.wrote_at = self.platform.now()
        self._open(tap)
        return await self._pushed(said, fields)

    async def _event(self, event: str, fields: dict[str, Value], said: str, tap: bool = True) -> str:
        if event != "unsubscribe":
            self._follower()
        if tap:
            self._open(tap=True)
        return await self._pushed(said, {"MsgType": "event", "Event": event, **fields})

    def _open(self, tap: bool) -> None:
        """A tap opens its own window only; the one of the last message stays as it is."""
        count, lasts = self.platform.tap_window if tap else self.platform.window
        budget = _Budget(count, self.platform.now() + lasts)
        if tap:
            self._tap = budget
        else:
            self._message = budget

    async def _pushed(self, said: str, fields: dict[str, Value]) -> str:
        now = self.platform.now()
        if said:
            self.transcript.add("person", now, (Part(said),))
        head: dict[str, Value] = {"ToUserName": self.platform.original_id, "FromUserName": self.openid}
        answer = await self.platform.converse({**head, "CreateTime": int(now.timestamp()), **fields})
        if self.following is False:
            return ""
        if answer.wrong:
            self.transcript.add("platform", self.platform.now(), (Part(FAULT),))
            return FAULT
        if answer.shown.parts:
            self.receives(answer.shown)
        return answer.shown.text

    def _id(self) -> int:
        return self.platform.next_id()

    def _media(self) -> str:
        return hashlib.sha256(str(self.platform.next_id()).encode()).hexdigest()


def _ticket(scene: str) -> str:
    return "gQ" + hashlib.sha256(scene.encode()).hexdigest()
