"""Switches for what can go wrong: a platform or the mail server is down, slow, or wants to be asked less often."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.sandbox.page_request import BadRequest, Fields, answering, fields_of

KINDS = ("down", "slow", "busy")


class Orderable(Protocol):
    """Who can be told to make trouble. `ordered`: which kinds are on."""

    @property
    def ordered(self) -> Collection[str]:
        """Which kinds are on."""

    def order(self, kind: Any, on: bool) -> None:
        """Switches one kind on or off."""


class Switches:
    """The switches by the name of what they are for: wechat, telegram, mail."""

    def __init__(self, targets: Mapping[str, Orderable]) -> None:
        self._targets = targets

    def routes(self) -> list[BaseRoute]:
        """Under /sandbox/api."""
        return [Route("/api/{target}/switch", answering(self._switch), methods=["POST"])]

    def state(self) -> Fields:
        """What is on."""
        return {name: [kind for kind in KINDS if kind in target.ordered] for name, target in self._targets.items()}

    async def _switch(self, request: Request) -> Response:
        """Sets one `kind` to `on`."""
        fields = await fields_of(request)
        target = self._targets.get(request.path_params["target"])
        if target is None:
            raise BadRequest(404)
        if fields.get("kind") not in KINDS or not isinstance(fields.get("on"), bool):
            raise BadRequest
        target.order(fields["kind"], fields["on"])
        return JSONResponse(self.state())
