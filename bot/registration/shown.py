"""What could not be sent is shown first when its person next writes."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlmodel import col

from bot.content.records import Content
from bot.conversation.turn import Turn
from bot.conversation.waited import Notice
from bot.delivery.announcements import STOPPED, SUPERSEDED
from bot.delivery.people import Due, Person
from bot.delivery.queueing import TOO_LATE
from bot.delivery.routes import unwanted
from bot.delivery.sender import Compose
from bot.delivery.templates import IN_SHORT
from bot.delivery.whom import PEOPLE, registered
from bot.errors import Refused
from bot.store.outbox import EXPECTED, Announcement, Delivery, DeliveryStatus, Kind, Route, State
from bot.store.tables import Asked, Registration, Status

log = logging.getLogger(__name__)
_OVER = (Status.CANCELLED, Status.DECLINED)
_DELIVERY: Any = (Delivery.id, Delivery.announcement_id, Delivery.way, Delivery.attempts, Delivery.tried,
                  Delivery.due_at, Delivery.person, Delivery.registration_id, Delivery.status)  # fmt: skip
_ASKED = (
    select(col(Asked.text))
    .where(col(Asked.contact_id) == col(Delivery.contact_id), col(Asked.answer_id) == col(Delivery.announcement_id))
    .order_by(col(Asked.id).desc())
    .limit(1)
    .correlate(Delivery)
    .scalar_subquery()
    .label("asked")
)
_ANNOUNCED: Any = (
    *(Announcement.kind, Announcement.state, Announcement.audience),
    *(Announcement.texts, Announcement.more, Announcement.latest_at),
)
_IN_SHORT = and_(col(Delivery.status) == DeliveryStatus.SENT, col(Delivery.error) == IN_SHORT)
# A template's end is reported later, or never; whoever writes meanwhile has read it.
_UNREPORTED = and_(
    col(Delivery.status).in_((DeliveryStatus.SENDING, DeliveryStatus.UNCONFIRMED)),
    col(Delivery.route) == Route.WECHAT_TEMPLATE,
    col(Delivery.receipt).is_not(None),
)
_WAITS = or_(
    col(Delivery.status) == DeliveryStatus.WAITING,
    _IN_SHORT,
    and_(_UNREPORTED, col(Announcement.kind) == Kind.BROADCAST),
)
_NOT_WANTED = update(Delivery).where(_IN_SHORT).values(error="")
_TOLD = update(Delivery).where(or_(_IN_SHORT, _UNREPORTED)).values(status=DeliveryStatus.SENT, error="")


class Shown:
    """Handed to the dispatcher, which asks it in the turn of a person for whom something waits."""

    def __init__(self, compose: Callable[[Content], Compose]) -> None:
        """`compose`: writes messages out of a content."""
        self._compose = compose

    def look(self, turn: Turn) -> list[Notice]:
        """What waits for the person who wrote, or was told in short, the oldest first; locked until the commit.

        What is not wanted or not useful any more is skipped; what an organizer holds goes on waiting.
        """
        notices, over, told = [], defaultdict(list), []
        for due, audience, in_short in _waiting(turn):
            if due.state == State.PAUSED:
                continue
            text, status, error = self._fate(due, audience, turn)
            if text:
                notices.append(Notice(due.id, text))
            elif in_short:
                told.append(due.id)
            else:
                over[status, error].append(due.id)
        for (status, error), ids in over.items():
            turn.connection.execute(_change(ids).values(status=status, error=error))
        if told:
            turn.connection.execute(_NOT_WANTED.where(col(Delivery.id).in_(told)))
        return notices

    def shown(self, turn: Turn, ids: Sequence[int]) -> None:
        """The reply of this turn shows these. What a template told in short was sent when that was."""
        values = {"status": DeliveryStatus.SENT, "error": "", "route": _route(turn), "sent_at": turn.now}
        changed = turn.connection.execute(_change(ids).values(**values, attempts=col(Delivery.attempts) + 1))
        if changed.rowcount < len(ids):
            turn.connection.execute(_TOLD.where(col(Delivery.id).in_(ids)))

    def _fate(self, due: Due, audience: str, turn: Turn) -> tuple[str, DeliveryStatus, str]:
        """What to show, if anything, what becomes of the row, and why."""
        if reason := _useless(due, audience, turn):
            return "", DeliveryStatus.SKIPPED, reason
        try:
            reply = self._compose(turn.content)(due, _route(turn), turn.venue, 0).reply  # 0: no calendar goes along
        except Refused as error:
            return "", DeliveryStatus.FAILED, str(error)
        except Exception as error:  # one message that cannot be written must not keep its person from every answer
            log.error("a message that waited could not be written", extra={"fault": type(error).__name__})
            return "", DeliveryStatus.FAILED, f"fault: {type(error).__name__}"
        text = "\n".join(filter(None, (reply.text, reply.ask)))
        return text, DeliveryStatus.WAITING if text else DeliveryStatus.FAILED, "" if text else "there is no text"


def _waiting(turn: Turn) -> list[tuple[Due, str, bool]]:
    """What waits, each with the audience it was announced to, and whether a template told it in short before."""
    rows = turn.connection.execute(
        select(*_DELIVERY, *_ANNOUNCED, _ASKED)
        .join(Announcement, col(Announcement.id) == col(Delivery.announcement_id))
        .where(col(Delivery.contact_id) == turn.person.id, _WAITS)
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .with_for_update(of=Delivery)
    ).all()
    people = _people(turn, [row.registration_id for row in rows])
    return [
        (
            _due(row, people.get(row.registration_id) or _chatting(turn, row.person), _route(turn)),
            row.audience,
            row.status != DeliveryStatus.WAITING,
        )
        for row in rows
    ]


def _due(row: Any, person: Person, route: Route) -> Due:
    return Due(
        id=row.id,
        announcement_id=row.announcement_id,
        kind=row.kind,
        state=row.state,
        texts=row.texts,
        more=row.more,
        way=row.way,
        route=route,
        attempts=row.attempts + 1,
        tried=tuple(row.tried),
        due_at=row.due_at,
        latest_at=row.latest_at,
        person=person,
        asked=row.asked or "",
    )


def _people(turn: Turn, ids: list[int | None]) -> dict[int | None, Person]:
    """The people by registration, as the turn knows their chat: it may have changed just now."""
    rows = turn.connection.execute(PEOPLE.where(col(Registration.id).in_([one for one in ids if one])))
    people = [registered(row) for row in rows]
    return {one.registration_id: replace(one, **_of_chat(turn)) for one in people}


def _chatting(turn: Turn, key: str) -> Person:
    return Person(key=key, contact_id=turn.person.id, address=turn.message.sender, **_of_chat(turn))


def _of_chat(turn: Turn) -> dict[str, Any]:
    return {"language": turn.language, "stopped_at": turn.person.stopped_at}


def _route(turn: Turn) -> Route:
    return Route.TELEGRAM if turn.message.sender.channel == "telegram" else Route.WECHAT_REPLY


def _useless(due: Due, audience: str, turn: Turn) -> str:
    """Why nobody needs it any more, by the rules of a lane (fate.py); empty: they do."""
    if due.state == State.STOPPED:
        return STOPPED
    if due.latest_at is not None and due.latest_at <= turn.now:
        return TOO_LATE
    if due.kind == Kind.DECISION:
        return "" if due.more.get("decision") == due.person.status else SUPERSEDED
    if due.kind not in EXPECTED and due.person.status in _OVER and due.person.status not in audience:
        return f"the registration is {due.person.status}"
    return unwanted(due.person, due.kind, turn.accounts)


def _change(ids: Sequence[int]) -> Any:
    """Changes these rows, which `_waiting` locked: a lane or an organizer comes after the commit."""
    return update(Delivery).where(col(Delivery.id).in_(ids), col(Delivery.status) == DeliveryStatus.WAITING)
