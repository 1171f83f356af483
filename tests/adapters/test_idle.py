"""A connection is kept for the next call, and not for longer than servers keep theirs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.adapters import wire
from bot.adapters.telegram.client import BotApi
from bot.adapters.wechat.api import Api
from bot.clock import Clock
from bot.settings import read

# What both platforms say to the calls below.
ANSWER = b"""{"ok": true, "result": {"id": 1, "is_bot": true, "first_name": "u", "username": "u"},
"errcode": 0, "errmsg": "ok", "access_token": "t", "expires_in": 7200}"""


class Server:
    """Answers on connections that it never closes by itself, and counts them."""

    connections = 0
    url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER))
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    played = Server()
    async with await asyncio.start_server(played.talk, "127.0.0.1", 0) as listening:
        played.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield played


async def telegram(url: str) -> None:
    api = BotApi(read({"USHER_TELEGRAM_TOKEN": "1:AAtest", "USHER_TELEGRAM_API_URL": url}))
    for _ in range(2):
        assert await api.username() == "u"
    await api.close()


async def wechat(url: str) -> None:
    api = Api(url, "wx1", "secret", Clock(None))
    for _ in range(2):
        await api.create_menu({"button": []})
    await api.close()


CALLS = pytest.mark.parametrize(("calls", "requests"), [(telegram, 2), (wechat, 3)])  # with the one for the token


@CALLS
async def test_the_next_call_takes_the_connection_of_the_last(
    server: Server, calls: Callable[[str], Awaitable[None]], requests: int
) -> None:
    await calls(server.url)
    assert server.connections == 1


@CALLS
async def test_a_connection_that_nobody_used_for_a_while_is_not_trusted(
    server: Server, calls: Callable[[str], Awaitable[None]], requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "IDLE", 0.0)
    await calls(server.url)
    assert server.connections == requests


def test_servers_keep_theirs_longer() -> None:
    assert wire.IDLE < 5  # https://uvicorn.dev/settings/#timeouts: --timeout-keep-alive
