"""Both platforms' stand-ins over real HTTP, and an adapter of each kind before them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from bot.adapters.base import Adapter, Outgoing
from bot.adapters.telegram.adapter import TelegramAdapter
from bot.adapters.wechat.adapter import WeChatAdapter
from bot.clock import Clock
from bot.message import Address, Reply
from bot.sandbox.trouble import Order
from bot.settings import read
from tests.served import Platforms, environment, free_port, platforms

TEMPLATE = "tm_reminder"
OUTGOING = Outgoing(
    "day-before.r1.chat", Reply("明天见！"), template=TEMPLATE, data={"thing1": "分享会", "time2": "10月22日"}
)


class Stopped(Clock):
    """Real time stands at 23:59:20 in China."""

    def real(self) -> datetime:
        return datetime(2019, 10, 8, 15, 59, 20, tzinfo=UTC)


class Sleeps(list[float]):
    """Waits that take no time, and are remembered."""

    async def __call__(self, seconds: float) -> None:
        if seconds:
            self.append(seconds)


@dataclass
class Ground:
    """The adapters, the platforms, and how many people were there."""

    played: Platforms
    wechat: WeChatAdapter
    telegram: TelegramAdapter
    waits: Sleeps
    ended: list[tuple[str, str]] = field(default_factory=list)
    people: int = 7_000_000

    def adapter(self, route: str) -> Adapter:
        return self.telegram if route == "telegram" else self.wechat

    async def person(self, route: str) -> Address:
        """Somebody new who may be written to by that route."""
        self.people += 1
        if route == "telegram":
            self.played.telegram.phone(self.people).chat.known = True
            return Address("telegram", self.telegram.account, str(self.people))
        phone = self.played.wechat.phone(f"oPerson{self.people}")
        phone.opens()
        return Address("wechat", self.wechat.account, phone.openid)

    async def send(self, route: str, **changed: Any) -> str:
        """Sends to somebody new."""
        self.to = await self.person(route)
        return await self.adapter(route).send(self.to, replace(OUTGOING, key=f"k{self.people}", **changed), route)

    @contextlib.asynccontextmanager
    async def elsewhere(self, route: str, url: str) -> AsyncIterator[Adapter]:
        """An adapter of its own before another address."""
        settings = read(environment("sqlite:///usher.db", 1, url))
        if route == "telegram":
            adapter: Adapter = TelegramAdapter(settings, Stopped(), nothing, nothing, None, say, self.waits)
        else:
            adapter = WeChatAdapter(settings, Stopped(), nothing, nothing, sleep=self.waits)
        try:
            yield adapter
        finally:
            await adapter.close()

    def order(self, call: str, *orders: Order) -> None:
        platform = self.played.telegram if call.startswith("send") else self.played.wechat
        for order in orders:
            platform.trouble.next(call, order)

    @property
    def arrived(self) -> list[str]:
        """The calls by which something came to the last person."""
        took = [*self.played.wechat.api.accepted, *self.played.telegram.limits.accepted]
        return [one.call for one in took if one.to == self.to.user_id]

    def calls(self, call: str) -> int:
        """How often that call came."""
        if call.startswith("send"):
            return sum(name == call for name, _ in self.played.telegram.api.calls)
        return self.played.wechat.api.calls.count(call)


async def nothing(*_: object) -> None:
    """What stands behind an adapter that only sends."""


def say(key: str, language: str) -> str:
    return f"{key[:4]}{language}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_ground() -> AsyncIterator[Ground]:
    port, waits, ended = free_port(), Sleeps(), []

    async def note(receipt: str, status: str) -> None:
        ended.append((receipt, status))

    async with platforms(port) as played:
        played.wechat.templates.telling = "never"  # nobody serves the webhook here
        settings = read(environment("sqlite:///usher.db", port, played.url))
        wechat = WeChatAdapter(settings, Stopped(), nothing, nothing, note, say, sleep=waits)
        telegram = TelegramAdapter(settings, Stopped(), nothing, nothing, None, say, waits)
        yield Ground(played, wechat, telegram, waits, ended)
        await wechat.close()
        await telegram.close()


@pytest.fixture
def ground(shared_ground: Ground) -> Ground:
    """The platforms as if nothing had happened yet."""
    played = shared_ground.played
    played.wechat.templates.texts = {TEMPLATE: "{{thing1.DATA}} {{time2.DATA}}"}
    played.wechat.violations, played.telegram.violations = [], []
    played.wechat.trouble.clear()
    played.telegram.trouble.clear()
    played.wechat.api.calls.clear()
    played.wechat.api.accepted.clear()
    played.telegram.api.calls.clear()
    shared_ground.waits.clear()
    shared_ground.telegram._api._alarmed.clear()
    return shared_ground
