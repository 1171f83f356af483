"""人工: asks a person to answer, keeps quiet meanwhile, and brings their answer back."""

from __future__ import annotations

from bot.answers.normalize import plain
from bot.conversation.router import Router
from bot.conversation.turn import Turn
from bot.delivery.routes import Step
from bot.message import Kind, Reply
from bot.questions import handoff
from bot.questions.asked import keep
from bot.store.outbox import CLOSE, DeliveryStatus
from bot.store.tables import Outcome
from handlers.faq import ask

router = Router()
_CLOSE = ("关闭", "结束", "close")


@router.on("人工", "organizer", "人工客服", "联系主办方", "organiser", "human")
def organizer(turn: Turn) -> Reply:
    """The next message is the note."""
    turn.state.note = True
    return Reply(turn.say("organizer.ask"))


@router.role("note", aside=True)
def note(turn: Turn) -> Reply:
    """The note itself: shown to the organizers where they have chats, and kept for them in any case."""
    turn.state.handed = None
    shown = handoff.hand_over(turn)
    kept = keep(turn, turn.match, Outcome.NOTE)
    return Reply(turn.say("handoff.asked" if shown else "organizer.done" if kept else "unknown.enough"))


@router.role("quiet")
def further(turn: Turn) -> Reply:
    """What is said while a person was asked to answer goes to them, and the bot says nothing."""
    if not handoff.goes_on(turn):
        turn.state.handed = None
        return ask(turn)
    return Reply(pass_further(turn))


def pass_further(turn: Turn) -> str:
    """Shows one more message to the organizers; what there is to say about it, mostly nothing."""
    shown = handoff.hand_over(turn)
    kept = keep(turn, turn.match, Outcome.NOTE)
    if shown:
        return ""
    turn.state.handed = None
    return turn.say("handoff.enough" if kept else "unknown.enough")


@router.role("reply")
def reply(turn: Turn) -> Reply | None:
    """An organizer answers what was passed on to them, or closes it."""
    if turn.message.kind not in (Kind.TEXT, Kind.MEDIA):
        return None
    note = handoff.replied_to(turn)
    if note is None:
        return None
    if turn.message.tapped.startswith(CLOSE) or plain(turn.text) in _CLOSE:
        handoff.close(turn, note)
        return Reply(turn.say("handoff.closed"))
    if turn.message.tapped:
        return None
    return Reply(_bring_back(turn, note))


def _bring_back(turn: Turn, note: handoff.Note) -> str:
    person = handoff.asker(turn, note)
    if person is None:
        return turn.say("handoff.erased")
    if turn.message.kind is not Kind.TEXT or not turn.text.strip():
        return turn.say("handoff.text_only")
    if handoff.too_long(person, turn.text):
        return turn.say("handoff.too_long")
    fate = handoff.answer(turn, note, person)
    if isinstance(fate, Step):
        return turn.say("handoff.sent", route=turn.say(f"broadcast.route.{fate.route}"))
    status, reason = fate
    return turn.say("handoff.waits" if status == DeliveryStatus.WAITING else "handoff.unreachable", reason=reason)
