"""Neither yes nor no to what cannot be undone: it is asked again, and nothing is done or lost meanwhile."""

from __future__ import annotations

from dataclasses import replace

from bot.answers.matcher import Outcome
from bot.conversation.router import Router
from bot.conversation.sure import awaited
from bot.conversation.turn import Turn
from bot.message import Kind, Reply
from handlers.change import ask_to_cancel, ask_to_drop
from handlers.faq import answer
from handlers.privacy import forget

router = Router()
_UNREAD = {Kind.MEDIA: "media", Kind.EDITED: "edited"}


@router.role("sure")
def ask_again(turn: Turn) -> Reply:
    """The open question with its choices; a question of the person's own is answered first where that is certain."""
    name, *rest = awaited(turn.state.offered)
    again = {"cancel": lambda: ask_to_cancel(turn, *rest), "drop": lambda: ask_to_drop(turn)}
    question = again.get(name, lambda: forget(turn))()
    return question if question.text else replace(question, text=_before(turn))


def _before(turn: Turn) -> str:
    if key := _UNREAD.get(turn.message.kind):
        return turn.say(key)
    sure = turn.match.outcome is Outcome.ANSWER and turn.match.entry
    return answer(turn, sure).text if sure else turn.say("sure.yes_or_no")
