"""What an organizer would do, as buttons, and their own Telegram chat with the bot.

Without it nobody is confirmed, and a clock wound on has nothing to bring.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.errors import Unavailable
from bot.sandbox.clock_page import Hooks
from bot.sandbox.page_request import BadRequest, answering, fields_of
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.transcript import NotPossible


class OrganizerPage:
    """The organizer's part of the page: one button for each of the hooks' deeds."""

    def __init__(self, hooks: Hooks, telegram: TelegramPlatform) -> None:
        self._hooks, self._telegram = hooks, telegram

    def routes(self) -> list[BaseRoute]:
        """Under /sandbox/api."""
        return [
            Route("/api/organizer", answering(self._takes_the_phone), methods=["POST"]),
            Route("/api/organizer/{deed}", answering(self._do), methods=["POST"]),
        ]

    @property
    def person(self) -> int:
        """The Telegram user who is an organizer; 0: nobody is."""
        return self._hooks.organizer

    @property
    def deeds(self) -> list[str]:
        """Their names, which are also those of their words."""
        return list(self._hooks.deeds)

    async def _takes_the_phone(self, request: Request) -> Response:
        """The organizer's phone, whose language is that of the page when it is taken up first."""
        fields = await fields_of(request)
        if not self.person:
            raise BadRequest(404)
        language = "zh-hans" if fields.get("language") == "zh" else "en"
        self._telegram.phone(self.person, language_code=language, first_name="Organizer", last_name="")
        return JSONResponse({"person": str(self.person)})

    async def _do(self, request: Request) -> Response:
        await fields_of(request)
        deed = self._hooks.deeds.get(request.path_params["deed"])
        if deed is None:
            raise BadRequest(404)
        try:
            await deed()
        except Unavailable as error:
            raise NotPossible(str(error), "away") from None
        return JSONResponse({"ok": True})
