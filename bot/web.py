"""The ASGI application: adapters' routes, health, metrics, and whatever else is handed in. Nothing else answers."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from enum import StrEnum

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot import metrics
from bot.errors import Unavailable

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_OWN_NAMES = ("localhost", "127.0.0.1", "::1")


class Phase(StrEnum):
    """Where the process stands."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Health:
    """Whether requests should be sent here."""

    def __init__(self, database_answers: Callable[[], Awaitable[bool]]) -> None:
        self.phase = Phase.STARTING
        self._database_answers = database_answers

    async def live(self, _: Request) -> Response:
        """The process runs."""
        return PlainTextResponse("live")

    async def ready(self, _: Request) -> Response:
        """503 while starting, draining, or the database is away."""
        if self.phase is not Phase.READY:
            return PlainTextResponse(self.phase.value, 503)
        if not await self._database_answers():
            return PlainTextResponse("the database does not answer", 503)
        return PlainTextResponse("ready")


def application(
    routes: list[BaseRoute], health: Health, page: Callable[[], Awaitable[bytes]], metrics_token: str
) -> Starlette:
    """The application. `page` makes the metrics page; it is shown on loopback, or to who has the token."""

    async def show_metrics(request: Request) -> Response:
        if not (_is_loopback(request) or _has_token(request, metrics_token)):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        try:
            return Response(await page(), media_type=metrics.CONTENT_TYPE)
        except Unavailable:
            return PlainTextResponse("the database does not answer", 503)

    own = [
        Route("/health/live", health.live),
        Route("/health/ready", health.ready),
        Route("/metrics", show_metrics),
    ]
    app = Starlette(routes=[*own, *routes], exception_handlers={HTTPException: _plain_fault})
    app.router.redirect_slashes = False  # /health/ready/ is another address, and nothing answers there
    return app


async def _plain_fault(_: Request, fault: Exception) -> Response:
    status = fault.status_code if isinstance(fault, HTTPException) else 500
    headers = fault.headers if isinstance(fault, HTTPException) else None
    return Response(status_code=status, headers=headers)


def _is_loopback(request: Request) -> bool:
    """Whether the request comes from this machine itself, and not through a proxy on it."""
    if any(name in request.headers for name in _FORWARDED) or (request.url.hostname or "") not in _OWN_NAMES:
        return False
    try:
        return ipaddress.ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False


def _has_token(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")  # the scheme in whatever case: RFC 9110
    return bool(token) and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
