"""Sends the reply to a message, once: who may send it, how often it is tried, and what is noted afterwards."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.adapters.telegram.client import BotApi
from bot.adapters.telegram.patience import Sleep
from bot.adapters.telegram.render import Rendered
from bot.clock import seconds
from bot.errors import Misconfigured, Refused, TryLater, Unconfirmed, Unreachable

log = logging.getLogger(__name__)

LEASE = 30  # seconds for which the outbox holds a claim: every try of one reply ends before
_SHORT_WAIT = 5  # seconds that a reply waits for when Telegram asks it to
_TRIES = 3
_LAST_START = 13.0  # seconds after the claim: with the longest call of the client still within the lease


class Outbox(Protocol):
    """Who may send the reply to a message: one copy of it, in one process."""

    async def claim(self, message_id: str) -> bool:
        """True for the one that sends now; False where the reply is done with.

        A claim that was neither confirmed nor released is free again after LEASE seconds. May raise TryLater while
        somebody else's claim is younger, so that Telegram's copy comes again, and Unavailable.
        """

    async def sent(self, message_id: str) -> None:
        """The reply was sent, or may have been, or never can be: it is done with."""

    async def release(self, message_id: str) -> None:
        """The reply was certainly not sent: the next copy may try."""


class Replier:
    """The one who answers."""

    def __init__(self, api: BotApi, outbox: Outbox, sleep: Sleep) -> None:
        self._api = api
        self._outbox = outbox
        self._sleep = sleep

    async def answer(self, message_id: str, chat: int, message: Rendered) -> None:
        """Sends a claimed reply. Raises TryLater and Misconfigured where it was not sent."""
        try:
            await self._try(chat, message)
        except (TryLater, Misconfigured) as fault:
            log.warning("telegram: the reply to %s waits: %s", message_id, fault)
            await self._note(self._outbox.release, message_id)
            raise
        except (Unreachable, Refused, Unconfirmed) as fault:  # never twice, so never again
            log.warning("telegram: the reply to %s: %s", message_id, fault)
        await self._note(self._outbox.sent, message_id)

    async def _try(self, chat: int, message: Rendered) -> None:
        """Sends, and waits where Telegram asks for a short patience."""
        began = seconds()
        for tries in range(1, _TRIES + 1):
            try:
                return await self._api.send(chat, message)
            except TryLater as later:
                late = seconds() - began + later.delay > _LAST_START
                if tries == _TRIES or later.delay > _SHORT_WAIT or late:
                    raise
                await self._sleep(later.delay)
        return None

    async def _note(self, what: Callable[[str], Awaitable[None]], message_id: str) -> None:
        """Tells the outbox. If it cannot hear, the lease runs out by itself: that is no reason to ask for a copy."""
        try:
            await what(message_id)
        except Exception as fault:
            log.error("telegram: what became of the reply to %s is not written: %s", message_id, type(fault).__name__)
