"""Publishes the venue: from then on every answer, reminder and mail of every process reads it from the event's row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from unicodedata import category

from sqlalchemy import Connection, update
from sqlmodel import col

from bot.content.facts import Venue
from bot.content.words import LANGUAGES, Words
from bot.conversation.published import EVENT_ROW
from bot.errors import UsherError
from bot.registration.register import lock_event
from bot.store.tables import Event

# Name, address and directions stand in one reminder together: 480 characters of three bytes each leave 500 bytes of
# WeChat's 2000 for the words around them.
LIMITS = {"name": 60, "address": 120, "directions": 300}  # characters, in each language
_UNSEEN = ("Cc", "Cs")  # control characters, and what no UTF-8 can carry
_FARTHEST = {"latitude": 90.0, "longitude": 180.0}  # degrees, either way


class WrongVenue(UsherError):
    """Venue details that cannot be published: which, and what was expected."""


@dataclass(frozen=True, slots=True)
class Details:
    """The venue as an organizer gives it, not looked at yet."""

    name_zh: str
    name_en: str
    address_zh: str
    address_en: str
    latitude: float  # degrees, north is positive
    longitude: float  # degrees, east is positive
    directions_zh: str = ""
    directions_en: str = ""


def read(details: Details) -> Venue:
    """The venue of these details. Raises WrongVenue, naming everything that is wrong."""
    given: dict[str, Any] = {
        name: value.strip() if isinstance(value, str) else value for name, value in asdict(details).items()
    }
    faults = [*_words_faults(given), *_place_faults(given)]
    if faults:
        raise WrongVenue("; ".join(faults))
    words = {part: Words(zh=given[f"{part}_zh"], en=given[f"{part}_en"]) for part in LIMITS if given[f"{part}_zh"]}
    return Venue(latitude=given["latitude"], longitude=given["longitude"], **words)


def publish(connection: Connection, venue: Venue, now: datetime) -> None:
    """Writes the venue into the event's row, in place of what was published before.

    Nothing else is touched: whoever speaks of the venue reads that row each time, so nothing has to be restarted.
    """
    parts = {part: getattr(venue, part) for part in LIMITS}
    stored = {part: words.model_dump() for part, words in parts.items() if words}
    place = {"latitude": venue.latitude, "longitude": venue.longitude, "published_at": now.isoformat()}
    lock_event(connection)
    connection.execute(update(Event).where(col(Event.id) == EVENT_ROW).values(venue=stored | place))


def _words_faults(given: dict[str, str]) -> Iterator[str]:
    for part, limit in LIMITS.items():
        texts = {f"{part} {language}": given[f"{part}_{language}"] for language in LANGUAGES}
        needed = part != "directions" or any(texts.values())
        breaks = "\n" if part == "directions" else ""  # a pin, a calendar and a template message take one line
        for name, text in texts.items():
            if needed and not text:
                yield f"{name}: missing, expected some words"
            if len(text) > limit:
                yield f"{name}: {len(text)} characters, expected at most {limit}"
            if any(sign in "{}" for sign in text):
                yield f"{name}: holds {{ or }}, expected words: nothing is filled in here"
            if any(category(sign) in _UNSEEN and sign not in breaks for sign in text):
                yield f"{name}: holds line breaks or control characters, expected words" + " in one line" * (not breaks)


def _place_faults(given: dict[str, float]) -> Iterator[str]:
    for name, farthest in _FARTHEST.items():
        if not -farthest <= given[name] <= farthest:  # which is also how NaN is found
            yield f"{name}: {given[name]}, expected a number from -{farthest:g} to {farthest:g}"
