"""The form's answers: picked, typed or shared, and questions asked in between."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.answers.matcher import Outcome
from bot.answers.normalize import reads_as_question
from bot.content.form import Question
from bot.conversation.form import InvalidAnswer, is_valid, next_question, read
from bot.conversation.prompt import KEEP, SAME, SKIP, current, is_skip, prompt, renewed
from bot.conversation.router import Router
from bot.conversation.state import Draft
from bot.conversation.turn import Turn
from bot.message import Kind, Reply
from bot.questions.asked import keep
from bot.questions.handoff import goes_on
from bot.store.tables import Outcome as Asked
from handlers.change import apply_change
from handlers.faq import answer, followed, pass_on, speak_as_asked
from handlers.opening import closed, ways_on
from handlers.organizer import pass_further

router = Router()
_NO = re.compile(r"(?:不|没有|沒有)[\s。.!！~～]*$")


@router.tag("form")
def choose(turn: Turn) -> Reply:
    """A choice of the current question was picked."""
    if reply := too_late(turn):
        return reply
    draft = turn.state.form
    question = current(turn, draft) if draft else None
    if draft is None or question is None or question.id != turn.tag[1]:  # the content changed in between
        return prompt(turn) if draft else Reply(turn.say("stale"))
    value = turn.tag[2]
    if value == KEEP:
        draft.editing = ""
        return prompt(turn)
    value = {SKIP: "", SAME: draft.same.get(question.id, "")}.get(value, value)
    if not is_valid(question, value):  # likewise
        return prompt(turn)
    return accept(turn, draft, question, value)


@router.role("form")
def fill_in(turn: Turn) -> Reply:
    """Something was typed while the form waits for an answer: the answer, or a question of one's own."""
    if reply := too_late(turn):
        return reply
    draft = turn.state.form
    assert draft is not None
    question = current(turn, draft)
    if question is None:
        return _aside(turn, _asks) or prompt(turn, turn.say("form.invalid.review"))
    if is_skip(turn, turn.text) and not question.optional:
        return prompt(turn, turn.say("form.needed"))
    doubtful = question.kind == "text" and reads_as_question(turn.text)
    if doubtful and (reply := _aside(turn, _asks_for_sure) or _doubt(turn, draft)):
        return reply
    return _typed(turn, draft, question, turn.text)


@router.kind(Kind.PHONE)
def share_phone(turn: Turn) -> Reply:
    """The person's own number, shared by a button."""
    if reply := too_late(turn):
        return reply
    draft = turn.state.form
    question = current(turn, draft) if draft else None
    if draft is None or question is None or question.kind != "phone" or draft.colleague:
        note = turn.say("form.phone_not_now")
        return prompt(turn, note) if draft else Reply(note)
    if not turn.message.phone:
        return prompt(turn, turn.say("form.invalid.foreign_contact"))
    return _typed(turn, draft, question, turn.message.phone)


def too_late(turn: Turn) -> Reply | None:
    """Nothing more is collected for a registration that can no longer be sent; what is there is kept until dropped."""
    draft = turn.state.draft
    shut = closed(turn) if draft and draft.active and not turn.state.change else ""
    if not draft or not shut:
        return None
    draft.active = False
    return Reply(shut, choices=ways_on(turn))


def accept(turn: Turn, draft: Draft, question: Question, value: str) -> Reply:
    """Takes one answer, and asks what comes next."""
    if question.kind == "consent":
        if value != "agree":
            turn.state.draft = None
            declined = "colleague.declined" if draft.colleague else "form.declined"
            return Reply(turn.say(declined), choices=(turn.choice("choice.agenda"), turn.choice("choice.venue")))
        draft.consent_version, draft.consent_at = turn.content.event.privacy.version, turn.now.isoformat()
    draft.answers[question.id] = value
    draft.editing = ""
    if draft.changes and next_question(turn.content.form, draft.answers) is None:
        return apply_change(turn, draft)
    return prompt(turn, turn.say("form.notice_changed") if renewed(turn, draft) else "")


def _typed(turn: Turn, draft: Draft, question: Question, text: str) -> Reply:
    try:
        value = read(question, text)
    except InvalidAnswer as wrong:
        if question.kind != "text" and (reply := _aside(turn, _asks)):
            return reply
        return prompt(turn, _why(turn, question, wrong))
    return accept(turn, draft, question, value)


def _why(turn: Turn, question: Question, wrong: InvalidAnswer) -> str:
    """What is wrong with the answer, and what is accepted."""
    lines = [turn.say(wrong.key, **wrong.values)]
    if question.help and question.kind != "choice":
        lines.append(turn.fill(question.help))
    return "\n".join(lines)


def _aside(turn: Turn, asks: Callable[[str], bool]) -> Reply | None:
    """The form again after a question asked in its middle was answered or passed on; None: it was no question."""
    match = turn.match = followed(turn)
    entry = match.entry if match.outcome is Outcome.ANSWER else None
    says_something = turn.message.kind is Kind.TEXT and any(map(str.isalnum, turn.text))
    if not says_something or not (entry or asks(turn.text)):
        return None
    speak_as_asked(turn)
    turn.outcome = "answer" if entry else match.outcome.value
    said = _to_a_person(turn) or (_answered(turn, entry) if entry else pass_on(turn))
    question = prompt(turn)
    return Reply(said, question.ask, question.choices, question.contact_button)


def _answered(turn: Turn, entry: str) -> str:
    keep(turn, turn.match, Asked.ANSWER)
    return answer(turn, entry).text


def _to_a_person(turn: Turn) -> str:
    """Passes it on where a person was asked to answer; what there is to say about that. "": nobody was asked."""
    if not goes_on(turn):
        return ""
    return pass_further(turn) or turn.say("handoff.also")


def _doubt(turn: Turn, draft: Draft) -> Reply | None:
    """Asks whether it was a question or the answer; None: it is said once more, so it is the answer."""
    before, draft.doubted = draft.doubted, turn.text
    return prompt(turn, turn.say("form.question_or_answer")) if before != turn.text else None


def _asks(text: str) -> bool:
    """Where a choice, a number or an address is expected: also by its question words, but 不 alone is an answer."""
    return _asks_for_sure(text) or reads_as_question(_NO.sub("", text))


def _asks_for_sure(text: str) -> bool:
    return text.rstrip().endswith(("?", "？", "吗", "嗎"))
