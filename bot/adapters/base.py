"""What every channel's adapter can do; the rest of the house knows nothing else about a platform."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.routing import BaseRoute

from bot.message import Address, Choice, Message, Reply

Receive = Callable[[Message], Awaitable[Reply | None]]
"""Hands a message to the core; returns after the commit. None: there is nothing to say. Raises Unavailable."""

Keep = Callable[[str, str, str, str, bytes], Awaitable[None]]
"""Keeps a rightly signed body that we do not understand: (channel, account, user_id or "", reason, body)."""


class Adapter(Protocol):
    """One account on one channel."""

    channel: str
    account: str
    sends_replies: bool  # whether a reply goes out by a call of ours, and not in the answer to the platform's request

    def fit(self, reply: Reply, more: Choice | None = None) -> tuple[Reply, str]:
        """The reply as one message of this channel can carry it, and the text that has to wait for 继续 ("" if none).

        A reply that was cut gets `more`, the choice that shows the rest, as its last one, inside the same limit.
        Pure. Cuts only `reply.text`; raises ValueError where `ask` and choices (with `more`, if the text is too long)
        are too long already.
        """

    def routes(self) -> list[BaseRoute]:
        """The HTTP addresses at which the platform calls."""

    async def listen(self) -> None:
        """Sets the channel up and takes what has to be fetched; runs until cancelled."""

    async def send(self, address: Address, reply: Reply, route: str) -> None:
        """Sends one message outside a conversation turn. Raises TryLater, Unreachable, Unconfirmed, Misconfigured."""

    async def close(self) -> None:
        """Lets go of connections."""
