"""A channel in memory alone, for the tests and for whoever tries the dialogue. It carries little, as WeChat does."""

from __future__ import annotations

from dataclasses import replace

from starlette.routing import BaseRoute

from bot.errors import Unreachable
from bot.message import Address, Choice, Reply

_LIMIT = 600  # characters


class MemoryAdapter:
    """Keeps what it was told to send."""

    channel = "memory"
    sends_replies = False

    def __init__(self, account: str = "memory") -> None:
        self.account = account
        self.outbox: list[tuple[Address, Reply]] = []

    def fit(self, reply: Reply, more: Choice | None = None) -> tuple[Reply, str]:
        """Cuts the text alone, at a number of characters."""
        room = _LIMIT - len(reply.ask) - sum(len(choice.label) for choice in reply.choices)
        if room < 0:
            raise ValueError("the question and its choices are too long for one message")
        if len(reply.text) <= room:
            return reply, ""
        choices = (*reply.choices, more) if more else reply.choices
        return replace(reply, text=reply.text[:room], choices=choices), reply.text[room:]

    def routes(self) -> list[BaseRoute]:
        """Nobody calls."""
        return []

    async def listen(self) -> None:
        """Nothing to fetch."""

    async def send(self, address: Address, reply: Reply, route: str) -> None:
        """Keeps the reply for whoever looks into the outbox."""
        if address.channel != self.channel:
            raise Unreachable(f"no such channel here: {address.channel}")
        self.outbox.append((address, reply))

    async def close(self) -> None:
        """Nothing to let go of."""
