"""The Bot API's front: the token, the method, the answer, and getUpdates with its long wait."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from bot.sandbox import telegram_account, telegram_sends
from bot.sandbox.telegram_params import Parameters, Refusal, read_parameters

if TYPE_CHECKING:
    from bot.sandbox.telegram import TelegramPlatform

_METHODS = telegram_account.METHODS | telegram_sends.METHODS
_POLL_MOST = 50  # seconds
TERMINATED = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
HOOKED = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


class BotApi:
    """The methods. `calls` lists which came lately; `refuse` makes the next ones fail."""

    def __init__(self, platform: TelegramPlatform) -> None:
        self.platform = platform
        self.calls: deque[tuple[str, Parameters]] = deque(maxlen=1000)
        self._refusals: dict[str, list[Refusal]] = {}

    def routes(self) -> list[BaseRoute]:
        """One address for all methods."""
        return [Route("/bot{token}/{method}", self._serve, methods=["GET", "POST"])]

    def refuse(self, method: str, code: int, description: str, times: int = 1, **parameters: int) -> None:
        """The next calls of that method are answered so: 429 with retry_after=5, say."""
        refusal = Refusal(code, description, ours=True, **parameters)
        self._refusals.setdefault(method.lower(), []).extend([refusal] * times)

    def call(self, method: str, given: Parameters) -> Any:
        """Does one call. Raises Refusal."""
        name = self._noted(method, given)
        if name not in _METHODS:
            raise Refusal(404, "Not Found: method not found")
        return _METHODS[name](self.platform, given)

    def call_in_answer(self, body: bytes) -> None:
        """A call in a webhook's answer: done, and its result or error never seen."""
        try:
            fields = json.loads(body)
            method = fields.pop("method")
        except (ValueError, AttributeError, KeyError, TypeError):
            return
        try:
            self.call(str(method), Parameters(fields))
        except Refusal as refusal:
            self._blame(f"{method} in a webhook's answer", refusal)

    async def _serve(self, request: Request) -> JSONResponse:
        method = request.path_params["method"]
        try:
            if not secrets.compare_digest(request.path_params["token"].encode(), self.platform.token.encode()):
                raise Refusal(401, "Unauthorized")
            kind = request.headers.get("content-type", "")
            given = read_parameters(kind, request.url.query, await request.body())
            polls = method.lower() == "getupdates"
            result = await self._get_updates(request, given) if polls else self.call(method, given)
        except Refusal as refusal:
            self._blame(method, refusal)
            answer = {"ok": False, "error_code": refusal.code, "description": refusal.description}
            more = {"parameters": refusal.parameters} if refusal.parameters else {}
            return JSONResponse(answer | more, refusal.code)
        return JSONResponse({"ok": True, "result": result})

    async def _get_updates(self, request: Request, given: Parameters) -> Any:
        self._noted("getUpdates", given)
        updates = self.platform.updates
        if updates.webhook:
            raise Refusal(409, HOOKED)
        telegram_account.allow(updates, given)
        limit = given.number("limit", 100)
        wait = max(0, min(given.number("timeout"), _POLL_MOST))
        waiting = asyncio.create_task(updates.get(given.number("offset"), limit if 1 <= limit <= 100 else 100, wait))
        leaving = asyncio.create_task(_left(request))
        try:
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            found = waiting.result() if waiting.done() else []
        finally:
            waiting.cancel()
            leaving.cancel()
            await asyncio.gather(waiting, leaving, return_exceptions=True)
        if found is None:
            raise Refusal(409, TERMINATED)
        return found

    def _noted(self, method: str, given: Parameters) -> str:
        name = method.lower()
        self.calls.append((name, given))
        if self._refusals.get(name):
            raise self._refusals[name].pop(0)
        return name

    def _blame(self, method: str, refusal: Refusal) -> None:
        if not refusal.ours:
            self.platform.violations.append(f"{method}: {refusal.code} {refusal.description}")


async def _left(request: Request) -> None:
    """Waits until the poller hangs up: its body is read, so that is all that can still come."""
    await request.receive()
