"""A platform that cannot be reached at all: the lane rests, and asks with one message at a time whether it is back."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from random import SystemRandom

from bot.delivery.people import Due

log = logging.getLogger(__name__)
_ENOUGH = 3  # messages in a row that found no connection: one alone may be bad luck
_FIRST, _MOST = 2.0, 300.0  # seconds of a rest; doubled each time
_PATIENCE = timedelta(hours=24)
_random = SystemRandom()


class Outage:
    """Whether one lane's platform is away, as this process sees it."""

    def __init__(self, account: str) -> None:
        self.reason = ""  # why nothing leaves; empty: the platform is there
        self._account, self._failures, self._rests = account, 0, 0

    def missed(self, reason: str) -> float:
        """No connection was had for a message; seconds that the lane rests then, 0 while it may be chance."""
        self._failures += 1
        if self._failures < _ENOUGH:
            return 0.0
        if not self.reason:
            log.warning("the platform cannot be reached: the lane rests", extra={"lane": self._account})
        self.reason = reason
        rest = min(_FIRST * 2.0**self._rests, _MOST)
        self._rests = min(self._rests + 1, 10)
        return rest * _random.uniform(0.5, 1)

    def over(self) -> None:
        """The platform answered."""
        if self.reason:
            log.warning("the platform is reached again", extra={"lane": self._account})
        self.reason, self._failures, self._rests = "", 0, 0


def waited_enough(due: Due, now: datetime) -> bool:
    """Whether the next route is tried for a message that could have left long ago.

    After a day; or after half of the time for which it is useful, so that the other route is still in time.
    """
    if due.available_at is None:
        return False
    patience = _PATIENCE
    if due.latest_at is not None:
        patience = min(patience, (due.latest_at - due.available_at) / 2)
    return now - due.available_at >= patience
