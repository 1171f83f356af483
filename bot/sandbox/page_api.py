"""What the page asks for: the state of two phones, and one request for each thing that a person does on them."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import tzinfo
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.clock import Clock
from bot.sandbox import telegram_phone, wechat_phone
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.transcript import Line, NoAnswer, NotPossible, Transcript
from bot.sandbox.wechat import WeChatPlatform

TYPED = 4096  # characters of one message
_BODY = 32_768
Fields = dict[str, Any]
WeChatDeed = Callable[[wechat_phone.Phone, Fields], Awaitable[str]]
TelegramDeed = Callable[[telegram_phone.Phone, Fields], Awaitable[str]]


class BadRequest(Exception):
    """The page sent something that no person could have done."""


_WECHAT: dict[str, WeChatDeed] = {
    "say": lambda phone, fields: phone.says(_typed(fields)),
    "tap": lambda phone, fields: phone.taps(_number(fields, "choice"), _number(fields, "line")),
    "follow": lambda phone, fields: phone.follows(),
    "scan": lambda phone, fields: phone.scans(_code(fields)),
    "unfollow": lambda phone, fields: phone.unfollows(),
    "menu": lambda phone, fields: _menu_tap(phone, fields),
    "photo": lambda phone, fields: phone.sends_image(),
    "voice": lambda phone, fields: phone.sends_voice(),
    "location": lambda phone, fields: phone.sends_location(),
    "sticker": lambda phone, fields: phone.sends_sticker(),
}
_TELEGRAM: dict[str, TelegramDeed] = {
    "say": lambda phone, fields: phone.says(_typed(fields)),
    "tap": lambda phone, fields: phone.taps(_number(fields, "choice"), _number(fields, "line")),
    "start": lambda phone, fields: phone.starts(_code(fields, needed=False)),
    "contact": lambda phone, fields: phone.shares_contact(),
    "photo": lambda phone, fields: phone.sends_photo(),
    "voice": lambda phone, fields: phone.sends_voice(),
    "location": lambda phone, fields: phone.sends_location(),
    "sticker": lambda phone, fields: phone.sends_sticker(),
    "file": lambda phone, fields: phone.sends_document(),
    "block": lambda phone, fields: phone.blocks(),
    "unblock": lambda phone, fields: phone.unblocks(),
}


class PageApi:
    """JSON for the page; `zone` is where times are shown."""

    def __init__(self, wechat: WeChatPlatform, telegram: TelegramPlatform, clock: Clock, zone: tzinfo) -> None:
        self.wechat, self.telegram, self.clock, self.zone = wechat, telegram, clock, zone

    def routes(self) -> list[BaseRoute]:
        """Under /sandbox/api."""
        return [
            Route("/api/state", self._state, methods=["GET"]),
            Route("/api/{channel}/new", self._new, methods=["POST"]),
            Route("/api/{channel}/{person}/{deed}", self._do, methods=["POST"]),
        ]

    async def _state(self, request: Request) -> Response:
        query = request.query_params
        now = self.clock.now().astimezone(self.zone)
        state: Fields = {"clock": f"{now:%Y-%m-%d %H:%M}"}
        try:
            if person := query.get("wechat"):
                state["wechat"] = self._wechat_state(self._wechat_phone(person), query.get("wechat_seen"))
            if person := query.get("telegram"):
                state["telegram"] = self._telegram_state(self._telegram_phone(person), query.get("telegram_seen"))
        except BadRequest:
            return _error("bad_request", 400)
        return JSONResponse(state)

    async def _new(self, request: Request) -> Response:
        """A new person on one phone, who has not followed or started yet."""
        try:
            fields = await _fields(request)
        except BadRequest:
            return _error("bad_request", 400)
        if request.path_params["channel"] == "wechat":
            openid = f"o{secrets.token_urlsafe(20)}"
            self.wechat.phone(openid).following = False
            return JSONResponse({"person": openid})
        if request.path_params["channel"] == "telegram":
            user_id = 7_000_000_000 + secrets.randbelow(10**9)
            self.telegram.phone(user_id, language_code="zh-hans" if fields.get("language") == "zh" else "en")
            return JSONResponse({"person": str(user_id)})
        return _error("bad_request", 404)

    async def _do(self, request: Request) -> Response:
        """One deed; answers when the bot has."""
        channel, person, deed = (request.path_params[name] for name in ("channel", "person", "deed"))
        try:
            fields = await _fields(request)
            if channel == "wechat" and deed in _WECHAT:
                await _WECHAT[deed](self._wechat_phone(person), fields)
            elif channel == "telegram" and deed in _TELEGRAM:
                await _TELEGRAM[deed](self._telegram_phone(person), fields)
            else:
                return _error("bad_request", 404)
        except BadRequest:
            return _error("bad_request", 400)
        except NotPossible:
            return _error("not_possible", 409)
        except NoAnswer:
            return _error("no_answer", 504)
        return JSONResponse({"ok": True})

    def _wechat_phone(self, person: str) -> wechat_phone.Phone:
        if not re.fullmatch(r"o[A-Za-z0-9_-]{6,40}", person):
            raise BadRequest
        return self.wechat.phone(person)

    def _telegram_phone(self, person: str) -> telegram_phone.Phone:
        if not re.fullmatch(r"[1-9]\d{4,14}", person):
            raise BadRequest
        return self.telegram.phone(int(person))

    def _wechat_state(self, phone: wechat_phone.Phone, seen: str | None) -> Fields:
        menu = self.wechat.api.menu or {"button": []}
        names = [
            {"name": button["name"], "under": [one["name"] for one in button.get("sub_button") or []]}
            for button in menu["button"]
        ]
        return {**self._lines(phone.transcript, seen), "following": phone.following, "menu": names}

    def _telegram_state(self, phone: telegram_phone.Phone, seen: str | None) -> Fields:
        keyboard = phone.chat.keyboard
        keys = [key for row in keyboard.rows for key in row if key != keyboard.contact] if keyboard else []
        more = {"started": phone.chat.known, "blocked": phone.chat.blocked, "contact": phone.contact_button}
        return {**self._lines(phone.transcript, seen), **more, "keys": keys}

    def _lines(self, transcript: Transcript, seen: str | None) -> Fields:
        version = str(transcript.version)
        lines = None if seen == version else [self._line(line) for line in transcript.lines]
        return {"version": version, "lines": lines}

    def _line(self, line: Line) -> Fields:
        return line.to_dict() | {"at": f"{line.at.astimezone(self.zone):%H:%M}"}


def same_origin(request: Request) -> bool:
    """Whether a browser sent it from our own page, or no browser at all."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def _fields(request: Request) -> Fields:
    """The JSON of a request. Another page cannot send that content type without being asked for its origin."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json" or not same_origin(request):
        raise BadRequest
    if not request.headers.get("content-length", "").isdigit() or int(request.headers["content-length"]) > _BODY:
        raise BadRequest
    try:
        fields = json.loads(await request.body())
    except ValueError:
        raise BadRequest from None
    if not isinstance(fields, dict):
        raise BadRequest
    return fields


def _error(name: str, status: int) -> JSONResponse:
    return JSONResponse({"error": name}, status)


def _typed(fields: Fields) -> str:
    text = fields.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > TYPED:
        raise BadRequest
    return text


def _number(fields: Fields, name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequest
    return value


def _code(fields: Fields, needed: bool = True) -> str:
    code = fields.get("code", "")
    if not isinstance(code, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", code):
        if code == "" and not needed:
            return ""
        raise BadRequest
    return code


def _menu_tap(phone: wechat_phone.Phone, fields: Fields) -> Awaitable[str]:
    """A menu button by its place: `button`, and `under` from 1 where it opens a list."""
    button, under = _number(fields, "button"), _number(fields, "under")
    buttons = (phone.platform.api.menu or {"button": []})["button"]
    if not 0 <= button < len(buttons):
        raise NotPossible("no such menu button")
    tapped = buttons[button]
    if under:
        listed = tapped.get("sub_button") or []
        if not 1 <= under <= len(listed):
            raise NotPossible("no such menu button")
        tapped = listed[under - 1]
    return phone.views(tapped["url"]) if tapped.get("type") == "view" else phone.clicks(str(tapped.get("key", "")))
