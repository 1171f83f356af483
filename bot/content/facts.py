"""What `{event.city}` and its like stand for in answers and texts, in either language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.content.agenda import AgendaItem
from bot.content.event import Event
from bot.content.words import Words

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_.]*)\}")
_WEEKDAYS = {
    "zh": tuple("一二三四五六日"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Venue:
    """The venue as organizers published it."""

    name: Words
    address: Words
    latitude: float
    longitude: float
    directions: Words | None = None

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Venue:
        """Reads the venue column of the event's row."""
        words = {key: Words(**value) for key, value in stored.items() if isinstance(value, dict)}
        return cls(latitude=float(stored["latitude"]), longitude=float(stored["longitude"]), **words)


def day(value: date, language: str) -> str:
    """A date as a person would write it, with its weekday."""
    weekday = _WEEKDAYS[language][value.weekday()]
    if language == "en":
        return f"{weekday} {value.day} {_MONTHS[value.month - 1]} {value.year}"
    return f"{value.year}年{value.month}月{value.day}日（周{weekday}）"


def moment(value: datetime, language: str) -> str:
    """A date and a time of day, in the zone that the value carries."""
    space = " " if language == "en" else ""
    return f"{day(value.date(), language)}{space}{value.hour}:{value.minute:02}"


_FACTS: dict[str, Callable[[Event, str], str]] = {
    "event.name": lambda event, language: event.name.of(language),
    "event.date": lambda event, language: day(event.date, language),
    "event.starts": lambda event, _: f"{event.starts.hour}:{event.starts.minute:02}",
    "event.ends": lambda event, _: f"{event.ends.hour}:{event.ends.minute:02}",
    "event.city": lambda event, language: event.city.of(language),
    "event.cost": lambda event, language: event.cost.of(language),
    "event.language": lambda event, language: event.language.of(language),
    "event.closes": lambda event, language: moment(event.closes.astimezone(event.zone), language),
    "event.opens": lambda event, language: moment(event.opens.astimezone(event.zone), language) if event.opens else "",
    "event.controller": lambda event, language: event.controller.of(language),
    "event.retention_days": lambda event, _: str(event.retention_days),
    "event.contact_name": lambda event, language: event.contact.name.of(language),
    "event.privacy_version": lambda event, _: event.privacy.version,
}
# Known only once somebody says so: until then each reads as the sentence of texts.toml named here.
_LATER = {
    "event.contact": "unknown.contact",
    "event.booklet": "unknown.booklet",
    "venue.text": "unknown.venue",
    "venue.name": "unknown.venue",
    "venue.address": "unknown.venue",
    "venue.directions": "unknown.directions",
}
_MOST_ITEMS = 20  # of an agenda that have a placeholder of their own: {item.1} ...
_AGENDA = frozenset({"item.all", *(f"item.{place}" for place in range(1, _MOST_ITEMS + 1))})
NAMES = frozenset(_FACTS) | frozenset(_LATER) | _AGENDA


def facts(
    event: Event, texts: Mapping[str, Words], venue: Venue | None, language: str, agenda: Sequence[AgendaItem] = ()
) -> dict[str, str]:
    """Every placeholder with what it stands for now."""
    known = {name: read(event, language) for name, read in _FACTS.items()}
    later = {name: texts[key].of(language) for name, key in _LATER.items()}
    given = {"event.contact": " · ".join(filter(None, (event.contact.email, event.contact.phone)))}
    given["event.booklet"] = event.links.booklet
    if venue:
        given["venue.name"], given["venue.address"] = venue.name.of(language), venue.address.of(language)
        given["venue.text"] = f"{given['venue.name']}\n{given['venue.address']}"
        given["venue.directions"] = (venue.directions or texts["venue.no_directions"]).of(language)
    known |= _of_agenda(agenda, texts, language)
    return known | later | {name: value for name, value in given.items() if value}


def agenda_line(place: int, item: AgendaItem, language: str) -> str:
    """An item with what is known of it."""
    when = "–".join(f"{time.hour}:{time.minute:02}" for time in (item.starts, item.ends) if time)
    more = [when, *(words.of(language) for words in (item.speaker, item.room) if words)]
    return " · ".join(filter(None, (f"{place}. {item.title.of(language)}", *more)))


def is_complete(item: AgendaItem) -> bool:
    """Whether there is nothing left to announce of it."""
    return bool(item.speaker and item.starts)


def _of_agenda(items: Sequence[AgendaItem], texts: Mapping[str, Words], language: str) -> dict[str, str]:
    """The whole agenda and each item, with a word about what is still to come."""
    later = texts["agenda.unknown"].of(language)
    none = fill(texts["agenda.no_such"].of(language), {"count": str(len(items))})
    lines = [agenda_line(place, item, language) for place, item in enumerate(items, 1)]
    ends = ["" if is_complete(item) else f"\n{later}" for item in items]
    whole = "\n".join(lines) + max(ends) if lines else texts["agenda.empty"].of(language)
    known = dict.fromkeys(_AGENDA, none) | {"item.all": whole}
    return known | {
        f"item.{place}": f"{line}{end}" for place, (line, end) in enumerate(zip(lines, ends, strict=True), 1)
    }


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced, once: what a value brings along is not looked into again."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)
