"""The Telegram channel: takes updates by webhook or polling, answers them, and sends what is due.

An update counts as taken (200, or the offset moved on) only when the core has committed it and its reply was sent, may
have been sent, or never can be.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.adapters.base import Keep, Outgoing, Receive
from bot.adapters.telegram import convert, later, render
from bot.adapters.telegram.client import BotApi
from bot.adapters.telegram.groups import Groups
from bot.adapters.telegram.patience import Sleep, until_done
from bot.adapters.telegram.polling import Poller
from bot.adapters.telegram.replying import LEASE, Outbox, Replier
from bot.clock import Clock
from bot.errors import Misconfigured, TryLater, Unavailable, UsherError
from bot.message import Address, Choice, Reply
from bot.settings import Settings

__all__ = ["COMMANDS", "LEASE", "PATH", "Outbox", "Say", "TelegramAdapter"]
log = logging.getLogger(__name__)

PATH = "/telegram/webhook"
COMMANDS = (
    *("register", "me", "edit", "cancel", "colleague", "agenda", "venue", "help", "language"),
    *("exit", "organizer", "privacy", "mydata", "forget", "stop", "resume"),
)
_LARGEST_BODY = 2**20  # bytes; real updates have a few thousand
_KEPT_OF_TOO_LARGE = 4096  # bytes
_READ_AT_MOST = 2**24  # bytes, after which we hang up on whoever sends so much
_FAREWELL = 8.0  # seconds that replies under way get at the end

Say = Callable[[str, str], str]
"""A sentence of content/texts.toml by its key and language."""


class TelegramAdapter:
    """One bot on Telegram."""

    channel = convert.CHANNEL
    sends_replies = True

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        receive: Receive,
        keep: Keep,
        outbox: Outbox,
        say: Say,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Connects to nothing yet. Raises WrongSetting for a proxy that cannot be."""
        assert settings.telegram_token is not None
        self.account = settings.telegram_token.get_secret_value().partition(":")[0]
        self._settings = settings
        self._secret = settings.telegram_secret.get_secret_value() if settings.telegram_secret else ""
        self._clock = clock
        self._receive = receive
        self._keep_body = keep
        self._outbox = outbox
        self._say = say
        self._sleep = sleep
        self._api = BotApi(settings)
        self._replier = Replier(self._api, outbox, sleep)
        self._groups = Groups()
        self._username = ""
        self._flights: dict[str, asyncio.Task[None]] = {}

    def fit(self, reply: Reply, more: Choice | None = None) -> tuple[Reply, str]:
        """See Adapter.fit: at most 4096 UTF-16 units and 100 buttons."""
        return render.fit(reply, more)

    def routes(self) -> list[BaseRoute]:
        """The webhook. While no secret is set, nobody can be right about it."""
        return [Route(PATH, self._webhook, methods=["POST"])]

    async def listen(self) -> None:
        """Sets up the webhook or fetches updates, and fills the menus; all of it patiently, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.Event().wait())
            tasks.create_task(self._introduce())
            tasks.create_task(self._fetch() if self._settings.telegram_mode == "polling" else self._register())

    async def send(self, address: Address, outgoing: Outgoing, route: str) -> str:
        """See Adapter.send, and later.py: the id of the message in its chat."""
        return await later.send(self._api, address, outgoing, route, self._sleep)

    async def close(self) -> None:
        """Gives replies under way a few seconds, then lets go of all connections."""
        if self._flights:
            await asyncio.wait(self._flights.values(), timeout=_FAREWELL)
        await self._api.close()

    # In

    async def _webhook(self, request: Request) -> Response:
        """https://core.telegram.org/bots/api#setwebhook: anything but 2xx brings the update again."""
        if not self._signed(request):
            return Response(status_code=401)
        try:
            await self._arrived(await _body(request))
        except (ClientDisconnect, Unavailable, Misconfigured):
            return Response(status_code=503)
        except TryLater as later:
            return Response(status_code=503, headers={"Retry-After": str(math.ceil(later.delay))})
        except Exception:  # already logged; it may go better next time, and the update is not lost
            return Response(status_code=503)
        return Response(status_code=200)

    def _signed(self, request: Request) -> bool:
        given = request.headers.getlist("X-Telegram-Bot-Api-Secret-Token")
        right = self._secret.encode()
        return bool(right) and len(given) == 1 and hmac.compare_digest(given[0].encode("latin-1"), right)

    async def _arrived(self, body: bytes) -> None:
        """Takes one update, whichever way it came. Raises Unavailable, TryLater, Misconfigured: it must come again."""
        if len(body) > _LARGEST_BODY:
            came: convert.Read = convert.Skipped("too large", keep=True)
        else:
            came = convert.read(body, self.account, self._clock.now())
        match came:
            case convert.Came():
                await self._shared(came.message.id, lambda: self._converse(came))
            case convert.Called():
                await self._shared(came.id, lambda: self._point(came))
            case convert.Skipped():
                await _logged("that is not for the core", self._skip(came, body))

    async def _shared(self, key: str, work: Callable[[], Awaitable[None]]) -> None:
        """Copies in flight share one result. It goes on even if those who wait for it are gone."""
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(_logged(key, work()))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        await asyncio.shield(flight)

    def _landed(self, key: str, flight: asyncio.Task[None]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # looked at, also when nobody waits any more

    async def _skip(self, skipped: convert.Skipped, body: bytes) -> None:
        if skipped.keep:
            kept = body if len(body) <= _LARGEST_BODY else body[:_KEPT_OF_TOO_LARGE]
            await self._keep(kept, skipped.reason, skipped.user_id)
        await self._hush(skipped.query)

    async def _keep(self, body: bytes, reason: str, user_id: str = "") -> None:
        await self._keep_body(self.channel, self.account, user_id, reason, body)

    # A turn

    async def _converse(self, came: convert.Came) -> None:
        message = came.message
        reply = await self._receive(message)
        rendered = render.render(reply) if reply else None
        if rendered is not None and not await self._outbox.claim(message.id):
            return
        hushed = asyncio.ensure_future(self._hush(came.query))
        try:
            if rendered is not None:
                await self._replier.answer(message.id, int(message.sender.user_id), rendered)
        finally:
            await hushed

    async def _hush(self, query: str) -> None:
        """Answers a button press, whatever it was; the reply itself is a message."""
        if not query:
            return
        try:
            await self._api.hush(query)
        except UsherError as fault:
            log.info("telegram: a button press stays unanswered: %s", fault)

    # In a group

    async def _point(self, called: convert.Called) -> None:
        """Points from a group to our private chat. Nothing is lost if that fails."""
        try:
            name = await self._name()
            ours = not called.names or name.lower() in called.names
            if name and ours and self._groups.may_answer(called.id, called.chat):
                sentence, link = self._say("telegram.group", called.language or "zh"), f"https://t.me/{name}"
                text = sentence.replace("{link}", link) if "{link}" in sentence else f"{sentence} {link}"
                await self._api.send(called.chat, render.Rendered(text), called.thread)
        except UsherError as fault:
            log.info("telegram: nothing was said in a group: %s", fault)

    async def _name(self) -> str:
        self._username = self._username or await self._api.username()
        return self._username

    # Setting up

    async def _introduce(self) -> None:
        await until_done(self._name, "getMe", self._sleep)
        for language, code in (("en", None), ("zh", "zh")):
            menu = [(name, self._say(f"command.{name}", language)) for name in COMMANDS]
            await until_done(partial(self._api.show_commands, menu, code), "setMyCommands", self._sleep)

    async def _register(self) -> None:
        url = f"{self._settings.public_url}{PATH}"
        await until_done(lambda: self._api.take_webhook(url, self._secret), "setWebhook", self._sleep)
        log.info("telegram: updates come by webhook")

    async def _fetch(self) -> None:
        await until_done(self._api.drop_webhook, "deleteWebhook", self._sleep)
        log.info("telegram: updates are fetched")
        await Poller(self._api, self._arrived, self._keep, self._sleep).run()


async def _logged(key: str, work: Awaitable[None]) -> None:
    """Names a fault by its type alone: its message can hold what a person wrote."""
    try:
        await work
    except (Unavailable, TryLater, Misconfigured):
        raise
    except Exception as fault:
        log.error("telegram: message %s failed: %s", key, type(fault).__name__)
        raise


async def _body(request: Request) -> bytes:
    """The body, or a little more than is allowed of one that is too large."""
    found, total = bytearray(), 0
    async for chunk in request.stream():
        total += len(chunk)
        found += chunk[: _LARGEST_BODY + 1 - len(found)]
        if total > _READ_AT_MOST:
            break
    return bytes(found)
