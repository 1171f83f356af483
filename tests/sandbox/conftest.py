"""A tiny hand-made bot for each platform, served over real HTTP on loopback, so that the stand-in itself is tested."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.clock import Clock
from bot.sandbox.page import platform_app
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.wechat import WeChatPlatform
from bot.sandbox.wechat_wire import Keys, decrypt, encrypt, sign
from bot.sandbox.wechat_xml import read_xml
from tests.listening import fall_silent, listen

AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
TELEGRAM_TOKEN = "123456789:AAtest_token"
Serve = Callable[[Any], Awaitable[str]]


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Serve]:
    """Serves ASGI applications; gives the address of each."""
    running: list[uvicorn.Server] = []

    async def start(app: Any) -> str:
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none"))
        await listen(server)
        running.append(server)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    try:
        yield start
    finally:
        for server in running:
            await fall_silent(server)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves ASGI applications until the test ends; gives the address of each."""
    async with serving() as start:
        yield start


@pytest.fixture
def clock() -> Clock:
    """The product's clock in the demo's October."""
    return Clock(datetime(2019, 10, 8, 1, tzinfo=UTC))


class WeChatBot:
    """Answers each push with `reply`: a text, a Response, or something that makes one of the fields."""

    platform: WeChatPlatform

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.seen: list[dict[str, Any]] = []
        self.queries: list[dict[str, str]] = []
        self.requests: list[Request] = []
        self.reply: Any = "好"

    async def answer(self, request: Request) -> Response:
        query = dict(request.query_params)
        if request.method == "GET":
            right = query["signature"] == sign(self.keys.token, query["timestamp"], query["nonce"])
            return Response(query["echostr"] if right else "")
        fields = read_xml(await request.body())
        if "Encrypt" in fields:
            expected = sign(self.keys.token, query["timestamp"], query["nonce"], fields["Encrypt"])
            assert query["msg_signature"] == expected
            fields = read_xml(decrypt(self.keys, fields["Encrypt"]))
        self.seen.append(fields)
        self.queries.append(query)
        self.requests.append(request)
        reply = self.reply
        if callable(reply) and not isinstance(reply, Response):
            reply = reply(fields)
        if isinstance(reply, Awaitable):
            reply = await reply
        if isinstance(reply, Response):
            return reply
        xml = self.xml(fields, reply) if isinstance(reply, str) else reply
        return Response(self.lock(xml) if "encrypt_type" in query else xml)

    def xml(self, fields: dict[str, Any], content: str, **changed: str) -> bytes:
        """A right text reply; `changed`: other values."""
        values = {
            "ToUserName": fields["FromUserName"],
            "FromUserName": fields["ToUserName"],
            "CreateTime": str(int(time.time())),
            "MsgType": "text",
            "Content": content,
            **changed,
        }
        rows = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in values.items())
        return f"<xml>{rows}</xml>".encode()

    def lock(self, xml: bytes, keys: Keys | None = None, token: str = "") -> bytes:
        """A right encrypted answer; `keys` and `token`: other ones."""
        locked = encrypt(keys or self.keys, xml)
        signature = sign(token or self.keys.token, "1570496400", "42", locked)
        return (
            f"<xml><Encrypt><![CDATA[{locked}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
            "<TimeStamp>1570496400</TimeStamp><Nonce><![CDATA[42]]></Nonce></xml>"
        ).encode()


WeChat = Callable[..., Awaitable[tuple[WeChatPlatform, WeChatBot]]]


@contextlib.asynccontextmanager
async def wechats(serve: Serve, clock: Clock) -> AsyncIterator[WeChat]:
    """Makes platforms, each with a bot that it talks to."""
    platforms: list[WeChatPlatform] = []

    async def make(mode: Any = "safe", **given: Any) -> tuple[WeChatPlatform, WeChatBot]:
        bot = WeChatBot(Keys("wx0123456789abcdef", "token", AES_KEY))
        url = await serve(Starlette(routes=[Route("/wechat/webhook", bot.answer, methods=["GET", "POST"])]))
        platform = WeChatPlatform(
            bot.keys.app_id, "secret", "token", AES_KEY, mode, f"{url}/wechat/webhook", clock, **given
        )
        bot.platform = platform
        platforms.append(platform)
        return platform, bot

    try:
        yield make
    finally:
        for platform in platforms:
            await platform.close()


@pytest.fixture
async def wechat(serve: Serve, clock: Clock) -> AsyncIterator[WeChat]:
    """Makes a platform and a bot that talk to each other; keyword arguments go to the platform."""
    async with wechats(serve, clock) as make:
        yield make


class TelegramBot:
    """Answers each update by `act`, through the Bot API."""

    def __init__(self, api: str, app: Any = None) -> None:
        transport = httpx.ASGITransport(app) if app else None
        self.client = httpx.AsyncClient(base_url=f"{api}/bot{TELEGRAM_TOKEN}/", trust_env=False, transport=transport)
        self.seen: list[dict[str, Any]] = []
        self.secrets: list[str | None] = []
        self.status = 200
        self.act: Callable[[dict[str, Any]], Awaitable[None]] = self.echo

    async def answer(self, request: Request) -> Response:
        self.secrets.append(request.headers.get("x-telegram-bot-api-secret-token"))
        update = await request.json()
        self.seen.append(update)
        if self.status == 200:
            await self.act(update)
        return Response(status_code=self.status)

    async def echo(self, update: dict[str, Any]) -> None:
        """Says back what was said, with two buttons; answers presses."""
        if query := update.get("callback_query"):
            await self.call("answerCallbackQuery", callback_query_id=query["id"])
            await self.call("sendMessage", chat_id=query["from"]["id"], text=f"pressed {query['data']}")
        elif "message" in update:
            message = update["message"]
            rows = [[{"text": "Yes", "callback_data": "y"}, {"text": "No", "callback_data": "n"}]]
            text = f"you said {message.get('text', 'something')}"
            await self.call(
                "sendMessage", chat_id=message["chat"]["id"], text=text, reply_markup={"inline_keyboard": rows}
            )

    async def call(self, method: str, **fields: Any) -> dict[str, Any]:
        """One call; the answer as it came."""
        answer: dict[str, Any] = (await self.client.post(method, json=fields, timeout=60)).json()
        return answer


Telegram = Callable[..., Awaitable[tuple[TelegramPlatform, TelegramBot]]]


@contextlib.asynccontextmanager
async def telegrams(serve: Serve, clock: Clock) -> AsyncIterator[Telegram]:
    """Makes platforms, each with a bot."""
    made: list[tuple[TelegramPlatform, TelegramBot]] = []

    async def make(webhook: bool = True, **given: Any) -> tuple[TelegramPlatform, TelegramBot]:
        given = {"quiet": 0.05, "patience": 5.0, "resends": (0.0, 0.02), **given}
        platform = TelegramPlatform(TELEGRAM_TOKEN, clock, **given)
        app = platform_app(None, platform)
        bot = TelegramBot(await serve(app)) if webhook else TelegramBot("http://sandbox", app)
        made.append((platform, bot))
        if webhook:
            url = await serve(Starlette(routes=[Route("/telegram/webhook", bot.answer, methods=["POST"])]))
            answer = await bot.call("setWebhook", url=f"{url}/telegram/webhook", secret_token="s3cret")
            assert answer["ok"], answer
        return platform, bot

    try:
        yield make
    finally:
        for platform, bot in made:
            await platform.close()
            await bot.client.aclose()


@pytest.fixture
async def telegram(serve: Serve, clock: Clock) -> AsyncIterator[Telegram]:
    """Makes a platform and a bot; with `webhook=False` there is no network at all, and the bot has to fetch."""
    async with telegrams(serve, clock) as make:
        yield make
