"""我的报名: what is registered, how it stands, and what can be done with it."""

from __future__ import annotations

from bot.conversation.form import step
from bot.conversation.prompt import current
from bot.conversation.router import Router
from bot.conversation.turn import Turn
from bot.message import Reply
from bot.registration.register import live, own, registrations
from bot.store.tables import Registration
from handlers.opening import closed, not_registered

router = Router()


@router.on("我的报名", "me", "报名状态", "查看报名", "my registration", "status", aside=True)
def me(turn: Turn) -> Reply:
    """The person's registration and those of colleagues."""
    return show(turn, registrations(turn.session, turn.person.id))


def show(turn: Turn, rows: list[Registration]) -> Reply:
    """The registrations as text, or how to make one."""
    if not rows:
        return _none(turn)
    shown = live(rows) or rows[-1:]
    text = "\n\n".join(_one(turn, row) for row in shown)
    if shut := closed(turn):
        text = f"{text}\n\n{shut}"
    if not live(rows):
        return Reply(text, choices=() if shut else (turn.choice("choice.register"),))
    if shut:
        return Reply(text, choices=() if turn.content.over(turn.now) else (turn.choice("choice.cancel"),))
    return Reply(text, choices=tuple(turn.choice(f"choice.{key}") for key in ("edit", "cancel", "colleague")))


def status(turn: Turn) -> str:
    """How the person's own registration stands, in a line or two; or that there is none, as long as that matters."""
    mine = own(registrations(turn.session, turn.person.id))
    if mine is None:
        return "" if turn.content.over(turn.now) else closed(turn) or turn.say("me.none")
    return turn.say("me.status", reference=mine.reference, status=status_of(turn, mine))


def _one(turn: Turn, row: Registration) -> str:
    heading = "me.colleague" if row.registered_by else "me.own"
    who = " · ".join(filter(None, (row.name, row.title, row.organization)))
    said = turn.say(heading, reference=row.reference, who=who)
    return "\n".join((said, status_of(turn, row)))


def status_of(turn: Turn, row: Registration) -> str:
    """How a registration stands; once the event is over, how it stood."""
    return turn.say(f"status.over.{row.status}" if turn.content.over(turn.now) else f"status.{row.status}")


def _none(turn: Turn) -> Reply:
    draft = turn.state.draft
    question = current(turn, draft) if draft else None
    if draft is None or len(draft.answers) <= 1:
        return not_registered(turn)
    if shut := closed(turn):
        return Reply(shut)
    done, total = step(turn.content.form, question, draft.answers) if question else (0, 0)
    key = "me.draft" if done else "me.draft_review"
    return Reply(
        turn.say(key, done=done, total=total), choices=(turn.choice("choice.go_on"), turn.choice("choice.drop_draft"))
    )
