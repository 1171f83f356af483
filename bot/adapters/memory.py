"""A channel in memory alone, for the tests and for whoever tries the dialogue. It carries little, as WeChat does."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.routing import BaseRoute

from bot.adapters.base import Outgoing
from bot.errors import Refused, Unreachable
from bot.message import Address, Choice, Reply

_LIMIT = 600  # characters


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that was sent later."""

    address: Address
    outgoing: Outgoing
    route: str


class MemoryAdapter:
    """Keeps what it was told to send."""

    channel = "memory"
    sends_replies = False

    def __init__(self, account: str = "memory") -> None:
        self.account = account
        self.outbox: list[Sent] = []

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

    async def send(self, address: Address, outgoing: Outgoing, route: str) -> str:
        """Keeps the message for whoever looks into the outbox; its number is the receipt."""
        if address.channel != self.channel:
            raise Unreachable(f"no such channel here: {address.channel}")
        if route != self.channel:
            raise Refused(f"nothing is sent by {route} here")
        if not outgoing.reply.text and not outgoing.reply.ask:
            raise Refused("there is nothing to say")
        if self.fit(outgoing.reply)[1]:
            raise Refused(f"the text is longer than {_LIMIT} characters")
        self.outbox.append(Sent(address, outgoing, route))
        return str(len(self.outbox))

    async def close(self) -> None:
        """Nothing to let go of."""
