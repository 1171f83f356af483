"""人工: leaves a note for a person."""

from __future__ import annotations

from bot.conversation.router import Router
from bot.conversation.turn import Turn
from bot.message import Reply
from bot.questions.waiting import leave
from bot.store.tables import Outcome

router = Router()


@router.on("人工", "organizer", "人工客服", "联系主办方", "organiser", "human")
def organizer(turn: Turn) -> Reply:
    """The next message is the note."""
    turn.state.note = True
    return Reply(turn.say("organizer.ask"))


@router.role("note", aside=True)
def note(turn: Turn) -> Reply:
    """The note itself."""
    leave(turn.session, turn.person.id, turn.text, turn.language, Outcome.NOTE, turn.now)
    return Reply(turn.say("organizer.done"))
