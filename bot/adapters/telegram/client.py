"""The Bot API: one thin call for each thing that we ask of it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Sequence
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from telegram import Bot, BotCommand, BotCommandScopeAllPrivateChats, LinkPreviewOptions
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from bot.adapters import wire
from bot.adapters.base import Pin
from bot.adapters.telegram.meaning import Flooded, meaning
from bot.adapters.telegram.render import Rendered
from bot.adapters.wire import Wire
from bot.clock import seconds
from bot.errors import Misconfigured, Moved, Refused, Unreachable, UsherError
from bot.settings import Settings, WrongSetting

log = logging.getLogger(__name__)
T = TypeVar("T")

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
LONG_POLL = 50  # seconds for which getUpdates waits for something to come
_LIMIT = 14.0  # seconds for one call, all in all; the reply's lease counts on it
LATER = 4.8  # seconds for what leaves later, all in all: a lane cuts off what takes half of its lease of 10 s
_LONGEST_PAUSE = 86400.0  # seconds
_ALARM_EVERY = 600.0  # seconds
_WEBHOOK_CONNECTIONS = 40  # on which Telegram calls us at once
_CONNECTIONS = 100  # a lane's flight and the replies of a busy morning at once
_LOGS_WITH_TOKENS = ("httpx", "httpcore", "telegram")  # below a warning they print addresses, and so the token
_wire: ContextVar[Wire] = ContextVar("wire")


class BotApi:
    """One bot at the Bot API. A call raises TryLater, Unreachable, Refused, Unconfirmed and Misconfigured alone.

    Those for what leaves later raise Moved too.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.telegram_token is not None
        for name in _LOGS_WITH_TOKENS:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._requests = _requests(settings.telegram_proxy)
        updates, others = self._requests
        self._bot = Bot(
            settings.telegram_token.get_secret_value(),
            base_url=f"{settings.telegram_api_url}/bot",
            request=others,
            get_updates_request=updates,
        )
        self._alarmed: dict[str, float] = {}

    async def send(self, chat: int, message: Rendered, thread: int | None = None) -> None:
        """Sends a reply; to the new id, once, where a group has moved."""
        try:
            await self._send(chat, message, thread, _LIMIT)
        except Moved as moved:
            try:
                await self._send(int(moved.user_id), message, thread, _LIMIT)
            except Moved:
                raise Unreachable("Telegram 400: the group moves on and on") from None

    async def send_later(self, chat: int, message: Rendered) -> str:
        """Sends a message that nobody waits for; its id in that chat, "" where Telegram does not tell."""
        return await self._send(chat, message, None, LATER)

    async def send_pin(self, chat: int, pin: Pin, within: float) -> None:
        """Sends a place on the map, within so many seconds."""
        await self._call(self._bot.send_venue(chat, pin.latitude, pin.longitude, pin.name, pin.address), limit=within)

    async def _send(self, chat: int, message: Rendered, thread: int | None, limit: float) -> str:
        call = self._bot.send_message(
            chat,
            message.text,
            reply_markup=message.markup,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
            message_thread_id=thread,
        )
        sent = await self._call(call, limit=limit)
        return str(sent.message_id) if sent else ""

    async def hush(self, query: str) -> None:
        """Stops the little clock on a pressed button. One that is too old is no matter."""
        await self._call(self._bot.answer_callback_query(query))

    async def username(self) -> str:
        """Our own name, without the @."""
        me = await self._call(self._bot.get_me())
        return (me and me.username) or ""

    async def updates(self, offset: int | None) -> list[Any]:
        """Waits for updates from an offset on, which confirms all before it; each is left as it came."""
        waiting = self._bot.get_updates(offset, timeout=LONG_POLL, allowed_updates=ALLOWED_UPDATES)
        found = await self._call(waiting, limit=_LIMIT + LONG_POLL)
        return [update.api_kwargs["raw"] for update in found or ()]

    async def take_webhook(self, url: str, secret: str) -> None:
        """Has updates sent to us."""
        await self._call(
            self._bot.set_webhook(
                url, secret_token=secret, allowed_updates=ALLOWED_UPDATES, max_connections=_WEBHOOK_CONNECTIONS
            )
        )

    async def drop_webhook(self) -> None:
        """Has updates kept for getUpdates; those which wait already stay."""
        await self._call(self._bot.delete_webhook(drop_pending_updates=False))

    async def show_commands(self, commands: Sequence[tuple[str, str]], language: str | None) -> None:
        """Fills the menu of commands in private chats; the one without a language is for all the other languages."""
        menu = [BotCommand(name, description) for name, description in commands]
        scope = BotCommandScopeAllPrivateChats()
        await self._call(self._bot.set_my_commands(menu, scope=scope, language_code=language))

    async def close(self) -> None:
        """Lets go of all connections."""
        for request in self._requests:
            await request.shutdown()

    async def _call(self, call: Awaitable[T], limit: float = _LIMIT) -> T | None:
        watched = Wire()
        _wire.set(watched)
        try:
            async with asyncio.timeout(limit):
                answer = await call
        except Exception as error:  # also TypeError and KeyError: the library takes a strange answer for granted
            outcome = meaning(error, written=watched.written)
            self._alarm(outcome)
            if outcome is None:
                return None
            raise outcome from None  # the library's own message can hold the token
        return answer

    def _alarm(self, outcome: UsherError | None) -> None:
        """Says that somebody must look: once in a while, not with every call."""
        last = self._alarmed.get(str(outcome), -_ALARM_EVERY)
        if isinstance(outcome, Misconfigured | Refused) and seconds() - last >= _ALARM_EVERY:
            self._alarmed[str(outcome)] = seconds()
            words = "telegram does not work" if isinstance(outcome, Misconfigured) else "our message is wrong"
            log.error("%s: %s", words, outcome)


async def _watched(request: httpx.Request) -> None:
    """Lets the call know when its request begins to leave."""
    request.extensions["trace"] = _wire.get().trace


class _Discreet(HTTPXRequest):
    """Does not log an answer that it cannot read: it may hold what people wrote."""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """See the library. A 429 is caught here, for its status is what counts, not its fields."""
        status, payload = await super().do_request(*args, **kwargs)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Flooded(_retry_after(payload))
        return status, payload

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """See the library."""
        try:
            answer = json.loads(payload)
        except ValueError:
            raise TelegramError("Invalid server response") from None
        if not isinstance(answer, dict):
            raise TelegramError("Invalid server response")
        return answer


def _retry_after(payload: bytes) -> float:
    """Seconds; 1 where Telegram does not say."""
    try:
        pause = json.loads(payload)["parameters"]["retry_after"]
        return min(max(float(pause), 0.0), _LONGEST_PAUSE)
    except (ValueError, TypeError, LookupError):
        return 1.0


class _Untouched(_Discreet):
    """Hands updates on as they came: the library would fail a whole batch for one that it cannot read."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """See the library."""
        answer = _Discreet.parse_json_payload(payload)
        if isinstance(answer.get("result"), list):
            answer["result"] = [{"update_id": 0, "raw": update} for update in answer["result"]]
        return answer


def _requests(proxy: str | None) -> tuple[HTTPXRequest, HTTPXRequest]:
    """One client to fetch updates, which waits long, and one for all else. Only our setting decides about a proxy."""
    try:
        return (
            _Untouched(**_options(proxy, 2)),
            _Discreet(**_options(proxy, _CONNECTIONS)),
        )
    except (ValueError, RuntimeError, httpx.InvalidURL) as fault:
        hint = "; socks5 needs pip install 'httpx[socks]'" if isinstance(fault, RuntimeError) else ""
        raise WrongSetting(f"USHER_TELEGRAM_PROXY: expected an address such as http://proxy:3128{hint}") from None


def _options(proxy: str | None, connections: int) -> dict[str, Any]:
    more = {
        "trust_env": False,
        "event_hooks": {"request": [_watched]},
        "limits": httpx.Limits(max_connections=connections, keepalive_expiry=wire.IDLE),
    }
    return {"proxy": proxy, "connect_timeout": 5, "read_timeout": 10, "pool_timeout": 5, "httpx_kwargs": more}
