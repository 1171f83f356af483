"""WeChat at work: the webhook, the five seconds in which it wants its answer, and messages sent later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.adapters.base import Keep, Outgoing, Receive
from bot.adapters.wechat import convert, menu, templates
from bot.adapters.wechat.api import Api
from bot.adapters.wechat.convert import Account, Push
from bot.adapters.wechat.text import fit, whole
from bot.clock import Clock
from bot.errors import Forbidden, Misconfigured, Refused, Unavailable
from bot.message import Address, Choice, Message, Reply
from bot.settings import Settings

logger = logging.getLogger(__name__)

PATIENCE = 4.5  # seconds: the platform cuts the connection at 5
COPIES = 3  # requests that the platform makes for one message
CUSTOMER_SERVICE = "wechat_message"
TEMPLATE = "wechat_template"
_ARRIVING = 5.0  # seconds for a body to come in


Report = Callable[[str, str], Awaitable[None]]
"""Takes the end of a template message: its receipt and the status as the platform says it ("success",
"failed:user block", "failed: system failed"). The same one may come again. Raises Unavailable."""

Admit = Callable[[str, bytes], Awaitable[None]]
"""Lets a signature of plain mode in with the body that first came with it. Raises Forbidden and Unavailable."""


@dataclass(slots=True)
class _Flight:
    """One message on its way through the core, with all the copies that wait for it."""

    task: asyncio.Task[Reply | None]
    copies: int = 0


class WeChatAdapter:
    """One Official Account.

    `receive`, `keep` and `report` are the core's; without a `report` the ends of template messages are kept like what
    nobody understands. `admit` is asked about all that comes in the open, and needed for plain mode. `say` labels the
    menu; without it none is shown. `patience` is the seconds that the last copy waits before it gives up.
    """

    channel = convert.CHANNEL
    sends_replies = False

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        receive: Receive,
        keep: Keep,
        report: Report | None = None,
        say: menu.Say | None = None,
        *,
        admit: Admit | None = None,
        patience: float = PATIENCE,
        sleep: templates.Sleep = asyncio.sleep,
    ) -> None:
        self._account = Account.of(settings)
        self.account = self._account.app_id
        self._clock, self._receive, self._keep, self._patience = clock, receive, keep, patience
        self._report, self._say, self._sleep = report, say, sleep
        # platforms/wechat.md, "Which account may do what"
        self._has_menu = settings.wechat_verified or settings.wechat_account == "service"
        if self._account.plain and admit is None:
            raise ValueError("plain mode needs somebody who remembers what was signed")
        self._admit = admit
        self._flights: dict[str, _Flight] = {}
        self._api: Api | None = None
        if secret := settings.wechat_app_secret:
            self._api = Api(settings.wechat_api_url, self.account, secret.get_secret_value(), clock)

    def routes(self) -> list[BaseRoute]:
        """The webhook."""
        return [
            Route("/wechat/webhook", self._checked, methods=["GET"]),
            Route("/wechat/webhook", self._pushed, methods=["POST"]),
        ]

    def fit(self, reply: Reply, more: Choice | None = None) -> tuple[Reply, str]:
        """The reply within 2000 bytes, and the words that wait; see Adapter."""
        return fit(reply, more)

    async def listen(self) -> None:
        """Shows the menu where the account may have one; there is nothing to fetch. Runs until cancelled."""
        if self._api and self._say and self._has_menu:
            await menu.put_up(partial(self.show_menu, menu.shipped(self._say)), self._sleep)
        await asyncio.Event().wait()

    async def show_menu(self, buttons: Sequence[menu.Button]) -> None:
        """Puts these buttons, at most three, under the chat of everybody. Raises whatever Adapter.send may."""
        await self._calls().create_menu(menu.body(buttons))

    async def send(self, address: Address, outgoing: Outgoing, route: str) -> str:
        """See Adapter.send. By `wechat_message` the reply, by `wechat_template` its template, id and fields.

        The receipt of a template is its msgid: it was queued, and `report` gets what became of it. A template that is
        Unconfirmed was asked for again already, as WeChat allows under one client_msg_id.
        """
        if route == CUSTOMER_SERVICE:
            await self._calls().send_text(address.user_id, whole(outgoing.reply))
            return ""
        if route == TEMPLATE:
            return await templates.send(self._calls().post, address.user_id, outgoing, self._sleep)
        raise Refused(f"WeChat sends nothing by {route}")

    async def close(self) -> None:
        """Lets messages on their way reach the disk, then lets go of connections."""
        if self._flights:
            await asyncio.wait([flight.task for flight in self._flights.values()], timeout=self._patience)
        if self._api:
            await self._api.close()

    async def _checked(self, request: Request) -> Response:
        try:
            return _ok(convert.echo(self._account, self._clock, request.scope["query_string"]), "text/plain")
        except Forbidden as refused:
            return _forbidden(refused)

    async def _pushed(self, request: Request) -> Response:
        """200 only after the commit; whatever goes wrong inside is 503, so that the platform repeats the message."""
        try:
            push = convert.read(self._account, self._clock, request.scope["query_string"], await _body(request))
            if not push.sealed and self._admit:
                await self._admit(push.signature, push.body)
        except Forbidden as refused:
            return _forbidden(refused)
        except Unavailable:
            return Response(status_code=503)
        try:
            answer = await self._answer(push)
            return _ok(answer, "text/plain" if answer == convert.SUCCESS else "text/xml")
        except Unavailable:
            return Response(status_code=503)
        except Exception as error:
            logger.error("wechat: push %s failed: %s", push.message.id[:12] if push.message else "", _place(error))
            return Response(status_code=503)

    async def _answer(self, push: Push) -> bytes:
        if push.message:
            reply = await self._received(push.message)
            return convert.render(self._account, push, reply, self._clock.now())
        if push.finished and self._report:
            await self._report(push.finished.receipt, push.finished.status)
        elif push.finished or push.unknown:
            reason = push.unknown or "nobody takes the end of a template message"
            await self._keep(self.channel, self.account, push.user_id, reason, push.body)
        return convert.SUCCESS

    def _calls(self) -> Api:
        if self._api is None:
            raise Misconfigured("USHER_WECHAT_APP_SECRET: missing, only answers to people who write are sent")
        return self._api

    async def _received(self, message: Message) -> Reply | None:
        """The reply to a message, which all its copies share. A cut connection does not stop it.

        Waits for as long as it takes, since the platform's repeat joins in; only the last copy has nobody to come
        after it, and raises Unavailable when its patience ends.
        """
        flight = self._flights.get(message.id) or self._take_off(message)
        flight.copies += 1
        task = flight.task
        await asyncio.wait([task], timeout=self._patience if flight.copies >= COPIES else None)
        if not task.done() or task.cancelled():
            raise Unavailable("no commit in time")
        return task.result()

    def _take_off(self, message: Message) -> _Flight:
        flight = self._flights[message.id] = _Flight(asyncio.ensure_future(self._receive(message)))
        flight.task.add_done_callback(lambda task: self._land(message.id, task))
        return flight

    def _land(self, key: str, task: asyncio.Task[Reply | None]) -> None:
        del self._flights[key]
        if not task.cancelled():
            task.exception()  # every waiting copy may be gone: then this is who looks at it


async def _body(request: Request) -> bytes:
    """The body, read no further than it may be long. Raises Forbidden."""
    body = bytearray()
    try:
        async with asyncio.timeout(_ARRIVING):
            async for part in request.stream():
                body += part
                if len(body) > convert.LARGEST:
                    raise Forbidden("size")
    except (TimeoutError, ClientDisconnect):
        raise Forbidden("body cut off") from None
    return bytes(body)


def _ok(body: bytes, kind: str) -> Response:
    """What came from outside is never of another kind than plain text, whatever it begins with."""
    return Response(body, media_type=kind, headers={"X-Content-Type-Options": "nosniff"})


def _forbidden(refused: Forbidden) -> Response:
    logger.info("wechat: a request was refused: %s", refused)
    return Response(status_code=403)


def _place(error: Exception) -> str:
    """What failed and where, without the words of the error: they may hold what a person wrote."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{type(error).__name__} in {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
