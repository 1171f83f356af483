"""To whom an organizer's letter goes: the usual groups as buttons with their numbers, or any filter."""

from __future__ import annotations

from collections.abc import Iterator

from bot.conversation.turn import Turn
from bot.delivery.preview import readers
from bot.message import Choice, Reply

_OTHER = "other"
AUDIENCES = {"confirmed": "status=confirmed", "factory": "status=confirmed category=factory", "all": ""}
_ALSO = {
    "confirmed": ("已确认", "已确认的人", "confirmed"),
    "factory": ("已确认的工厂", "confirmed factories"),
    "all": ("所有人", "everyone", "all"),
}


def ask_who(turn: Turn, note: str = "") -> Reply:
    """Who should get it? What is typed instead of chosen is a filter."""
    other = turn.choice(f"broadcast.to.{_OTHER}", f"letter.who.{_OTHER}")
    return Reply(note, turn.say("broadcast.ask_who"), (*_groups(turn), other))


def ask_filter(turn: Turn) -> Reply:
    """How a filter is written."""
    return Reply(ask=turn.say("broadcast.ask_filter"))


def _groups(turn: Turn) -> Iterator[Choice]:
    for name, filter_text in AUDIENCES.items():
        label = turn.say(f"broadcast.to.{name}", count=readers(turn.session, filter_text).total())
        yield Choice(label, label, f"letter.who.{name}", _ALSO[name])
