"""What the page asks of its two phones: their state, and one request for each thing that a person does on them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.sandbox import page_cards, telegram_phone, wechat_phone
from bot.sandbox.page_request import BadRequest, Fields, answering, code, fields_of, number, typed
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.transcript import NotPossible, Transcript
from bot.sandbox.wechat import WeChatPlatform

WeChatDeed = Callable[[wechat_phone.Phone, Fields], Awaitable[str]]
Cards = dict[int, page_cards.Card]  # by the number of their line
TelegramDeed = Callable[[telegram_phone.Phone, Fields], Awaitable[str]]

_WECHAT: dict[str, WeChatDeed] = {
    "say": lambda phone, fields: phone.says(typed(fields)),
    "tap": lambda phone, fields: phone.taps(number(fields, "choice"), number(fields, "line")),
    "follow": lambda phone, fields: phone.follows(),
    "scan": lambda phone, fields: phone.scans(code(fields)),
    "unfollow": lambda phone, fields: phone.unfollows(),
    "menu": lambda phone, fields: _menu_tap(phone, fields),
    "photo": lambda phone, fields: phone.sends_image(),
    "voice": lambda phone, fields: phone.sends_voice(),
    "location": lambda phone, fields: phone.sends_location(),
    "sticker": lambda phone, fields: phone.sends_sticker(),
}
_TELEGRAM: dict[str, TelegramDeed] = {
    "say": lambda phone, fields: phone.says(typed(fields)),
    "tap": lambda phone, fields: phone.taps(number(fields, "choice"), number(fields, "line")),
    "start": lambda phone, fields: phone.starts(code(fields, needed=False)),
    "contact": lambda phone, fields: phone.shares_contact(),
    "photo": lambda phone, fields: phone.sends_photo(),
    "voice": lambda phone, fields: phone.sends_voice(),
    "location": lambda phone, fields: phone.sends_location(),
    "sticker": lambda phone, fields: phone.sends_sticker(),
    "file": lambda phone, fields: phone.sends_document(),
    "block": lambda phone, fields: phone.blocks(),
    "unblock": lambda phone, fields: phone.unblocks(),
}


class PhonesApi:
    """JSON for the phones; `local` gives a moment in the zone where times are shown."""

    def __init__(
        self, wechat: WeChatPlatform, telegram: TelegramPlatform, local: Callable[[datetime], datetime]
    ) -> None:
        self.wechat, self.telegram, self._local = wechat, telegram, local

    def routes(self) -> list[BaseRoute]:
        """Under /sandbox/api."""
        return [
            Route("/api/{channel}/new", answering(self._new), methods=["POST"]),
            Route("/api/{channel}/{person}/{deed}", answering(self._do), methods=["POST"]),
        ]

    def state(self, asked: dict[str, str]) -> Fields:
        """The phones of the people asked for: lines, where they changed, and what can be done. Raises BadRequest."""
        state: Fields = {}
        if person := asked.get("wechat"):
            state["wechat"] = self._wechat_state(self._wechat_phone(person), asked.get("wechat_seen"))
        if person := asked.get("telegram"):
            state["telegram"] = self._telegram_state(self._telegram_phone(person), asked.get("telegram_seen"))
        return state

    async def _new(self, request: Request) -> Response:
        """A new person on one phone, who has not followed or started yet."""
        fields = await fields_of(request)
        if request.path_params["channel"] == "wechat":
            openid = f"o{secrets.token_urlsafe(20)}"
            self.wechat.phone(openid).following = False
            return JSONResponse({"person": openid})
        if request.path_params["channel"] == "telegram":
            user_id = 7_000_000_000 + secrets.randbelow(10**9)
            self.telegram.phone(user_id, language_code="zh-hans" if fields.get("language") == "zh" else "en")
            return JSONResponse({"person": str(user_id)})
        raise BadRequest(404)

    async def _do(self, request: Request) -> Response:
        """One deed; answers when the bot has."""
        channel, person, deed = (request.path_params[name] for name in ("channel", "person", "deed"))
        fields = await fields_of(request)
        if channel == "wechat" and deed in _WECHAT:
            await _WECHAT[deed](self._wechat_phone(person), fields)
        elif channel == "telegram" and deed in _TELEGRAM:
            await _TELEGRAM[deed](self._telegram_phone(person), fields)
        else:
            raise BadRequest(404)
        return JSONResponse({"ok": True})

    def _wechat_phone(self, person: str) -> wechat_phone.Phone:
        if not re.fullmatch(r"o[A-Za-z0-9_-]{6,40}", person):
            raise BadRequest
        return self.wechat.phone(person)

    def _telegram_phone(self, person: str) -> telegram_phone.Phone:
        if not re.fullmatch(r"[1-9][0-9]{4,14}", person):
            raise BadRequest
        return self.telegram.phone(int(person))

    def _wechat_state(self, phone: wechat_phone.Phone, seen: str | None) -> Fields:
        menu = self.wechat.api.menu or {"button": []}
        names = [
            {"name": button["name"], "under": [one["name"] for one in button.get("sub_button") or []]}
            for button in menu["button"]
        ]
        lines = self._lines(phone.transcript, seen, lambda: page_cards.of_templates(phone))
        return {**lines, "following": phone.following, "menu": names}

    def _telegram_state(self, phone: telegram_phone.Phone, seen: str | None) -> Fields:
        keyboard = phone.chat.keyboard
        keys = [key for row in keyboard.rows for key in row if key != keyboard.contact] if keyboard else []
        more = {"started": phone.chat.known, "blocked": phone.chat.blocked, "contact": phone.contact_button}
        lines = self._lines(phone.transcript, seen, lambda: page_cards.of_places(phone.chat))
        return {**lines, **more, "keys": keys}

    def _lines(self, transcript: Transcript, seen: str | None, cards: Callable[[], Cards]) -> Fields:
        version = str(transcript.version)
        lines = None if seen == version else self._by_day(transcript, cards())
        return {"version": version, "lines": lines}

    def _by_day(self, transcript: Transcript, cards: Cards) -> list[Fields]:
        """The lines with their time of day; each day's first one carries its date."""
        shown: list[Fields] = []
        last = ""
        for line in transcript.lines:
            at = self._local(line.at)
            day = f"{at:%Y-%m-%d}"
            more = {"at": f"{at:%H:%M}", "day": day if day != last else "", "card": cards.get(line.number)}
            shown.append(line.to_dict() | more)
            last = day
        return shown


def _menu_tap(phone: wechat_phone.Phone, fields: Fields) -> Awaitable[str]:
    """A menu button by its place: `button`, and `under` from 1 where it opens a list."""
    button, under = number(fields, "button"), number(fields, "under")
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
