"""Waits that grow while something goes wrong, and never the same for everybody at once."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from random import SystemRandom

from bot.errors import TryLater, UsherError

log = logging.getLogger(__name__)
Sleep = Callable[[float], Awaitable[object]]
_random = SystemRandom()


class Patience:
    """1, 2, 4 .. `most` seconds, each cut by up to a half at random."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._next = 1.0

    def wait(self) -> float:
        """How long to wait this time."""
        now, self._next = self._next, min(self._next * 2, self._most)
        return now * _random.uniform(0.5, 1)

    def reset(self) -> None:
        """It went well: the next wait is a short one again."""
        self._next = 1.0


async def until_done(step: Callable[[], Awaitable[object]], name: str, sleep: Sleep, most: float = 60) -> None:
    """Takes a step again and again until Telegram accepts it, with at most `most` seconds between."""
    patience = Patience(most)
    while True:
        try:
            await step()
        except TryLater as later:
            log.warning("telegram: %s has to wait: %s", name, later)
            await sleep(min(max(later.delay, patience.wait()), most))
        except UsherError as fault:
            log.warning("telegram: %s failed: %s", name, fault)
            await sleep(patience.wait())
        else:
            return
