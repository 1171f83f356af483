"""Says in the log what somebody must look at: once in a while for each reason, with how often it was met."""

from __future__ import annotations

import logging
from collections import Counter

from bot.clock import seconds
from bot.errors import Misconfigured, UsherError

log = logging.getLogger(__name__)
_EVERY = 600.0  # seconds


class Alarms:
    """Those of one lane."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._met: Counter[str] = Counter()  # since it was said last
        self._said: dict[str, float] = {}

    def note(self, error: BaseException) -> None:
        """An attempt ended so. Its words are our own: they hold nothing personal."""
        if not isinstance(error, UsherError) or not (error.alarm or isinstance(error, Misconfigured)):
            return
        key = error.alarm or str(error)
        self._met[key] += 1
        if key in self._said and seconds() - self._said[key] < _EVERY:
            return
        self._said[key] = seconds()
        rests = isinstance(error, Misconfigured)
        what = "the platform refuses the account: the lane rests" if rests else "the platform refuses what we send"
        count = self._met.pop(key)
        log.error(what, extra={"lane": self._account, "code": error.alarm, "count": count, "reason": str(error)})
