"""Whether registration is open now, and the words for when it is not."""

from __future__ import annotations

from bot.conversation.turn import Turn
from bot.message import Choice, Reply
from bot.registration.register import has_own


def closed(turn: Turn) -> str:
    """Why nobody can register now; empty: they can."""
    event = turn.content.event
    if turn.content.over(turn.now):
        return turn.say("closed.over")
    if turn.now >= event.closes:
        return turn.say("closed.closed")
    if event.opens and turn.now < event.opens:
        return turn.say("closed.not_yet")
    return ""


def not_registered(turn: Turn) -> Reply:
    """There is no registration to speak of, and how to make one, if that can be done."""
    if shut := closed(turn):
        return Reply(shut, choices=ways_on(turn))
    return Reply(turn.say("me.none"), choices=(turn.choice("choice.register"),))


def ways_on(turn: Turn) -> tuple[Choice, ...]:
    """What may be done next: one's registration or how to make one, agenda and venue."""
    if has_own(turn.connection, turn.person.id):
        keys = ["me", "agenda", "venue"]
    else:
        keys = ["agenda", "venue"] if closed(turn) else ["register", "agenda", "venue"]
    return tuple(turn.choice(f"choice.{key}") for key in keys)
