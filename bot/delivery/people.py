"""Who is meant by a delivery, as far as choosing a route and writing the message need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.message import Address


@dataclass(frozen=True, slots=True)
class Person:
    """One person, by their registration or, without one, by their chat."""

    key: str  # r12: registration 12; c5: contact 5, who has no registration
    language: str  # zh or en: of the chat where there is one, else of the registration
    contact_id: int | None = None
    address: Address | None = None  # the chat; None: erased, or it never was
    message_until: datetime | None = None
    message_left: int = 0
    tap_until: datetime | None = None
    tap_left: int = 0
    blocked_at: datetime | None = None
    stopped_at: datetime | None = None
    registration_id: int | None = None
    reference: str | None = None
    status: str = ""
    name: str = ""
    email: str = ""
    colleague: bool = False  # the chat belongs to the colleague who registered them


@dataclass(frozen=True, slots=True)
class Due:
    """One delivery that a lane took up, with everything that its message may need."""

    id: int
    announcement_id: str
    kind: str  # reminder, broadcast, decision
    state: str  # of the announcement
    texts: Mapping[str, Mapping[str, str]]  # {"zh": {"text", "short"}, "en": ...}
    more: Mapping[str, Any]
    way: str  # chat or mail
    route: str
    attempts: int  # this one counted
    tried: tuple[Mapping[str, str], ...]
    due_at: datetime
    latest_at: datetime | None
    person: Person
    available_at: datetime | None = None  # since when it might have left, or may be tried again
    asked: str = ""  # what the person had asked, where this answers it
