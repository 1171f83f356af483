"""地点: where it is, as far as it is known."""

from __future__ import annotations

from bot.conversation.router import Router
from bot.conversation.turn import Turn
from bot.message import Reply

router = Router()


@router.on("地点", "venue", "会场", "会场在哪", "地址", "address", "where", aside=True)
def venue(turn: Turn) -> Reply:
    """City, time and the address once it is published."""
    turn.remember("where")
    lines = [turn.say("past")] if turn.content.over(turn.now) else []
    lines.append(turn.say("venue.text"))
    if turn.venue and turn.venue.directions:
        lines.append(turn.venue.directions.of(turn.language))
    return Reply("\n".join(lines))
