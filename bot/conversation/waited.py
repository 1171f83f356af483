"""Puts what could not be sent before in front of an answer: as much as is really shown, and the rest stays waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.conversation.turn import Turn
from bot.message import Choice, Reply

_APART = "\n——\n"  # between what waited and the answer
_GLIMPSE = "x" * 64  # of an answer that is cut anyway, behind what waited

Fit = Callable[[Reply, Choice | None], tuple[Reply, str]]
"""Adapter.fit of the channel."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message that waits for the person who wrote."""

    id: int  # of its delivery
    text: str


class Waiting(Protocol):
    """What waits, and what became of it. Both run in the turn's transaction."""

    def look(self, turn: Turn) -> Sequence[Notice]:
        """What is wanted of it, the oldest first; locked until the commit."""

    def shown(self, turn: Turn, ids: Sequence[int]) -> None:
        """These are shown by the reply of this turn."""


class Nothing:
    """Where nothing ever waits."""

    def look(self, turn: Turn) -> Sequence[Notice]:
        """Nothing."""
        return ()

    def shown(self, turn: Turn, ids: Sequence[int]) -> None:
        """Nothing was."""


def with_notices(turn: Turn, reply: Reply, waiting: Waiting, fit: Fit) -> Reply:
    """The reply with as many notices in front as fit whole beside it; the others wait for 继续, or the next message.

    An answer is never pushed behind 继续 for them, and a notice counts as shown with its last word.
    """
    before, turn.state.notice, turn.state.waits = turn.state.notice, 0, False
    counter = _Counter(turn, fit)
    if before and turn.continues:
        if not counter.is_whole(reply):
            turn.state.notice = before
            return reply
        waiting.shown(turn, [before])
    notices = [one for one in waiting.look(turn) if not (turn.continues and one.id == before)]
    if not notices:
        return reply
    return _beside(counter, reply, notices, waiting) or _alone(counter, reply, notices, waiting)


def _beside(counter: _Counter, reply: Reply, notices: Sequence[Notice], waiting: Waiting) -> Reply | None:
    """The most of them that fit beside the reply; None: not even the first does, and there is nothing but them."""
    turn = counter.turn
    answer = replace(reply, text="", choices=reply.choices if reply.ask else ()) if turn.filler else reply
    for count in range(len(notices), 0, -1):
        texts, left = [one.text for one in notices[:count]], len(notices) - count
        if found := counter.joined(texts, answer, left):
            waiting.shown(turn, [one.id for one in notices[:count]])
            turn.state.waits = bool(left)
            return found
    if turn.filler:
        return None
    turn.state.waits = True
    return counter.joined([], reply, len(notices)) or reply  # without room for the line, they come with the next one


def _alone(counter: _Counter, reply: Reply, notices: Sequence[Notice], waiting: Waiting) -> Reply:
    """The first of them as the whole reply to 继续, in parts if it has to be; what else was to be said comes behind."""
    turn, first = counter.turn, notices[0]
    goes_on = len(notices) > 1 or bool(reply.ask)
    alone = Reply(first.text, choices=(counter.more,) if goes_on else ())
    if not counter.is_whole(alone):
        turn.state.notice = first.id
        return Reply(first.text)
    waiting.shown(turn, [first.id])
    turn.state.waits = len(notices) > 1
    return alone


class _Counter:
    """What one reply of this turn can carry."""

    def __init__(self, turn: Turn, fit: Fit) -> None:
        self.turn, self.more = turn, turn.choice("choice.more")
        self._fit = fit

    def is_whole(self, reply: Reply) -> bool:
        """Whether nothing of it is cut off."""
        try:
            return not self._fit(reply, self.more)[1]
        except ValueError:
            return False

    def joined(self, texts: Sequence[str], answer: Reply, left: int) -> Reply | None:
        """These in front of the answer, with a word about those left behind; None where it does not fit.

        Behind the rest of what was begun before.
        """
        line = self.turn.say("waiting.more", count=left) if left else ""
        choices = (*answer.choices, self.more) if left else answer.choices
        if self.is_whole(answer):
            parts = (answer.text, *texts) if self.turn.continues else (*texts, answer.text)
            text = _APART.join(filter(None, parts))
            whole = replace(answer, text="\n\n".join(filter(None, (text, line))), choices=choices)
            return whole if self.is_whole(whole) else None
        cut = replace(answer, text=_APART.join((*texts, _GLIMPSE)), choices=(*answer.choices, self.more))
        return replace(answer, text=_APART.join((*texts, answer.text))) if texts and self.is_whole(cut) else None
