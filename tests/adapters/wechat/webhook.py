"""The webhook as the platform calls it, and a core behind it that commits when it is let."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
from starlette.applications import Starlette

from bot.adapters.wechat.adapter import WeChatAdapter
from bot.message import Message, Reply

PATIENCE = 0.25  # seconds, in place of 4.5


class Core:
    """What stands behind the adapter: commits when it is let."""

    def __init__(self) -> None:
        self.received: list[Message] = []
        self.kept: list[tuple[str, str, str, str, bytes]] = []
        self.commit = asyncio.Event()
        self.commit.set()
        self.fault: BaseException | None = None
        self.reply: Reply | None = Reply(text="好的")
        self.committed = 0
        self.ended: list[tuple[str, str]] = []

    async def receive(self, message: Message) -> Reply | None:
        self.received.append(message)
        await self.commit.wait()
        if self.fault:
            raise self.fault
        self.committed += 1
        return self.reply

    async def keep(self, *kept: str | bytes) -> None:
        await self.commit.wait()
        if self.fault:
            raise self.fault
        self.kept.append(kept)

    async def report(self, receipt: str, status: str) -> None:
        await self.commit.wait()
        if self.fault:
            raise self.fault
        self.ended.append((receipt, status))


class Webhook:
    """The adapter, called as the platform calls it."""

    def __init__(self, adapter: WeChatAdapter) -> None:
        self.adapter = adapter
        transport = httpx.ASGITransport(Starlette(routes=adapter.routes()))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://usher.test")

    async def post(self, query: bytes, body: bytes | AsyncIterator[bytes]) -> httpx.Response:
        return await self.http.post(f"/wechat/webhook?{query.decode('latin-1')}", content=body)

    async def get(self, query: bytes) -> httpx.Response:
        return await self.http.get(f"/wechat/webhook?{query.decode()}")
