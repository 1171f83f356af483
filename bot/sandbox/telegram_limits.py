"""How many messages a bot may send, and who broke that: https://core.telegram.org/bots/faq, "limits".

30 a second in all, 1 a second to one person, 20 a minute to a group. A reply to what somebody just did is free, as
"replies to people who write need no throttle". The platform lets short bursts pass; here none do.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict

from bot.clock import seconds
from bot.sandbox import accepted
from bot.sandbox.accepted import Accepted
from bot.sandbox.telegram_chat import Chat

IN_ALL, TO_ONE, TO_A_GROUP = (30, 1.0), (1, 1.0), (20, 60.0)  # messages, seconds
_ANSWERED_WITHIN = 60.0  # seconds after which a message is no reply any more
_OWED = 3  # replies at most
_KEPT = 1000  # times of one row


class Limits:
    """Every message with its time, and what went beyond the limits. `most`: the most of any second in all."""

    def __init__(self) -> None:
        self.accepted = accepted.log()
        self.broken: list[str] = []
        self.most = 0
        self._all = _Row()
        self._rows: defaultdict[int, _Row] = defaultdict(_Row)

    def wrote(self, chat: Chat) -> None:
        """Somebody did something: the bot owes a reply."""
        chat.owed, chat.owed_until = min(chat.owed + 1, _OWED), seconds() + _ANSWERED_WITHIN

    def take(self, came: float, chat: Chat, call: str, message_id: int, text: str) -> None:
        """A message was accepted whose request came then."""
        reply = chat.owed > 0 and seconds() < chat.owed_until
        chat.owed -= reply
        self.accepted.append(Accepted(came, str(chat.id), call, text, str(message_id), reply))
        if reply:
            return
        self.most = max(self.most, self._counted(self._all, came, IN_ALL, "in all"))
        limit, whom = (TO_ONE, "to one person") if chat.id > 0 else (TO_A_GROUP, "to a group")
        self._counted(self._rows[chat.id], came, limit, whom)

    def _counted(self, row: _Row, came: float, limit: tuple[int, float], whom: str) -> int:
        """The most messages of any such window that this one is in."""
        count = row.add(came, limit[1])
        if count > limit[0]:
            self.broken.append(f"{count} messages {whom} within {limit[1]:g} s, at most {limit[0]}")
        return count


class _Row:
    """Times in order, though what came late may be noted first."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def add(self, came: float, window: float) -> int:
        """Notes a time; the most times in any window of that length, its end left out, that has this one in it."""
        times = self._times
        insort(times, came)
        del times[:-_KEPT]
        starts = range(bisect_right(times, came - window), bisect_right(times, came))
        return max((bisect_left(times, times[start] + window) - start for start in starts), default=0)
