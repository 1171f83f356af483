"""Says when the next message of a lane may leave: evenly, and once a second for one chat."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot.clock import seconds

A_CHAT = 1.0  # seconds between two messages to one chat: platforms/telegram.md, "Limits"
_FIRST = 1.0  # seconds: a new holder does not know what left in the second before it
_BEHIND = 0.5  # seconds that may be caught up
_FASTER = 0.5  # messages a second, while something is caught up
_BLINK = 0.001  # seconds: uvloop's timers count in these, and less than one would not be waited at all


class Pacer:
    """A message every 1/rate seconds; what was held up is caught up half a message a second faster, never in a burst.

    Twice the generic cell rate algorithm: one for the rate, which remembers half a second, and one for the evenness,
    which remembers half an interval. So a second that begins at any moment holds at most rate + 1 messages, and leaves
    room for one that travelled longer than the others: at 28 a second the platform sees no more than 30. The second
    alone would be as safe; but a process that waits 50 ms for its processor now and then would lose a part of them
    each time: measured on two busy cores, it keeps 96 % of the rate, both together 99.9 %.
    """

    def __init__(
        self,
        rate: float,
        now: Callable[[], float] = seconds,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._step, self._least = 1 / rate, 1 / (rate + _FASTER)  # seconds
        self._now, self._sleep = now, sleep
        self._next = self._not_before = 0.0
        self._one = asyncio.Lock()
        self._chats: dict[object, float] = {}  # until when each one rests, the first to be free first

    def start(self) -> None:
        """Begins with nothing in hand: the first message leaves in a second."""
        self._next = self._not_before = self._now() + max(_FIRST, self._step)

    def rest(self, chat: object) -> float:
        """Seconds until this chat may get another message."""
        now = self._now()
        while self._chats and (oldest := next(iter(self._chats.items())))[1] <= now:
            del self._chats[oldest[0]]
        return max(0.0, self._chats.get(chat, 0.0) - now)

    async def turn(self, chat: object) -> None:
        """Returns when the next message may leave, which is one to this chat; first come, first served."""
        async with self._one:
            while (wait := max(self._next, self._not_before) - self._now()) > 0:  # a timer may ring early
                await self._sleep(max(wait, _BLINK))
            now = self._now()
            self._next = max(self._next, now - _BEHIND) + self._step
            self._not_before = max(self._not_before, now - self._least / 2) + self._least
            self._chats.pop(chat, None)
            self._chats[chat] = now + A_CHAT
