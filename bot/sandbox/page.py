"""The demo's page, two phones, a mailbox and a clock to wind on, and the address of both platforms' APIs."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.clock import Clock
from bot.sandbox.clock_page import ClockPage, Hooks
from bot.sandbox.mailbox import Mailbox
from bot.sandbox.mailbox_page import FRAME, MailboxPage
from bot.sandbox.organizer_page import OrganizerPage
from bot.sandbox.page_api import PhonesApi
from bot.sandbox.page_request import TYPED, answering
from bot.sandbox.page_words import WORDS
from bot.sandbox.switches import KINDS, Switches
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.wechat import WeChatPlatform

HERE = Path(__file__).parent
_LANGUAGE = "sandbox_language"
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Sandbox:
    """Routes under /sandbox. `hooks` may be filled in later, when there is a bot to ask."""

    def __init__(
        self,
        wechat: WeChatPlatform,
        telegram: TelegramPlatform,
        clock: Clock,
        mailbox: Mailbox | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        hooks = hooks or Hooks()
        self.clock, self.organizer = ClockPage(clock, hooks), OrganizerPage(hooks, telegram)
        mailbox = mailbox or Mailbox(clock)
        self.mailbox = MailboxPage(mailbox, self.clock.local)
        self.phones = PhonesApi(wechat, telegram, self.clock.local)
        self.switches = Switches({"wechat": wechat, "telegram": telegram, "mail": mailbox})
        self._templates = Jinja2Templates(directory=HERE / "templates")

    def routes(self) -> list[BaseRoute]:
        """The page, its files and its JSON."""
        inside: list[BaseRoute] = [
            Route("/", self._page, methods=["GET"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
            Route("/api/state", answering(self._state), methods=["GET"]),
            *self.clock.routes(),
            *self.organizer.routes(),
            *self.mailbox.routes(),
            *self.switches.routes(),
            *self.phones.routes(),
        ]
        return [
            Route("/sandbox", lambda _: RedirectResponse("/sandbox/"), methods=["GET"]),
            Mount("/sandbox", routes=inside, middleware=[Middleware(_Strict)]),
        ]

    async def _state(self, request: Request) -> Response:
        """Everything that the page shows, as far as it has not seen it yet."""
        asked = dict(request.query_params)
        mail = {"mail": self.mailbox.state(asked.get("mail_seen")), "switches": self.switches.state()}
        return JSONResponse(self.clock.state() | mail | self.phones.state(asked))

    async def _page(self, request: Request) -> Response:
        language = _language(request)
        context = {
            "language": language,
            "other": "en" if language == "zh" else "zh",
            "words": WORDS[language],
            "typed": TYPED,
            "clock": self.clock.state(),
            "deeds": self.organizer.deeds,
            "organizer": self.organizer.person,
            "kinds": KINDS,
            "frame": FRAME,
        }
        response = self._templates.TemplateResponse(request, "sandbox.html", context)
        if request.query_params.get("lang") in WORDS:
            response.set_cookie(_LANGUAGE, language, path="/sandbox", httponly=True, samesite="strict")
        return response


class _Strict:
    """Puts the headers of a page that runs nothing but its own files on every answer that has none of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.get("headers", [])
                names = {name for name, _ in own}
                missing = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*own, *(row for row in missing if row[0] not in names)]}
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
