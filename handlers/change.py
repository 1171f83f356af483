"""Changing or taking back what was registered, and dropping a draft; what cannot be undone is asked once more."""

from __future__ import annotations

from bot.conversation.form import pruned
from bot.conversation.prompt import menu, prompt, short, summary
from bot.conversation.router import Router
from bot.conversation.state import Draft
from bot.conversation.sure import yes_or_no
from bot.conversation.turn import Turn
from bot.message import Choice, Reply
from bot.registration import decide
from bot.registration.register import answers_of, apply, live, registrations
from bot.store.tables import Registration
from handlers.me import show
from handlers.opening import not_registered

router = Router()


@router.on("修改", "edit", "修改报名")
def edit(turn: Turn) -> Reply:
    """Changes an answer, of the draft or of what was sent."""
    if turn.state.form:
        return menu(turn, turn.state.form) if len(turn.state.form.answers) > 1 else prompt(turn)
    if turn.content.over(turn.now):
        return Reply(turn.say("closed.over"))
    rows = live(registrations(turn.session, turn.person.id))
    if not rows:
        return not_registered(turn)
    if len(rows) == 1:
        return _open(turn, rows[0])
    return Reply(ask=turn.say("edit.which"), choices=_which(rows, "edit"))


@router.tag("edit")
def edit_one(turn: Turn) -> Reply:
    """The registration to change was picked."""
    row = _picked(turn)
    return _open(turn, row) if row else not_registered(turn)


@router.tag("change")
def change(turn: Turn) -> Reply:
    """The answer to change was picked, or that nothing more is to be changed."""
    draft = turn.state.form
    if draft is None:
        return Reply(turn.say("stale"))
    if turn.tag[1] != "_done":
        draft.editing = turn.tag[1]
    elif draft.changes:
        turn.state.change = None
        return show(turn, registrations(turn.session, turn.person.id))
    return prompt(turn)


@router.on("取消报名", "cancel", "取消", "我来不了了", "来不了了")
def cancel(turn: Turn) -> Reply:
    """Takes a registration back, after asking once more; in the form, drops the draft."""
    turn.state.change = None
    if turn.state.form:
        return ask_to_drop(turn)
    if turn.content.over(turn.now):
        return Reply(turn.say("closed.over"))
    rows = live(registrations(turn.session, turn.person.id))
    if not rows:
        return ask_to_drop(turn) if turn.state.draft else not_registered(turn)
    if len(rows) == 1:
        return _ask(turn, rows[0])
    return Reply(ask=turn.say("cancel.which"), choices=_which(rows, "cancel"))


@router.tag("cancel")
def cancel_one(turn: Turn) -> Reply:
    """The registration to cancel was picked, or the question whether to was answered."""
    row = _picked(turn)
    if row is None:
        return not_registered(turn)
    if len(turn.tag) == 2:  # the tag names the registration alone
        return _ask(turn, row)
    if turn.tag[2] == "no":
        return Reply(turn.say("cancel.kept"), choices=(turn.choice("choice.me"),))
    decide.cancel(turn.connection, row.reference, decide.desk(turn))
    turn.outcome = "cancelled"
    again = "colleague" if row.registered_by else "register"
    text = turn.say("cancel.done", reference=row.reference, name=row.name or "")
    return Reply(f"{text}\n{turn.say(f'again.{again}')}", choices=(turn.choice(f"choice.{again}"),))


def ask_to_cancel(turn: Turn, reference: str) -> Reply:
    """Asks once more before a registration is cancelled."""
    row = _live_one(turn, reference)
    return _ask(turn, row) if row else not_registered(turn)


def ask_to_drop(turn: Turn) -> Reply:
    """Asks once more before a draft is dropped."""
    draft = turn.state.draft
    if draft is None:
        return not_registered(turn)
    return Reply(ask=turn.say("drop.ask"), choices=yes_or_no(turn, "drop", "choice.drop", "choice.keep_draft"))


@router.tag("drop")
def drop(turn: Turn) -> Reply:
    """Whether to drop the draft was answered."""
    if turn.tag[1] == "no" and turn.state.draft:
        turn.state.draft.active = True
        return prompt(turn)
    again = "colleague" if turn.state.draft and turn.state.draft.colleague else "register"
    turn.state.draft = None
    return Reply(f"{turn.say('drop.done')}\n{turn.say(f'again.{again}')}", choices=(turn.choice(f"choice.{again}"),))


def apply_change(turn: Turn, draft: Draft) -> Reply:
    """Writes the changed answers into the registration."""
    turn.state.change = None
    row = _live_one(turn, draft.changes)
    if row is None:
        return not_registered(turn)
    answers = pruned(turn.content.form, draft.answers)
    apply(row, answers)
    turn.session.add(row)
    turn.outcome = "changed"
    text = "\n".join([turn.say("edit.done", reference=row.reference), *summary(turn, answers)])
    return Reply(text, choices=(turn.choice("choice.edit"), turn.choice("choice.me")))


def _open(turn: Turn, row: Registration) -> Reply:
    draft = Draft(
        answers=answers_of(row),
        changes=row.reference,
        consent_version=row.consent_version,
        colleague=row.registered_by is not None,
    )
    turn.state.change = draft
    return menu(turn, draft, turn.say("edit.begin", reference=row.reference, name=row.name or ""))


def _ask(turn: Turn, row: Registration) -> Reply:
    options = yes_or_no(turn, f"cancel.{row.reference}", "choice.cancel_yes", "choice.cancel_no")
    return Reply(ask=turn.say("cancel.ask", reference=row.reference, name=row.name or ""), choices=options)


def _which(rows: list[Registration], tag: str) -> tuple[Choice, ...]:
    """One choice a registration, by name and reference."""
    return tuple(
        Choice(
            f"{short(row.name or '')} {row.reference}".strip(),
            row.reference,
            f"{tag}.{row.reference}",
            (row.name or "",),
        )
        for row in rows
    )


def _picked(turn: Turn) -> Registration | None:
    return _live_one(turn, turn.tag[1])


def _live_one(turn: Turn, reference: str) -> Registration | None:
    rows = live(registrations(turn.session, turn.person.id))
    return next((row for row in rows if row.reference == reference), None)
