"""What every channel's adapter can do; the rest of the house knows nothing else about a platform."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from starlette.routing import BaseRoute

from bot.message import Address, Choice, Message, Reply

Receive = Callable[[Message], Awaitable[Reply | None]]
"""Hands a message to the core; returns after the commit. None: there is nothing to say. Raises Unavailable."""

Keep = Callable[[str, str, str, str, bytes], Awaitable[None]]
"""Keeps a rightly signed body that we do not understand: (channel, account, user_id or "", reason, body)."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A place on a map."""

    latitude: float
    longitude: float
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that travels with a mail."""

    name: str
    media_type: str  # such as image/png
    content: bytes
    cid: str = ""  # shown inside the HTML under this content id; empty: attached


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, apart from who gets it."""

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()
    calendar: bytes = b""  # an .ics of its own media type, empty: none
    method: str = "REQUEST"  # of the calendar: REQUEST or CANCEL


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message that leaves later, composed for one route; each route takes what it knows."""

    key: str  # the same at every try: client_msg_id of a template, Message-ID of a mail
    reply: Reply = field(default_factory=Reply)  # for a chat
    pin: Pin | None = None  # Telegram: sent behind the words
    template: str = ""  # WeChat: the template's id
    data: Mapping[str, str] = field(default_factory=dict)  # its fields, each at most 20 characters
    link: str = ""  # what a tap on the template opens
    mail: Mail | None = None


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

    async def send(self, address: Address, outgoing: Outgoing, route: str) -> str:
        """Sends one message outside a conversation turn; the platform's own id of it ("" if it matters to nobody).

        Raises TryLater, NoConnection, Paused, WindowClosed, RouteOff, Unreachable, Moved, Refused, Misconfigured,
        Unconfirmed.
        """

    async def close(self) -> None:
        """Lets go of connections."""
