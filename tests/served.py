"""The whole house over real HTTP: the bot in this process or as `usher serve`, and both platforms on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
from starlette.types import ASGIApp

from bot.app import Usher
from bot.clock import Clock
from bot.sandbox.page import platform_app
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.wechat import WeChatPlatform
from bot.serve import bound, server
from bot.settings import read
from tests.listening import fall_silent, listen

ROOT = pathlib.Path(__file__).parent.parent
NOW = "2019-10-08T09:00:00+08:00"
KEYS = {
    "SECRET": "a secret of the tests alone",
    "WECHAT_APP_ID": "wxb11529c136998cb6",
    "WECHAT_APP_SECRET": "0123456789abcdef0123456789abcdef",
    "WECHAT_TOKEN": "pamtest",
    "WECHAT_AES_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "TELEGRAM_TOKEN": "123456789:AAtestAAtestAAtestAAtestAAtestAAtes",
    "TELEGRAM_SECRET": "hook-secret",
    "TELEGRAM_MODE": "webhook",
}
_PORTS = iter(random.SystemRandom().sample(range(20_000, 32_768), 10_000))  # outgoing connections: 32768 and above


def free_port() -> int:
    """A port that nothing listens on, and that no outgoing connection is given before the bot listens there."""
    while True:
        with contextlib.closing(socket.socket()) as taken, contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", port := next(_PORTS)))
            return port


def environment(database_url: str, port: int, platforms: str, **more: str) -> dict[str, str]:
    """The settings of a whole house, as environment variables."""
    own = {
        "DATABASE_URL": database_url,
        "CONTENT": str(ROOT / "content"),
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WECHAT_API_URL": platforms,
        "TELEGRAM_API_URL": platforms,
        "NOW": NOW,
        **KEYS,
        **more,
    }
    return {f"USHER_{name}": value for name, value in own.items()}


@dataclass
class Platforms:
    """Both platforms, played."""

    wechat: WeChatPlatform
    telegram: TelegramPlatform
    url: str


@contextlib.asynccontextmanager
async def platforms(port: int, patience: float = 5.0, mode: str = "safe") -> AsyncIterator[Platforms]:
    """Both platforms' APIs on a loopback port; the bot is expected on `port`."""
    clock = Clock(read({"USHER_NOW": NOW}).now)
    wechat = WeChatPlatform(
        app_id=KEYS["WECHAT_APP_ID"],
        secret=KEYS["WECHAT_APP_SECRET"],
        token=KEYS["WECHAT_TOKEN"],
        aes_key=KEYS["WECHAT_AES_KEY"],
        mode=mode,
        webhook_url=f"http://127.0.0.1:{port}/wechat/webhook",
        clock=clock,
        patience=patience,
    )
    telegram = TelegramPlatform(token=KEYS["TELEGRAM_TOKEN"], clock=clock)
    listening = bound("127.0.0.1", 0)
    async with _serving(platform_app(wechat, telegram), listening):
        try:
            yield Platforms(wechat, telegram, f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            await wechat.close()
            await telegram.close()


@dataclass
class House:
    """The bot in this process, and the platforms it talks to."""

    usher: Usher
    wechat: WeChatPlatform
    telegram: TelegramPlatform
    url: str
    port: int


@contextlib.asynccontextmanager
async def house(database_url: str, patience: float = 5.0, **more: str) -> AsyncIterator[House]:
    """Everything running; settings such as TELEGRAM_MODE="polling" may be given."""
    port = free_port()
    async with platforms(port, patience, more.get("WECHAT_MODE", "safe")) as played:
        settings = read(environment(database_url, port, played.url, **more))
        usher = Usher(settings, Clock(settings.now))
        async with _serving(usher.application, bound("127.0.0.1", port)):
            await usher.start()
            try:
                await _registered(played.telegram, settings.telegram_mode)
                yield House(usher, played.wechat, played.telegram, f"http://127.0.0.1:{port}", port)
            finally:
                await usher.drain()
                await usher.stop()


@dataclass
class Process:
    """`usher serve` as a process of its own."""

    env: dict[str, str]
    folder: pathlib.Path
    port: int
    running: subprocess.Popen[bytes] | None = None
    log: pathlib.Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / f"serve-{self.port}.log"

    async def start(self, seconds: float = 20) -> None:
        """Starts it and waits until it is ready."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("USHER_")}
        with self.log.open("ab") as out:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "bot.cli", "serve"],
                env={**kept, "PYTHONPATH": str(ROOT), **self.env},
                cwd=self.folder,
                stdout=out,
                stderr=out,
            )
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(seconds):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"http://127.0.0.1:{self.port}/health/ready")).status_code == 200:
                        return
                assert self.running.poll() is None, self.log.read_text()
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """kill -9, in the middle of whatever it does."""
        self._signal(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> int:
        assert self.running is not None
        self.running.send_signal(number)
        code = self.running.wait(15)
        self.running = None
        return code


@contextlib.asynccontextmanager
async def _serving(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    web = server(app)
    await listen(web, listening)
    try:
        yield
    finally:
        await fall_silent(web)


async def _registered(telegram: TelegramPlatform, mode: str) -> None:
    """Waits until the bot told Telegram where it listens."""
    async with asyncio.timeout(10):
        while mode == "webhook" and telegram.updates.webhook is None:
            await asyncio.sleep(0.01)
