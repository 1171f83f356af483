"""The demo's page, two phones side by side, and the address of both platforms' APIs."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.clock import Clock
from bot.sandbox.page_api import TYPED, PageApi
from bot.sandbox.page_words import WORDS
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.wechat import WeChatPlatform

HERE = Path(__file__).parent
_LANGUAGE = "sandbox_language"
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Sandbox:
    """Routes under /sandbox. `zone` is where times are shown."""

    def __init__(
        self, wechat: WeChatPlatform, telegram: TelegramPlatform, clock: Clock, zone: tzinfo | None = None
    ) -> None:
        self.clock = clock
        self.zone = zone or ZoneInfo("Asia/Shanghai")
        self._api = PageApi(wechat, telegram, clock, self.zone)
        self._templates = Jinja2Templates(directory=HERE / "templates")

    def routes(self) -> list[BaseRoute]:
        """The page, its files and its JSON."""
        inside: list[BaseRoute] = [
            Route("/", self._page, methods=["GET"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
            *self._api.routes(),
        ]
        return [
            Route("/sandbox", lambda _: RedirectResponse("/sandbox/"), methods=["GET"]),
            Mount("/sandbox", routes=inside, middleware=[Middleware(_Strict)]),
        ]

    async def _page(self, request: Request) -> Response:
        language = _language(request)
        words = WORDS[language]
        context = {
            "language": language,
            "other": "en" if language == "zh" else "zh",
            "words": words,
            "typed": TYPED,
            "clock": f"{self.clock.now().astimezone(self.zone):%Y-%m-%d %H:%M}",
        }
        response = self._templates.TemplateResponse(request, "sandbox.html", context)
        if request.query_params.get("lang") in WORDS:
            response.set_cookie(_LANGUAGE, language, path="/sandbox", httponly=True, samesite="strict")
        return response


class _Strict:
    """Puts the headers of a page that runs nothing but its own files on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        await self.app(scope, receive, with_headers)


def _language(request: Request) -> str:
    """Asked for, remembered, or what the browser prefers of the two; Chinese otherwise."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(_LANGUAGE)):
        if wanted in WORDS:
            return wanted
    for part in request.headers.get("accept-language", "").lower().split(","):
        if part.strip()[:2] in WORDS:
            return part.strip()[:2]
    return "zh"


def platform_app(wechat: WeChatPlatform | None, telegram: TelegramPlatform | None) -> Starlette:
    """Both platforms' APIs on one port, from the root: /cgi-bin/... and /bot.../..."""
    return Starlette(routes=[route for platform in (wechat, telegram) if platform for route in platform.routes()])
