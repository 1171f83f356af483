"""Single values of the content files: what each must look like, and what is said when it does not."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo


def matching(pattern: str, expected: str) -> AfterValidator:
    """Takes only text that wholly matches; otherwise says what was expected."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


def _clock_time(value: object) -> object:
    """`"9:30"` as TOML text, which organizers write without the leading zero."""
    if isinstance(value, str):
        try:
            hour, minute = value.split(":")
            return time(int(hour), int(minute))
        except ValueError:
            raise ValueError('expected a time such as "9:30"') from None
    if not isinstance(value, time):  # pydantic would take a number for seconds
        raise ValueError('expected a time such as "9:30"')
    return value


def _day(value: object) -> object:
    """`2019-10-22`, with or without quotation marks."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("expected a date such as 2019-10-22") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("expected a date such as 2019-10-22")
    return value


def _moment(value: object) -> object:
    """A local date and time. A date alone is refused: nobody can tell which end of that day it means."""
    try:
        if isinstance(value, str) and len(value) > len("2019-10-22"):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    if value in ("", None):
        return None
    if not isinstance(value, datetime):
        raise ValueError("expected a date and time such as 2019-09-20T09:00:00, or empty")
    return value


def after_starts(value: time | None, info: ValidationInfo) -> time | None:
    """For the field `ends` of a record whose field `starts` stands above it."""
    starts = info.data.get("starts")
    if value and starts and value <= starts:
        raise ValueError("expected a time after starts")
    return value


def _some(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if not value:
        raise ValueError("is empty; expected at least one")
    return value


AtLeastOne = AfterValidator(_some)  # unlike min_length, silent where the only one is itself at fault
Id = Annotated[
    str, matching(r"[a-z][a-z0-9_-]{0,31}", "small letters, digits, _ and -, at most 32, the first a letter")
]
Phrases = tuple[Annotated[str, Field(min_length=1)], ...]
ClockTime = Annotated[time, BeforeValidator(_clock_time)]
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
