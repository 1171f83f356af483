"""The small filter language that says who is meant: `status=confirmed category=factory,brand language=zh`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_
from sqlalchemy.orm import Mapped
from sqlmodel import col

from bot.content.form import Form
from bot.content.words import LANGUAGES
from bot.errors import UsherError
from bot.store.outbox import Kind
from bot.store.tables import Contact, Conversation, Registration, Status

FIELDS: Mapping[str, Mapped[Any]] = {
    name: col(getattr(Registration, name))
    for name in ("status", "category", "programme", "organization", "language", "channel", "source", "reference")
}
DRAFT = "draft=stale"
LIVE = (Status.PENDING, Status.CONFIRMED, Status.WAITLISTED)  # neither side has said no
_DRAFTED = exists().where(
    col(Conversation.contact_id) == col(Registration.contact_id), col(Conversation.draft_at).is_not(None)
)
_SPECIAL: Mapping[str, Mapping[str, ColumnElement[bool]]] = {
    "checked_in": {
        "yes": col(Registration.checked_in_at).is_not(None),
        "no": col(Registration.checked_in_at).is_(None),
    },
    "draft": {"stale": _DRAFTED},  # for how long it was left alone is said by the reminder's `when`
}
_VALUES: Mapping[str, Collection[str]] = {
    "status": tuple(Status),
    "language": LANGUAGES,
    "channel": ("wechat", "telegram"),
}
_NAMES = (*FIELDS, *_SPECIAL)
_OF_CHAT: Mapping[str, Mapped[Any]] = {name: col(getattr(Contact, name)) for name in ("language", "channel", "source")}


class WrongFilter(UsherError):
    """A filter that cannot be read: the word and what was expected."""


def where(text: str) -> ColumnElement[bool]:
    """The condition on registrations which a filter stands for; an empty one means all. Raises WrongFilter."""
    return and_(True, *(_condition(word) for word in text.split()))


def audience(text: str, kind: str, due_at: datetime | None = None) -> ColumnElement[bool]:
    """The registrations which an announcement means. Raises WrongFilter.

    A decision is for whom it names. Otherwise a filter that names no status means those who are live, and with
    `due_at` nobody who came later gets it late: decided, or registered, or checked in, by that time.
    """
    conditions = [where(text)]
    names = {word.partition("=")[0] for word in text.split()}
    if kind != Kind.DECISION:
        if "status" not in names:
            conditions.append(col(Registration.status).in_(LIVE))
        if due_at is not None:
            since = func.coalesce(col(Registration.decided_at), col(Registration.created_at))
            conditions.append(since <= due_at)
            if "checked_in=yes" in text.split():
                conditions.append(col(Registration.checked_in_at) <= due_at)
    return and_(*conditions)


def check(text: str, form: Form) -> None:
    """Raises WrongFilter for values which nobody can have, also those that only the form knows: category=factorys.

    What people type themselves is free, such as organization, and so is source: links are made up every day.
    """
    where(text)
    check_choices(text, form)


def check_choices(text: str, form: Form) -> None:
    """The part of it that the form decides."""
    for name, wanted in map(_split, text.split()):
        question = next((row for row in form.questions if row.id == name and row.choices), None)
        if question:
            _only(name, wanted, [choice.id for choice in question.choices])


def of_drafts(text: str) -> ColumnElement[bool]:
    """The condition on contacts with a draft which the filter of `finish-form` stands for. Raises WrongFilter."""
    words = text.split()
    if DRAFT not in words:
        raise WrongFilter(f"filter: {text!r} is for drafts; expected {DRAFT}")
    fields = [_split(word) for word in words if word != DRAFT]
    for name, wanted in fields:
        if name not in _OF_CHAT:
            raise WrongFilter(f"filter: {name!r} is not known of a draft; expected one of {', '.join(_OF_CHAT)}")
        _only(name, wanted, _VALUES.get(name, wanted))
    return and_(col(Conversation.draft_at).is_not(None), *(_OF_CHAT[name].in_(wanted) for name, wanted in fields))


def normal(text: str) -> str:
    """The same filter written in one way, so that equal ones are seen to be equal."""
    parts = (word.partition("=") for word in text.split())
    return " ".join(sorted(f"{name}={','.join(sorted(set(values.split(','))))}" for name, _, values in parts))


def _split(word: str) -> tuple[str, list[str]]:
    name, sign, values = word.partition("=")
    if not sign or name not in _NAMES:
        raise WrongFilter(
            f"filter: {word!r} is not known; expected FIELD=VALUE[,VALUE], FIELD one of {', '.join(_NAMES)}"
        )
    wanted = [value for value in values.split(",") if value]
    if not wanted:
        raise WrongFilter(f"filter: {word!r} names no value; expected FIELD=VALUE[,VALUE]")
    return name, wanted


def _condition(word: str) -> ColumnElement[bool]:
    name, wanted = _split(word)
    if name in _SPECIAL:
        _only(name, wanted, _SPECIAL[name])
        return or_(*(_SPECIAL[name][value] for value in wanted))
    if name in _VALUES:
        _only(name, wanted, _VALUES[name])
    return FIELDS[name].in_(wanted)


def _only(name: str, wanted: list[str], known: Any) -> None:
    for value in sorted(set(wanted) - set(known)):
        raise WrongFilter(f"filter: {value!r} is no {name}; expected one of {', '.join(known)}")
