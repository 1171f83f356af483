"""The stage for the Telegram adapter: a strict Bot API on loopback, a core of a few lines, and updates to send.

The API below is written from the platform's pages, without the library that the adapter uses.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from starlette.applications import Starlette

from bot.adapters.telegram.adapter import LEASE, PATH, TelegramAdapter
from bot.clock import Clock
from bot.errors import TryLater, Unavailable
from bot.message import Message, Reply
from bot.settings import Settings, read

TOKEN = "123456789:AAtest_token-of_nobody"
SECRET = "the-secret_1"
SAMPLES = Path(__file__).parents[2] / "samples" / "telegram"
BOT_USER = {"id": 123456789, "is_bot": True, "first_name": "Events", "username": "events_bot"}
CUT, HANG = "cut", "hang"  # scripted answers: the connection ends; nothing ever comes


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


class Refused(Exception):
    """The request breaks a rule of the platform: 400."""


@dataclass
class FakeBotApi:
    """A Bot API as strict as the real one about what the adapter sends."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    script: defaultdict[str, deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    pending: list[Any] = field(default_factory=list)
    delay: float = 0.0
    paths: list[str] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    url: str = ""

    def named(self, method: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.calls if name == method]

    @property
    def texts(self) -> list[str]:
        return [fields["text"] for fields in self.named("sendMessage")]

    def answer(self, method: str, *answers: Any) -> None:
        """The next answers to a method: a sample's name, (status, body), CUT or HANG."""
        self.script[method].extend(answers)

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self.tasks.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        verb, path, _ = first.split(" ")
        assert verb == "POST"
        outcome = await self._route(path, headers.get("content-type", ""), body)
        if outcome == CUT:
            return False
        if outcome == HANG:
            await asyncio.sleep(60)
        status, payload = outcome
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n".encode()
            + raw
        )
        await writer.drain()
        return True

    async def _route(self, path: str, content_type: str, body: bytes) -> Any:
        self.paths.append(path)
        prefix = f"/bot{TOKEN}/"
        method = path.removeprefix(prefix)
        known = getattr(self, f"do_{method}", None)
        if not path.startswith(prefix) or known is None:
            return 404, {"ok": False, "error_code": 404, "description": "Not Found"}
        fields = _fields(content_type, body)
        self.calls.append((method, fields))
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.script[method]:
            return _scripted(self.script[method].popleft())
        try:
            result = known(**fields)
            return 200, {"ok": True, "result": await result if asyncio.iscoroutine(result) else result}
        except (Refused, TypeError) as fault:
            return 400, {"ok": False, "error_code": 400, "description": f"Bad Request: {fault}"}

    # Methods: a field that is not named here is refused

    def do_getMe(self) -> Any:  # noqa: N802  # the platform's name
        return {**BOT_USER, "can_join_groups": True, "can_read_all_group_messages": False}

    def do_sendMessage(  # noqa: N802  # the platform's name
        self,
        chat_id: int,
        text: str,
        reply_markup: Any = None,
        link_preview_options: Any = None,
        message_thread_id: int | None = None,
    ) -> Any:
        _require(isinstance(chat_id, int), "chat_id is no number")
        _require(text.strip() != "", "message text is empty")
        _require(units(text) <= 4096, "message is too long")
        _require(link_preview_options == {"is_disabled": True}, "a link preview was asked for")
        if reply_markup is not None:
            _check_markup(deepcopy(reply_markup))
        chat = {"id": chat_id, "type": "private" if chat_id > 0 else "supergroup", "first_name": "Ann", "title": "T"}
        return {"message_id": len(self.calls), "from": BOT_USER, "chat": chat, "date": 1790000000, "text": text}

    def do_answerCallbackQuery(self, callback_query_id: str) -> Any:  # noqa: N802  # the platform's name
        _require(str(callback_query_id).isdigit(), "query is too old and response timeout expired")
        return True

    def do_setMyCommands(self, commands: Any, scope: Any = None, language_code: str = "") -> Any:  # noqa: N802  # the platform's name
        _require(0 < len(commands) <= 100, "too many commands")
        _require(language_code in ("", "zh"), "unknown language")
        _require(scope == {"type": "all_private_chats"}, "another scope")
        for command in commands:
            _require(set(command) == {"command", "description"}, "fields of a command")
            name = command["command"]
            _require(1 <= len(name) <= 32 and name.isascii() and name == name.lower(), "BOT_COMMAND_INVALID")
            _require(1 <= len(command["description"]) <= 256, "BOT_COMMAND_DESCRIPTION_INVALID")
        return True

    def do_setWebhook(self, url: str, secret_token: str, allowed_updates: list[str], max_connections: int) -> Any:  # noqa: N802  # the platform's name
        _require(url.startswith("https://"), "bad webhook: HTTPS url must be provided for webhook")
        _require(1 <= len(secret_token) <= 256 and 1 <= max_connections <= 100, "bad webhook")
        _require(len(allowed_updates) > 0, "allowed_updates must be said")
        return True

    def do_deleteWebhook(self, drop_pending_updates: bool = False) -> Any:  # noqa: N802  # the platform's name
        _require(drop_pending_updates is False, "pending updates would be lost")
        return True

    async def do_getUpdates(  # noqa: N802  # the platform's name
        self, timeout: int, allowed_updates: list[str], offset: int = 0, limit: int = 100
    ) -> Any:
        _require(timeout == 50 and len(allowed_updates) > 0, "not a long poll of all we want")
        done = [place for place, update in enumerate(self.pending) if (_id(update) or offset) < offset]
        self.pending = self.pending[done[-1] + 1 :] if done else self.pending
        for _ in range(30):
            if self.pending:
                break
            await asyncio.sleep(0.01)
        return self.pending[:limit]


def _id(update: Any) -> Any:
    return update.get("update_id") if isinstance(update, dict) else None


def _fields(content_type: str, body: bytes) -> dict[str, Any]:
    if content_type.startswith("application/json"):
        return dict(json.loads(body))
    assert content_type.startswith("application/x-www-form-urlencoded") or not body
    pairs = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body)))
    # As the server does: everything but plain texts is read as JSON.
    return {name: value if name in ("text", "url") else _json(value) for name, value in pairs.items()}


def _json(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _scripted(answer: Any) -> Any:
    if isinstance(answer, str) and answer not in (CUT, HANG):
        body = json.loads((SAMPLES / f"{answer}.json").read_text())
        return body["error_code"], body
    return answer


def _require(kept: bool, rule: str) -> None:
    if not kept:
        raise Refused(rule)


def _check_markup(markup: dict[str, Any]) -> None:
    if "inline_keyboard" in markup:
        rows = markup.pop("inline_keyboard")
        allowed = {"text", "callback_data"}
        _require(all(1 <= len(button["callback_data"].encode()) <= 64 for row in rows for button in row), "BUTTON_DATA")
    elif "keyboard" in markup:
        rows = markup.pop("keyboard")
        allowed = {"text", "request_contact"}
        _require(markup.pop("one_time_keyboard") and markup.pop("resize_keyboard"), "a keyboard that stays")
    else:
        rows, allowed = [[{"text": "-"}]], {"text"}
        _require(markup.pop("remove_keyboard") is True, "an unknown markup")
    _require(not markup, "unknown fields in the markup")
    _require(all(1 <= len(row) <= 8 for row in rows) and sum(map(len, rows)) <= 100, "too many buttons")
    for button in (button for row in rows for button in row):
        _require(set(button) <= allowed and bool(button["text"].strip()), "a button's fields")


class Core:
    """Stands for the dispatcher and its database: keeps messages, replies and who may send."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.kept: list[tuple[str, str, str, str, bytes]] = []
        self.reply: Callable[[Message], Reply | None] = lambda message: Reply(text=f"heard {message.text}")
        self.faults: deque[Exception] = deque()  # raised by the next calls of receive
        self.fails_on: dict[str, Exception] = {}  # text -> what receive raises for it, always
        self.keep_faults: deque[Exception] = deque()
        self.claims: dict[str, float] = {}
        self.done: list[str] = []
        self.released: list[str] = []
        self.away = False  # the database, after the commit
        self.pause = 0.0
        self.now = 0.0
        self.running: set[str] = set()
        self.together = 0

    async def receive(self, message: Message) -> Reply | None:
        self.running.add(message.sender.user_id + message.text)
        self.together = max(self.together, len(self.running))
        await asyncio.sleep(self.pause)
        self.running.discard(message.sender.user_id + message.text)
        if self.faults:
            raise self.faults.popleft()
        if message.text in self.fails_on:
            raise self.fails_on[message.text]
        if message.id not in [known.id for known in self.messages]:
            self.messages.append(message)
        return self.reply(message)

    async def keep(self, channel: str, account: str, user_id: str, reason: str, body: bytes) -> None:
        if self.keep_faults:
            raise self.keep_faults.popleft()
        self.kept.append((channel, account, user_id, reason, body))

    # The outbox

    async def claim(self, message_id: str) -> bool:
        await asyncio.sleep(0)
        if message_id in self.done:
            return False
        if message_id in self.claims and self.now - self.claims[message_id] < LEASE:
            raise TryLater("somebody else is sending", 1)
        self.claims[message_id] = self.now
        return True

    async def sent(self, message_id: str) -> None:
        if self.away:
            raise Unavailable("away")
        self.done.append(message_id)

    async def release(self, message_id: str) -> None:
        if self.away:
            raise Unavailable("away")
        self.released.append(message_id)
        self.claims.pop(message_id, None)


class Sleeps(list[float]):
    """Waits that take no time, and are remembered."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await asyncio.sleep(0.001)


@dataclass
class Stage:
    """Everything around one adapter."""

    api: FakeBotApi
    core: Core
    clock: Clock
    sleeps: Sleeps
    adapters: list[TelegramAdapter] = field(default_factory=list)

    def settings(self, **more: str) -> Settings:
        given = {
            "TELEGRAM_TOKEN": TOKEN,
            "TELEGRAM_SECRET": SECRET,
            "TELEGRAM_API_URL": self.api.url,
            "TELEGRAM_MODE": "webhook",
            "PUBLIC_URL": "https://usher.example.org",
        }
        return read({f"USHER_{name}": value for name, value in {**given, **more}.items() if value})

    def adapter(self, **more: str) -> TelegramAdapter:
        """One more process with the same bot."""
        adapter = TelegramAdapter(
            self.settings(**more), self.clock, self.core.receive, self.core.keep, self.core, say, self.sleeps
        )
        self.adapters.append(adapter)
        return adapter

    async def post(
        self, body: object, adapter: TelegramAdapter | None = None, secret: str | None = SECRET
    ) -> httpx.Response:
        """Delivers one update to the webhook."""
        adapter = adapter or (self.adapters or [self.adapter()])[0]
        transport = httpx.ASGITransport(Starlette(routes=adapter.routes()))
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
        async with httpx.AsyncClient(transport=transport, base_url="http://usher") as client:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            return await client.post(PATH, content=raw, headers=headers)


def say(key: str, language: str) -> str:
    return f"{key} in {language}"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    api = FakeBotApi()
    server = await api.start()
    stage = Stage(api, Core(), Clock(), Sleeps())
    yield stage
    for adapter in stage.adapters:
        await adapter.close()
    server.close()
    for task in list(api.tasks):
        task.cancel()
    await asyncio.gather(*api.tasks, return_exceptions=True)


@pytest.fixture
def sample() -> Callable[[str], dict[str, Any]]:
    """A sample update by its name."""
    return lambda name: json.loads((SAMPLES / f"{name}.json").read_text())


@pytest.fixture
def text_update() -> Callable[..., dict[str, Any]]:
    """An update with a text that somebody typed in their private chat."""

    def build(text: str, update_id: int = 1, chat: int = 7000001, **more: Any) -> dict[str, Any]:
        person = {"id": chat, "is_bot": False, "first_name": "Ann"}
        message = {"message_id": 1, "from": person, "chat": {"id": chat, "type": "private"}, "date": 1790000000}
        return {"update_id": update_id, "message": {**message, "text": text, **more}}

    return build
