"""The small filter language that says who is meant: `status=confirmed category=factory,brand language=zh`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlmodel import col

from bot.errors import UsherError
from bot.store.tables import Registration, Status

FIELDS: Mapping[str, Any] = {
    name: col(getattr(Registration, name))
    for name in ("status", "category", "programme", "organization", "language", "channel", "source", "reference")
}


class WrongFilter(UsherError):
    """A filter that cannot be read: the word and what was expected."""


def where(text: str) -> ColumnElement[bool]:
    """The condition which a filter stands for; an empty one means everybody. Raises WrongFilter."""
    return and_(True, *(_condition(word) for word in text.split()))


def _condition(word: str) -> ColumnElement[bool]:
    name, sign, values = word.partition("=")
    if not sign or name not in FIELDS:
        raise WrongFilter(
            f"filter: {word!r} is not known; expected FIELD=VALUE[,VALUE], FIELD one of {', '.join(FIELDS)}"
        )
    wanted = [value for value in values.split(",") if value]
    if not wanted:
        raise WrongFilter(f"filter: {word!r} names no value; expected FIELD=VALUE[,VALUE]")
    unknown = sorted(set(wanted) - set(Status)) if name == "status" else []
    if unknown:
        raise WrongFilter(f"filter: {unknown[0]!r} is no status; expected one of {', '.join(Status)}")
    return FIELDS[name].in_(wanted)  # type: ignore[no-any-return]  # columns are Any to mypy
