"""Puts the form's next question, the review at its end, or the list of what can be changed into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.answers.normalize import plain
from bot.content.form import Question
from bot.content.words import LANGUAGES
from bot.conversation.form import asked, next_question, step, still_valid
from bot.conversation.state import Draft
from bot.conversation.turn import Turn
from bot.message import Choice, Reply

SKIP, KEEP, SAME = "_skip", "_keep", "_same"  # picks besides the question's own choices
_BUTTON = 20  # characters of a value on a button
_RIGHT = ("对", "对的", "是", "是的", "没错", "没问题", "正确", "yes", "correct", "right")  # to "is everything right?"
_SKIPS = ("跳过", "skip")  # promised to the outside, whatever the button is called
_MAINLAND = len("+8613800138000")


def current(turn: Turn, draft: Draft) -> Question | None:
    """The question that the draft stands at; None: everything is answered."""
    form = turn.content.form
    if draft.form != turn.content.version:
        draft.answers, draft.form = still_valid(form, draft.answers), turn.content.version
    rows = {row.id: row for row in asked(form, draft.answers)}
    if draft.editing in rows:
        return rows[draft.editing]
    if draft.at in rows and draft.at not in draft.answers:
        return rows[draft.at]
    return next_question(form, draft.answers)


def renewed(turn: Turn, draft: Draft) -> bool:
    """Whether the privacy notice changed since the draft's consent; then that is the next question again."""
    if not draft.consent_at or draft.consent_version == turn.content.event.privacy.version:
        return False
    draft.answers.pop(turn.content.form.questions[0].id, None)
    draft.at = ""
    return True


def prompt(turn: Turn, note: str = "") -> Reply:
    """What the form says now, after a note where there is one."""
    draft = turn.state.form
    assert draft is not None
    question = current(turn, draft)
    if question is not None:
        return ask(turn, draft, question, note)
    return menu(turn, draft, note) if draft.changes else review(turn, draft, note)


def ask(turn: Turn, draft: Draft, question: Question, note: str = "") -> Reply:
    """One question with its place in the form and its choices."""
    draft.at = question.id
    words = turn.fill((draft.colleague and question.colleague) or question.prompt)
    done, total = step(turn.content.form, question, draft.answers, _given(turn, draft))
    if question.kind == "consent" and draft.colleague:
        words = turn.say("colleague.consent")
    elif done and not draft.editing and not draft.changes:
        words = f"{done}/{total} {words}"
    own_phone = question.kind == "phone" and not draft.colleague
    return Reply(note, words, choices(turn, draft, question), turn.say("form.share_phone") if own_phone else "")


def choices(turn: Turn, draft: Draft, question: Question) -> tuple[Choice, ...]:
    """The question's choices, and where it applies: as the sender answered, skip, keep what stands."""
    tag = f"form.{question.id}"
    rows = [
        Choice(label, label, f"{tag}.{row.id}") for row in question.choices for label in [row.label.of(turn.language)]
    ]
    if question.id in draft.same and not draft.editing:
        value = draft.same[question.id]
        words = turn.content.texts["form.same_word"]
        label = turn.say("form.same", value=value)
        rows.append(Choice(label, words.of(turn.language), f"{tag}.{SAME}", (words.zh, words.en)))
    if draft.editing:
        rows.append(turn.choice("form.keep", f"{tag}.{KEEP}"))
    if question.optional:
        skip = turn.choice("form.skip", f"{tag}.{SKIP}")
        rows.append(replace(skip, also=(*skip.also, *_SKIPS)))
    return tuple(rows)


def is_skip(turn: Turn, text: str) -> bool:
    """Whether it is the word that leaves a question out, in either language."""
    words = turn.content.texts["form.skip"]
    return plain(text) in {*_SKIPS, *(plain(words.of(language)) for language in LANGUAGES)}


def review(turn: Turn, draft: Draft, note: str = "") -> Reply:
    """Everything that was answered, to be confirmed."""
    heading = turn.say("form.review_colleague" if draft.colleague else "form.review")
    text = "\n".join(filter(None, (note, heading, *summary(turn, draft.answers))))
    confirm, *others = (turn.choice(f"form.{key}", f"review.{key}") for key in ("confirm", "edit", "drop"))
    confirm = replace(confirm, also=(*confirm.also, *_RIGHT))
    return Reply(text, turn.say("form.review_ask"), (confirm, *others))


def menu(turn: Turn, draft: Draft, note: str = "") -> Reply:
    """The answers that can be changed: those given so far."""
    options = []
    for question in asked(turn.content.form, draft.answers):
        if question.kind != "consent" and question.id in draft.answers:
            label = question.label.of(turn.language)
            value = shown(turn, question, draft.answers) or turn.say("form.nothing")
            also = (question.label.zh, question.label.en)
            options.append(Choice(f"{label} {short(value)}", label, f"change.{question.id}", also))
    options.append(turn.choice("form.done", "change._done"))
    return Reply(note, turn.say("form.which"), tuple(options))


def summary(turn: Turn, answers: Mapping[str, str]) -> list[str]:
    """The answers as lines: label and value."""
    rows = [row for row in asked(turn.content.form, answers) if answers.get(row.id) and row.kind != "consent"]
    return [f"{row.label.of(turn.language)} {shown(turn, row, answers)}" for row in rows]


def shown(turn: Turn, question: Question, answers: Mapping[str, str]) -> str:
    """One stored answer as a person reads it."""
    value = answers.get(question.id, "")
    label = next((row.label.of(turn.language) for row in question.choices if row.id == value), value)
    if question.kind == "phone" and value.startswith("+86") and len(value) == _MAINLAND:
        return f"{value[3:6]} {value[6:10]} {value[10:]}"
    return label


def short(value: str) -> str:
    """A value as a button can carry it: with its end cut off, if it is long."""
    return value if len(value) <= _BUTTON else f"{value[: _BUTTON - 1]}…"


def _given(turn: Turn, draft: Draft) -> set[str]:
    """Choice questions that the sender answered for a colleague as well."""
    return {row.id for row in turn.content.form.questions if row.kind == "choice" and row.id in draft.same}
