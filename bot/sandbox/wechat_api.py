"""cgi-bin: the calls by which an account writes to its followers; errors come with HTTP 200."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.clock import seconds
from bot.sandbox import accepted
from bot.sandbox.trouble import Order
from bot.sandbox.wechat_custom import read_custom
from bot.sandbox.wechat_menu import check_menu
from bot.sandbox.wechat_refusal import Refused
from bot.sandbox.wechat_token import Tokens

if TYPE_CHECKING:
    from bot.sandbox.wechat import WeChatPlatform
    from bot.sandbox.wechat_phone import Phone

_TYPING_AFTER = 30  # seconds after the person's last message
_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u(?!00[0-7])[0-9a-fA-F]{4}")


Fields = dict[str, Any]


class Api:
    """The calls, and the token which opens them. `accepted`: the messages taken, repeats left out."""

    def __init__(self, platform: WeChatPlatform) -> None:
        self.platform = platform
        self.menu: Fields | None = None
        self.calls: list[str] = []  # which calls came, in order
        self.accepted = accepted.log()
        self.tokens = Tokens(platform.keys.app_id, platform.secret)
        self._posts: dict[str, Callable[[Fields], Fields]] = {
            "message/custom/typing": self._typing,
            "menu/create": self._menu,
            "qrcode/create": self._code,
        }

    def routes(self) -> list[BaseRoute]:
        """One address for all calls."""
        return [Route("/cgi-bin/{call:path}", self._serve, methods=["GET", "POST"])]

    def refuse(self, call: str, errcode: int, times: int = 1) -> None:
        """The next calls of that name are answered with that errcode."""
        self.platform.trouble.next(call, Order(refusal=Refused(errcode, "asked for by the test", ours=True)), times)

    async def _serve(self, request: Request) -> Response:
        call, came, body = request.path_params["call"], seconds(), await request.body()
        self.calls.append(call)
        answer = partial(self._answered, request, call, body, came)
        return await self.platform.trouble.meet(call, request, answer)

    async def _answered(self, request: Request, call: str, body: bytes, came: float, order: Order) -> Response:
        try:
            if order.refusal:
                raise order.refusal
            answer = await self._answer(request, call, body, came)
        except Refused as refused:
            if not refused.ours:
                self.platform.violations.append(f"{call}: {refused.errcode} {refused.errmsg}")
            answer = {"errcode": refused.errcode, "errmsg": refused.errmsg}
        # Whatever is wrong, the HTTP status is 200.
        return Response(json.dumps(answer, ensure_ascii=False), media_type="application/json; encoding=utf-8")

    async def _answer(self, request: Request, call: str, body: bytes, came: float) -> Fields:
        if call == "stable_token":
            self._method(request, "POST")
            return self.tokens.give(_json(body))
        if call == "user/info":
            self._method(request, "GET")
            self.tokens.check(request.query_params.get("access_token", ""))
            return self._person(request.query_params.get("openid", ""))
        messages: dict[str, Callable[[Fields, float], Awaitable[Fields]]] = {
            "message/custom/send": self._send,
            "message/template/send": self._send_template,
        }
        if call not in self._posts and call not in messages:
            # What a wrong path is answered with (wechatpy issue 289). Calls that exist and are not played here
            # get it too: better a clear no than a made-up yes.
            raise Refused(40066, "invalid url")
        self._method(request, "POST")
        self.tokens.check(request.query_params.get("access_token", ""))
        self._allowed(call)
        fields = _json(body)
        done = await messages[call](fields, came) if call in messages else self._posts[call](fields)
        return {"errcode": 0, "errmsg": "ok"} | done

    @staticmethod
    def _method(request: Request, wanted: str) -> None:
        if request.method != wanted:
            raise Refused(43001 if wanted == "GET" else 43002, f"require {wanted} method")

    def _allowed(self, call: str) -> None:
        """Which account may do what: the table at the top of the platform's interface permissions."""
        service = self.platform.account == "service"
        may = self.platform.verified or (call == "menu/create" and service)
        if not may or (call in ("qrcode/create", "message/template/send") and not service):
            raise Refused(48001, "api unauthorized")
        if call.startswith("message/") and "busy" in self.platform.ordered:
            raise Refused(45011, "api minute-quota reach limit, try again in the next minute", ours=True)

    async def _send(self, fields: Fields, came: float) -> Fields:
        phone = self._follower(fields)
        shown = read_custom(fields)
        if errcode := phone.spend():
            # Not the bot's fault: windows close while a message is under way.
            words = {
                45015: "response out of time limit or subscription is canceled",
                45047: "out of response count limit",
            }
            raise Refused(errcode, words[errcode], ours=True)
        phone.receives(shown)
        self.accepted.append(accepted.Accepted(came, phone.openid, "message/custom/send", shown.text))
        return {}

    async def _send_template(self, fields: Fields, came: float) -> Fields:
        phone = self._follower(fields)
        msgid, shown = await self.platform.templates.send(fields, phone)
        if shown is not None:
            key = str(fields.get("client_msg_id", ""))
            self.accepted.append(accepted.Accepted(came, phone.openid, "message/template/send", shown.text, key))
            if shown.parts:
                phone.receives(shown)
        return {"msgid": msgid}

    def _typing(self, fields: Fields) -> Fields:
        phone = self._follower(fields)
        if fields.get("command") not in ("Typing", "CancelTyping"):
            raise Refused(45072, "invalid command")
        if not phone.wrote_at or (self.platform.now() - phone.wrote_at).total_seconds() > _TYPING_AFTER:
            raise Refused(45080, "can not send typing state without message in 30 s", ours=True)
        return {}

    def _menu(self, fields: Fields) -> Fields:
        check_menu(fields)
        self.menu = fields
        return {}

    def _person(self, openid: str) -> Fields:
        phone = self.platform.phones.get(openid)
        if phone is None:
            raise Refused(40003, "invalid openid")
        if not phone.following or phone.followed_at is None:
            return {"subscribe": 0, "openid": openid}
        way = "ADD_SCENE_QR_CODE" if phone.scene else "ADD_SCENE_SEARCH"
        since = int(phone.followed_at.timestamp())
        more = {"remark": "", "groupid": 0, "tagid_list": [], "subscribe_scene": way, "qr_scene": 0}
        return (
            {"subscribe": 1, "openid": openid, "language": "zh_CN", "subscribe_time": since}
            | more
            | {"qr_scene_str": phone.scene}
        )

    def _code(self, fields: Fields) -> Fields:
        if fields.get("action_name") not in ("QR_SCENE", "QR_STR_SCENE", "QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE"):
            raise Refused(40052, "invalid action name")
        info = fields.get("action_info")
        scene = info.get("scene") if isinstance(info, dict) else None
        value = scene.get("scene_str", scene.get("scene_id")) if isinstance(scene, dict) else None
        wants_text = "STR" in fields["action_name"]
        if not (
            isinstance(value, str) and 1 <= len(value) <= 64 if wants_text else isinstance(value, int) and value > 0
        ):
            raise Refused(40053, "invalid action info")
        lasts = fields.get("expire_seconds", 60)
        if not isinstance(lasts, int) or not 1 <= lasts <= 2_592_000:
            raise Refused(40051, "invalid expire_seconds")
        code = secrets.token_urlsafe(24)
        forever = "LIMIT" in fields["action_name"]
        answer = {"ticket": f"gQ{secrets.token_urlsafe(60)}", "url": f"http://weixin.qq.com/q/{code}"}
        return answer if forever else answer | {"expire_seconds": lasts}

    def _follower(self, fields: Fields) -> Phone:
        phone = self.platform.phones.get(str(fields.get("touser", "")))
        if phone is None:
            raise Refused(40003, "invalid openid")
        if not phone.following:
            raise Refused(43004, "require subscribe", ours=True)
        if phone.refuses:
            raise Refused(phone.refuses, "this person takes nothing", ours=True)
        return phone


def _json(body: bytes) -> Fields:
    """JSON in raw UTF-8. A letter as \\uXXXX reaches people as those six signs, so it is refused here."""
    try:
        text = body.decode()
        fields = json.loads(text)
    except ValueError:
        raise Refused(47001, "data format error") from None
    if not isinstance(fields, dict):
        raise Refused(47001, "data format error")
    if _ESCAPE.search(text):
        raise Refused(47001, "data format error: letters as \\uXXXX instead of UTF-8")
    return fields
