"""The Bot API's front: the token, the method, the answer, and getUpdates with its long wait."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.clock import seconds
from bot.sandbox import telegram_account, telegram_sends
from bot.sandbox.telegram_params import Parameters, Refusal, read_parameters
from bot.sandbox.trouble import Order

if TYPE_CHECKING:
    from bot.sandbox.telegram import TelegramPlatform

_METHODS = telegram_account.METHODS | telegram_sends.METHODS
_SENDS = frozenset({"sendmessage", "sendvenue", "senddocument"})  # what a flood limit stops
_POLL_MOST = 50  # seconds
_BUSY = 3  # seconds of rest asked for while the platform is busy
TERMINATED = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
HOOKED = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


class BotApi:
    """The methods. `calls` lists which came lately; `refuse` makes the next ones fail; `flooded` counts the 429s."""

    def __init__(self, platform: TelegramPlatform) -> None:
        self.platform = platform
        self.calls: deque[tuple[str, Parameters]] = deque(maxlen=1000)
        self.flooded = 0
        self._rest_until = 0.0

    def routes(self) -> list[BaseRoute]:
        """One address for all methods."""
        return [Route("/bot{token}/{method}", self._serve, methods=["GET", "POST"])]

    def refuse(self, method: str, code: int, description: str, times: int = 1, **parameters: int) -> None:
        """The next calls of that method are answered so: 429 with retry_after=5, say."""
        refusal = Refusal(code, description, ours=True, **parameters)
        self.platform.trouble.next(method.lower(), Order(refusal=refusal), times)

    def flood(self, lasts: float) -> None:
        """For so many seconds nothing may be sent: 429, which says how long that still is."""
        self._rest_until = seconds() + lasts

    def call(self, method: str, given: Parameters) -> Any:
        """Does one call. Raises Refusal."""
        name = method.lower()
        self.calls.append((name, given))
        return self._do(name, given, self.platform.trouble.take(name))

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
            self._refused(f"{method} in a webhook's answer", refusal)

    async def _serve(self, request: Request) -> Response:
        method, came = request.path_params["method"], seconds()
        try:
            if not secrets.compare_digest(request.path_params["token"].encode(), self.platform.token.encode()):
                raise Refusal(401, "Unauthorized")
            kind = request.headers.get("content-type", "")
            given = read_parameters(kind, request.url.query, await request.body(), came)
        except Refusal as refusal:
            return self._refused(method, refusal)
        self.calls.append((method.lower(), given))
        answer = partial(self._answered, request, method, given)
        return await self.platform.trouble.meet(method.lower(), request, answer)

    async def _answered(self, request: Request, method: str, given: Parameters, order: Order) -> Response:
        try:
            polls = method.lower() == "getupdates" and not order.refusal
            result = await self._get_updates(request, given) if polls else self._do(method.lower(), given, order)
        except Refusal as refusal:
            return self._refused(method, refusal)
        return JSONResponse({"ok": True, "result": result})

    def _do(self, name: str, given: Parameters, order: Order) -> Any:
        if order.refusal:
            raise order.refusal
        if name not in _METHODS:
            raise Refusal(404, "Not Found: method not found")
        rest = math.ceil(self._rest_until - seconds())
        if name in _SENDS and (rest > 0 or "busy" in self.platform.ordered):
            rest = max(rest, _BUSY) if "busy" in self.platform.ordered else rest
            self.flooded += 1
            raise Refusal(429, f"Too Many Requests: retry after {rest}", ours=True, retry_after=rest)
        return _METHODS[name](self.platform, given)

    def _refused(self, method: str, refusal: Refusal) -> JSONResponse:
        if not refusal.ours:
            self.platform.violations.append(f"{method}: {refusal.code} {refusal.description}")
        answer = {"ok": False, "error_code": refusal.code, "description": refusal.description}
        more = {"parameters": refusal.parameters} if refusal.parameters else {}
        return JSONResponse(answer | more, refusal.code)

    async def _get_updates(self, request: Request, given: Parameters) -> Any:
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


async def _left(request: Request) -> None:
    """Waits until the poller hangs up: its body is read, so that is all that can still come."""
    await request.receive()
