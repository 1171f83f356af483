"""Registration in the chat: begin, go on, register a colleague, confirm."""

from __future__ import annotations

from datetime import datetime

from bot.conversation.form import pruned, step, still_valid
from bot.conversation.prompt import current, menu, prompt, renewed
from bot.conversation.router import Router
from bot.conversation.state import Draft
from bot.conversation.turn import Turn
from bot.message import Reply
from bot.registration import decide
from bot.registration.decision import MAIL, tell
from bot.registration.register import (
    MOST_COLLEAGUES,
    Origin,
    Submitted,
    answers_of,
    has_own,
    live,
    own,
    registrations,
    submit,
)
from bot.store.tables import Status
from handlers.change import ask_to_drop
from handlers.me import show
from handlers.opening import closed

router = Router()


@router.on("报名", "register", "我要报名", "开始报名", "继续报名", "sign up")
def register(turn: Turn) -> Reply:
    """Begins, goes on where it stopped, or shows what is registered already."""
    turn.state.change = None
    draft = turn.state.draft
    if draft is None or draft.colleague:
        if has_own(turn.connection, turn.person.id):
            shown = show(turn, registrations(turn.session, turn.person.id))
            return shown if draft is None or closed(turn) else _go_on(turn, draft, shown.text)
        draft = turn.state.draft = None  # a colleague's cannot be sent without one's own
    if shut := closed(turn):
        return Reply(shut)
    if draft is not None:
        return _go_on(turn, draft)
    draft = turn.state.draft = Draft()
    steps = step(turn.content.form, turn.content.form.questions[0], draft.answers)[1]
    return prompt(turn, turn.say("form.begin", steps=steps))


@router.on("替同事报名", "colleague", "帮同事报名")
def colleague(turn: Turn) -> Reply:
    """Registers somebody else under the same chat, once one is registered oneself."""
    turn.state.change = None
    if shut := closed(turn):
        return Reply(shut)
    rows = registrations(turn.session, turn.person.id)
    mine = own(rows)
    if mine is None:
        return _first_yourself(turn)
    if turn.state.draft is not None and turn.state.draft.colleague:
        return _go_on(turn, turn.state.draft)
    if sum(row.registered_by is not None for row in live(rows)) >= MOST_COLLEAGUES:
        return Reply(turn.say("colleague.enough", count=MOST_COLLEAGUES))
    turn.state.draft = _for_colleague(turn, answers_of(mine))
    return prompt(turn, turn.say("colleague.begin"))


@router.tag("review")
def review(turn: Turn) -> Reply:
    """Confirm, edit or drop what was filled in."""
    if turn.tag[1] == "drop":
        return ask_to_drop(turn)
    if turn.tag[1] == "edit":
        return menu(turn, turn.state.form) if turn.state.form else confirm(turn)
    return confirm(turn)


@router.on("确认", "confirm", "确认提交", "提交", "submit")
def confirm(turn: Turn) -> Reply:
    """Sends the form; said again, it shows what was sent."""
    draft = turn.state.form
    if draft is None:
        return show(turn, registrations(turn.session, turn.person.id))
    if renewed(turn, draft):
        return prompt(turn, turn.say("form.notice_changed"))
    if draft.changes or current(turn, draft) is not None:
        return prompt(turn, turn.say("form.not_finished"))
    if shut := closed(turn):
        return Reply(shut)
    return _submit(turn, draft)


def _go_on(turn: Turn, draft: Draft, note: str = "") -> Reply:
    """Back in the form, where it stopped. A new privacy notice asks for consent again."""
    draft.active, draft.editing, draft.at = True, "", ""
    if renewed(turn, draft):
        note = turn.say("form.new_notice")
    elif len(draft.answers) > 1:
        note = note or turn.say("form.welcome_back")
    return prompt(turn, note)


def _for_colleague(turn: Turn, mine: dict[str, str]) -> Draft:
    """A draft in which the same organization is offered, and what can only be the same is filled in."""
    mine = still_valid(turn.content.form, mine)
    shared = [row for row in turn.content.form.questions if row.shared and mine.get(row.id)]
    filled = {row.id: mine[row.id] for row in shared if row.kind == "choice"}
    return Draft(answers=filled, colleague=True, same={row.id: mine[row.id] for row in shared})


def _submit(turn: Turn, draft: Draft) -> Reply:
    """Makes the registration. The contact's row is locked, so no second one can be made at the same time."""
    mine = own(registrations(turn.session, turn.person.id)) if draft.colleague else None
    if mine is None and draft.colleague:
        return _first_yourself(turn)
    if mine is None and has_own(turn.connection, turn.person.id):
        turn.state.draft = None
        return show(turn, registrations(turn.session, turn.person.id))
    origin = Origin(
        contact_id=turn.person.id,
        channel=turn.message.sender.channel,
        language=turn.language,
        source=turn.person.source,
        consent_version=draft.consent_version,
        consent_at=datetime.fromisoformat(draft.consent_at),
        registered_by=mine.reference if mine else None,
    )
    answers = pruned(turn.content.form, draft.answers)
    made = submit(turn.connection, turn.content.event, answers, origin, turn.now)
    if made.status is Status.CONFIRMED:  # the mail brings calendar and ticket; the reply says the rest
        tell(turn.connection, made.reference, "", Status.CONFIRMED, decide.desk(turn), MAIL)
    turn.state.draft = None
    turn.outcome = "registered"
    return _done(turn, made, answers.get("name", ""), colleague=mine is not None)


def _first_yourself(turn: Turn) -> Reply:
    return Reply(turn.say("colleague.first_yourself"), choices=(turn.choice("choice.register"),))


def _done(turn: Turn, made: Submitted, name: str, *, colleague: bool) -> Reply:
    """What was registered, what comes next, and a line to pass on."""
    key = "colleague.done" if colleague else "form.done_all"
    lines = [turn.say(key, name=name, reference=made.reference), turn.say(f"next.{made.status}")]
    lines += [turn.say("form.after"), turn.say("form.forward")] if not colleague else []
    return Reply("\n".join(lines), choices=(turn.choice("choice.me"), turn.choice("choice.colleague")))
