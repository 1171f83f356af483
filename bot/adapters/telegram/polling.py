"""Fetches updates with getUpdates, and confirms them only after all of them are committed.

https://core.telegram.org/bots/api#getupdates
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from bot.adapters.telegram.client import BotApi
from bot.adapters.telegram.meaning import TwoPollers
from bot.adapters.telegram.patience import Patience, Sleep
from bot.clock import seconds
from bot.errors import Misconfigured, TryLater, Unavailable, UsherError

log = logging.getLogger(__name__)
_AT_ONCE = 16  # chats served at the same time
_MOST_TRIES = 3  # of an update on which we fail in a way that waiting does not heal
_LONGEST_HOLD = 120.0  # seconds for which one person's reply, that Telegram does not take yet, may hold up a batch
_TOKEN_REFUSED = 300.0  # seconds: somebody has to look first

Take = Callable[[bytes], Awaitable[None]]
"""Does all that one update asks for. Raises Unavailable, TryLater or Misconfigured: it has to come again."""


class Poller:
    """The one who fetches the updates of a bot."""

    def __init__(self, api: BotApi, take: Take, keep: Callable[[bytes, str], Awaitable[None]], sleep: Sleep) -> None:
        self._api = api
        self._take = take
        self._keep = keep
        self._sleep = sleep
        self._offset: int | None = None  # the first update that is not confirmed
        self._done: set[int | bytes] = set()  # done with but not confirmed: the id, or all of what has none
        self._tries: Counter[int] = Counter()
        self._held: dict[int, float] = {}  # since when a reply could not be sent
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Fetches until cancelled."""
        trouble, hold = Patience(30), Patience(2)
        while True:
            try:
                batch = await self._fetch()
            except UsherError as fault:
                log.warning("telegram: no updates: %s", fault)
                await self._sleep(_pause(fault, trouble))
                continue
            trouble.reset()
            if await self._serve(batch):
                hold.reset()
            else:
                await self._sleep(hold.wait())

    async def _fetch(self) -> list[Any]:
        began = seconds()
        batch = await self._api.updates(self._offset)
        if not batch and seconds() - began < 1:
            await self._sleep(0.5)  # a server that does not wait for us
        return batch

    async def _serve(self, batch: list[Any]) -> bool:
        """Serves a batch, many chats at once, and moves the offset up to the first update that has to come again.

        Whether none has to.
        """
        chats: defaultdict[object, list[tuple[int, bytes]]] = defaultdict(list)
        for place, update in enumerate(batch):
            chats[_chat(update) or ("alone", place)].append((_number(update), json.dumps(update).encode()))
        firsts = await asyncio.gather(*map(self._in_order, chats.values()))
        again = [number for number in firsts if number is not None]
        numbers = [number for number in map(_number, batch) if number >= 0]
        if numbers and not again:
            self._confirm(max(numbers) + 1)
        elif again and min(again) >= 0:
            self._confirm(min(again))
        return not again and (bool(numbers) or not batch)

    def _confirm(self, offset: int) -> None:
        """The next request tells Telegram that everything before is done with."""
        self._offset = offset
        self._done = {done for done in self._done if isinstance(done, int) and done > offset}
        self._held = {number: since for number, since in self._held.items() if number >= offset}

    async def _in_order(self, updates: list[tuple[int, bytes]]) -> int | None:
        """Takes the updates of one chat up to the first that has to come again, and says which one this is."""
        async with self._places:
            for number, body in updates:
                key = number if number >= 0 else body
                if key not in self._done and not await self._one(number, body):
                    return number
                self._done.add(key)
        return None

    async def _one(self, number: int, body: bytes) -> bool:
        """Whether an update is done with."""
        try:
            await self._take(body)
        except (Unavailable, Misconfigured):
            return False
        except TryLater:  # committed; only the reply is missing
            return seconds() - self._held.setdefault(number, seconds()) > _LONGEST_HOLD
        except Exception as fault:
            return await self._failed(number, body, fault)
        return True

    async def _failed(self, number: int, body: bytes, fault: Exception) -> bool:
        """Keeps an update on which we fail again and again, so that it does not hold up everybody behind it."""
        self._tries[number] += 1
        if self._tries[number] < _MOST_TRIES:
            return False
        try:
            await self._keep(body, f"failed: {type(fault).__name__}")
        except Unavailable:
            return False
        del self._tries[number]
        return True


def _pause(fault: UsherError, trouble: Patience) -> float:
    """How long to leave Telegram alone."""
    if isinstance(fault, Misconfigured) and not isinstance(fault, TwoPollers):
        return _TOKEN_REFUSED
    return max(fault.delay if isinstance(fault, TryLater) else 0.0, trouble.wait())


def _number(update: object) -> int:
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if type(number) is int else -1


def _chat(update: object) -> object:
    """The chat in which something happened, whose updates keep their order; None where none is named."""
    for part in update.values() if isinstance(update, dict) else ():
        holder = part.get("message", part) if isinstance(part, dict) else None
        chat = holder.get("chat") if isinstance(holder, dict) else None
        if isinstance(chat, dict) and type(chat.get("id")) is int:
            return chat["id"]
    return None
