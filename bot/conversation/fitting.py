"""A reply as one message of a channel can carry it, whatever a question and what is said before it add up to."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from bot.adapters.base import Adapter
from bot.message import Choice, Reply


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is shown, and what the next message is read by."""

    shown: Reply
    rest: str  # what 继续 shows
    offered: tuple[Choice, ...]  # what a number or a label means


def fitted(adapter: Adapter, reply: Reply, more: Choice, *, asks_again: bool) -> Fitted:
    """The reply, whose words may be cut and whose question never is.

    A question too long to have words before it comes after them, where 继续 asks it again (`asks_again`); otherwise the
    words wait. One too long for a message of its own is shown as words, with its choices numbered: all of it can be
    read and answered. `usher check` warns of both.
    """
    with contextlib.suppress(ValueError):
        return _of(*adapter.fit(reply, more))
    if reply.text and asks_again:
        return _of(*adapter.fit(Reply(reply.text, choices=(more,))))
    with contextlib.suppress(ValueError):
        return _of(*adapter.fit(reply))
    numbered = (f"{number} {choice.label}" for number, choice in enumerate(reply.choices, 1))
    shown, rest = adapter.fit(Reply("\n".join(filter(None, (reply.text, reply.ask, *numbered)))), more)
    return Fitted(shown, rest, (*reply.choices, *shown.choices))


def _of(shown: Reply, rest: str) -> Fitted:
    return Fitted(shown, rest, shown.choices)
