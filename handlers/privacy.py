"""隐私, 我的数据, 删除我的信息: what is held, on what ground, and how to have it erased."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, null, select, union_all
from sqlmodel import col

from bot.content.facts import moment
from bot.conversation.arrival import keyed_hash
from bot.conversation.prompt import summary
from bot.conversation.router import Router
from bot.conversation.state import State
from bot.conversation.sure import yes_or_no
from bot.conversation.turn import Turn
from bot.message import Kind, Reply
from bot.registration import decide
from bot.registration.forget import forget_person, unfollow
from bot.registration.register import answers_of, registrations
from bot.store.outbox import Announcement, Delivery, Way
from bot.store.outbox import Kind as Sent
from bot.store.tables import Asked, Registration
from handlers.me import status_of

router = Router()
_SENT = {kind: f"mydata.{kind}" for kind in Sent}
_BY = {Way.CHAT: "mydata.by_chat", Way.MAIL: "mydata.by_mail"}


@router.on("隐私", "privacy", "隐私说明", "隐私政策", aside=True)
def privacy(turn: Turn) -> Reply:
    """The whole notice that people agree to."""
    return Reply(turn.fill(turn.content.event.privacy.notice))


@router.on("我的数据", "mydata", "我的资料", "my data", aside=True)
def my_data(turn: Turn) -> Reply:
    """Everything that is held about the person, as text."""
    person, sender = turn.person, turn.message.sender
    lines = [turn.say("mydata.contact", channel=sender.channel, since=_when(turn, person.created_at),
                      language=person.language, source=person.source or "–", user_id=sender.user_id)]  # fmt: skip
    lines += [_registration(turn, row) for row in registrations(turn.session, turn.person.id)]
    draft = turn.state.draft
    if draft and len(draft.answers) > 1:
        lines.append("\n".join((turn.say("mydata.draft"), *summary(turn, draft.answers))))
    asked, sent = _exchanged(turn)
    if asked:
        lines.append("\n".join((turn.say("mydata.questions"), *asked)))
    if sent:
        lines.append("\n".join((turn.say("mydata.messages"), *sent)))
    lines.append(turn.say("mydata.end"))
    return Reply("\n\n".join(lines))


@router.on("删除我的信息", "forget", "删除我的资料", "删除我的数据", "forget me", "delete my data")
def forget(turn: Turn) -> Reply:
    """Asks once more: what is erased cannot be brought back."""
    colleagues = select(func.count()).select_from(Registration).where(
        col(Registration.contact_id) == turn.person.id, col(Registration.registered_by).is_not(None)
    )  # fmt: skip
    count = turn.session.scalar(colleagues) or 0
    lines = [turn.say("forget.ask")] + ([turn.say("forget.colleagues", count=count)] if count else [])
    return Reply(ask="\n".join(lines), choices=yes_or_no(turn, "forget", "choice.forget_yes", "choice.forget_no"))


@router.tag("forget", aside=True)
def forget_decided(turn: Turn) -> Reply:
    """Erases everything, or nothing."""
    if turn.tag[1] != "yes":
        return Reply(turn.say("forget.kept"))
    receipt = forget_person(turn.session, turn.person.id, "chat", turn.now)
    decide.promote(turn.connection, decide.desk(turn))
    turn.state, turn.erased = State(), True
    return Reply(turn.say("forget.done", receipt=receipt.id, when=_when(turn, receipt.erased_at)))


@router.kind(Kind.LEAVE)
def leave(turn: Turn) -> None:
    """Unfollowed on WeChat: the platform asks that the person's data go."""
    sender = turn.message.sender
    unfollow(turn.session, turn.person.id, sender, keyed_hash(sender, turn.secret))
    turn.state, turn.erased = State(), True


@router.kind(Kind.BLOCK, Kind.UNBLOCK)
def out_of_reach(turn: Turn) -> None:
    """Blocked or unblocked: written down when the person was met; nothing is said."""


def _registration(turn: Turn, row: Registration) -> str:
    consent = turn.say("mydata.consent", version=row.consent_version, when=_when(turn, row.consent_at))
    key = "mydata.colleague" if row.registered_by else "mydata.registration"
    heading = turn.say(key, reference=row.reference, when=_when(turn, row.created_at))
    return "\n".join((heading, *summary(turn, answers_of(row)), status_of(turn, row), consent))


def _exchanged(turn: Turn) -> tuple[list[str], list[str]]:
    """What the person asked, and what was sent to them; one statement for both."""
    asked: Any = select(col(Asked.asked_at).label("at"), col(Asked.text), null(), null())
    sent: Any = select(col(Delivery.sent_at), literal(""), col(Announcement.kind), col(Delivery.way))
    sent = sent.where(col(Announcement.id) == col(Delivery.announcement_id), col(Delivery.sent_at).is_not(None))
    theirs = (
        asked.where(col(Asked.contact_id) == turn.person.id),
        sent.where(col(Delivery.contact_id) == turn.person.id),
    )
    questions, messages = [], []
    for at, text, kind, way in turn.session.execute(union_all(*theirs).order_by("at")):
        if kind is None:
            questions.append(f"{_when(turn, at)} {text}")
        else:
            messages.append(f"{_when(turn, at)} {turn.say(_SENT[kind])} · {turn.say(_BY[way])}")
    return questions, messages


def _when(turn: Turn, value: datetime) -> str:
    return moment(value.astimezone(turn.content.event.zone), turn.language)
