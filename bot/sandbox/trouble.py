"""Trouble to order: what a platform's next calls are met with, and how it is while it is down, slow or busy."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

Kind = Literal["down", "slow", "busy"]
SLOW = 8.0  # seconds; longer than anybody should wait
ANY = "*"  # whichever call comes next


@dataclass(frozen=True, slots=True)
class Order:
    """What one call is met with: first a wait, then one of the others. Without those it is done as usual."""

    delay: float = 0.0  # seconds; the call is done afterwards even if its caller has gone
    refusal: Exception | None = None  # the platform's own no, in its own shape
    status: int = 0  # a gateway answers in the platform's place, with this HTTP status
    headers: Mapping[str, str] = field(default_factory=dict)  # of that answer
    body: bytes = b"<html>gateway</html>"
    cut: bool = False  # the connection is cut in place of an answer
    done: bool = False  # with a status or a cut: the call is done all the same, and only its answer is lost


Answer = Callable[[Order], Awaitable[Response]]


class Trouble:
    """What goes wrong on one platform. `slow`: seconds by which each call is late while that is ordered.

    `ordered`: what is wrong with every call until it is switched off again. "down" hangs up without a word, which is
    not the same as a refused connection: see Door. What "busy" means each platform says itself.
    """

    def __init__(self, slow: float = SLOW) -> None:
        self.slow = slow
        self.ordered: frozenset[Kind] = frozenset()
        self._orders: defaultdict[str, deque[Order]] = defaultdict(deque)

    def order(self, kind: Kind, on: bool) -> None:
        """Switches one kind on or off."""
        self.ordered = self.ordered | {kind} if on else self.ordered - {kind}

    def next(self, call: str, order: Order, times: int = 1) -> None:
        """The next so many calls of that name (ANY: of whatever name) are met so, after those ordered before."""
        self._orders[call].extend([order] * times)

    def clear(self) -> None:
        """All is well again."""
        self.ordered = frozenset()
        self._orders.clear()

    def take(self, call: str) -> Order:
        """What is ordered for a call that came."""
        waiting = self._orders[call] or self._orders[ANY]
        return waiting.popleft() if waiting else Order()

    async def meet(self, call: str, request: Request, answer: Answer) -> Response:
        """Answers a call by `answer`, or as it was ordered. An order that has a refusal is for `answer` to raise."""
        order = self.take(call)
        if "down" in self.ordered:
            return await hang_up(request)
        if wait := order.delay + (self.slow if "slow" in self.ordered else 0.0):
            await asyncio.sleep(wait)
        if not (order.cut or order.status):
            return await answer(order)
        if order.done:
            await answer(order)
        if order.cut:
            return await hang_up(request)
        return Response(order.body, order.status, dict(order.headers), media_type="text/html")


async def hang_up(request: Request) -> Response:
    """Cuts the connection after the request was read. Raises ConnectionResetError where there is no network at all."""
    # ASGI has no word for it; uvicorn's receive belongs to an object that knows the transport.
    transport = getattr(getattr(request.receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the platform hung up")
    transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()  # goes nowhere
