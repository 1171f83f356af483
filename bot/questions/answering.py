"""Answers everybody of a group: closes what they asked and tells them, both or neither."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlmodel import col

from bot.delivery.announcements import Texts
from bot.delivery.named import Fate, people, tell
from bot.delivery.queueing import Sending, fate, switched_off
from bot.delivery.routes import Accounts
from bot.errors import UsherError
from bot.questions.groups import Group, Question
from bot.store.outbox import Announcement, Kind, State, Way, about_chat
from bot.store.tables import Asked, Contact, Outcome

PEOPLE = 500  # in one transaction: replies go on in between
_NAME = re.compile(r"[Qq](\d{1,18})")


class NoSuchGroup(UsherError):
    """No open group has this name: what became of it, or what was expected."""


class AlreadyAnswered(UsherError):
    """Somebody else was quicker."""


def find(connection: Connection, groups: Iterable[Group], name: str) -> Group:
    """The open group of this name. Raises NoSuchGroup, which says if it was answered."""
    said = _NAME.fullmatch(name.strip())
    if said is None:
        raise NoSuchGroup(f"{name}: expected a group such as Q12, as `usher questions` lists them")
    number = int(said[1])
    for group in groups:
        if group.questions[0].id == number:
            return group
        if any(question.id == number for question in group.questions):
            raise NoSuchGroup(f"{name}: is in the group {group.id} now")
    row = connection.execute(select(col(Asked.closed_at), col(Asked.answer_id)).where(col(Asked.id) == number)).first()
    if row is not None and row.closed_at is not None:
        by = f" by {row.answer_id}" if row.answer_id else ""
        raise NoSuchGroup(f"{name}: was answered already{by}, at {row.closed_at.isoformat(timespec='minutes')}")
    raise NoSuchGroup(f"{name}: no such group; expected one that `usher questions` lists")


def look_ahead(connection: Connection, group: Group, texts: Texts, accounts: Accounts, now: datetime) -> list[Fate]:
    """What would become of the answer to each of them now; writes nothing."""
    off = switched_off(connection, now)
    sending = Sending("", Kind.ANSWER, texts, {"ways": [Way.CHAT]}, now, None, now, accounts, off)
    return [fate(sending, person, Way.CHAT) for person in people(connection, group.people)]


def slices(group: Group) -> Iterator[list[Question]]:
    """The group's questions, those of so many people at a time: nobody is told twice."""
    asked: dict[int | None, list[Question]] = {}
    for question in group.questions:
        asked.setdefault(question.contact_id, []).append(question)
    contacts = list(asked)
    for start in range(0, len(contacts), PEOPLE):
        yield [question for contact in contacts[start : start + PEOPLE] for question in asked[contact]]


def answer(
    connection: Connection, questions: Sequence[Question], texts: Texts, accounts: Accounts, now: datetime, by: str
) -> tuple[str, list[Fate]]:
    """Tells those who asked, each once, and closes their questions: the announcement, and what becomes of each person.

    Locks in the order contact, question. Raises AlreadyAnswered if none of the questions is open any more.
    """
    _hold(connection, [question.contact_id for question in questions])
    theirs = (col(Asked.id).in_([question.id for question in questions]), col(Asked.closed_at).is_(None))
    waiting = connection.execute(
        select(col(Asked.id), col(Asked.contact_id), col(Asked.outcome)).where(*theirs).with_for_update()
    ).all()
    if not waiting:
        raise AlreadyAnswered("somebody else answered it just now")
    contacts = [row.contact_id for row in waiting if row.contact_id is not None]
    announcement, fates = tell(
        connection,
        kind=Kind.ANSWER,
        texts=texts,
        people=people(connection, sorted(set(contacts))),
        accounts=accounts,
        now=now,
        more={"quotes": True},
        by=by,
    )
    closed: dict[str, Any] = {"closed_at": now, "answer_id": announcement}
    connection.execute(update(Asked).where(col(Asked.id).in_([row.id for row in waiting])).values(**closed))
    _end_hand_off(connection, [row.contact_id for row in waiting if row.outcome == Outcome.NOTE])
    return announcement, fates


def _hold(connection: Connection, contacts: Iterable[int | None]) -> None:
    """Nobody of them is erased meanwhile; all of them may write."""
    named = select(col(Contact.id)).where(col(Contact.id).in_(contacts)).order_by(col(Contact.id))
    connection.execute(named.with_for_update(read=True, key_share=True))


def _end_hand_off(connection: Connection, contacts: Iterable[int]) -> None:
    """Who left a note that is answered is in the bot's hands again."""
    audiences = [about_chat(contact) for contact in contacts]
    notes = (col(Announcement.kind) == Kind.NOTE, col(Announcement.audience).in_(audiences))
    if audiences:
        connection.execute(update(Announcement).where(*notes).values(state=State.STOPPED))
