"""What could not be sent is shown first when its person next writes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select, update
from sqlmodel import col

from bot.content.records import Content
from bot.conversation.turn import Turn
from bot.delivery.announcements import STOPPED
from bot.delivery.people import Due, Person
from bot.delivery.queueing import TOO_LATE
from bot.delivery.routes import unwanted
from bot.delivery.sender import Compose
from bot.delivery.whom import PEOPLE, registered
from bot.errors import Refused
from bot.registration.decision import SUPERSEDED
from bot.store.outbox import EXPECTED, Announcement, Delivery, DeliveryStatus, Kind, Route, State
from bot.store.tables import Asked, Registration, Status

log = logging.getLogger(__name__)
_APART = "\n——\n"
_OVER = (Status.CANCELLED, Status.DECLINED)
_DELIVERY: Any = (Delivery.id, Delivery.announcement_id, Delivery.way, Delivery.attempts, Delivery.tried,
                  Delivery.due_at, Delivery.person, Delivery.registration_id)  # fmt: skip
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


class Shown:
    """Handed to the dispatcher, which calls it in the turn of a person for whom something waits."""

    def __init__(self, compose: Callable[[Content], Compose]) -> None:
        """`compose`: writes messages out of a content."""
        self._compose = compose

    def __call__(self, turn: Turn) -> str:
        """Takes what waits for the person who wrote, in the turn's transaction; its texts, the oldest first.

        What is not wanted or not useful any more is skipped; what an organizer holds goes on waiting.
        """
        texts = []
        for due, audience in _waiting(turn):
            if due.state == State.PAUSED:
                continue
            text, status, error = self._fate(due, audience, turn)
            if _settled(turn.connection, due, status, error, turn) and text:
                texts.append(text)
        return _APART.join(texts)

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
        return "\n".join(filter(None, (reply.text, reply.ask))), DeliveryStatus.SENT, ""


def _waiting(turn: Turn) -> list[tuple[Due, str]]:
    """What waits, each with the audience it was announced to."""
    rows = turn.connection.execute(
        select(*_DELIVERY, *_ANNOUNCED, _ASKED)
        .join(Announcement, col(Announcement.id) == col(Delivery.announcement_id))
        .where(col(Delivery.contact_id) == turn.person.id, col(Delivery.status) == DeliveryStatus.WAITING)
        .order_by(col(Delivery.due_at), col(Delivery.id))
    ).all()
    people = _people(turn, [row.registration_id for row in rows])
    return [
        (_due(row, people.get(row.registration_id) or _chatting(turn, row.person), _route(turn)), row.audience)
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


def _settled(connection: Connection, due: Due, status: DeliveryStatus, error: str, turn: Turn) -> bool:
    """Writes what became of it; False: somebody else did, meanwhile."""
    values: dict[str, Any] = {"status": status, "error": error}
    if status is DeliveryStatus.SENT:
        values |= {"route": due.route, "sent_at": turn.now, "attempts": due.attempts}
    still = (col(Delivery.id) == due.id, col(Delivery.status) == DeliveryStatus.WAITING)
    return connection.execute(update(Delivery).where(*still).values(**values)).rowcount == 1
