"""The calendar entry that travels with a mail, and the number by which calendars tell its newer version: RFC 5545."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection

from bot.content.event import Event
from bot.content.facts import Venue
from bot.conversation.published import EVENT_ROW
from bot.delivery.flight import read_event
from bot.message import dumps
from bot.store.statement import Statement

Method = Literal["REQUEST", "CANCEL"]
_PRODUCT = "-//Usher//Registration//EN"
_LOOK = Statement("SELECT sequence, digest FROM event WHERE id = :id")
# Two who see the same change at once: the second finds it made, and counts nothing. The first digest is no change.
_CHANGED = Statement("""
    INSERT INTO event (id, sequence, digest) VALUES (:id, 0, :digest)
    ON CONFLICT (id) DO UPDATE SET
        sequence = event.sequence + CASE WHEN event.digest <> :digest THEN 1 ELSE 0 END, digest = :digest
    RETURNING sequence
""")


@dataclass(frozen=True, slots=True)
class Guest:
    """Whose entry it is."""

    reference: str
    name: str
    email: str
    language: str


@dataclass(frozen=True, slots=True)
class Version:
    """Which state of the entry this is: calendars believe the higher sequence, and of two the same the later one."""

    sequence: int
    at: datetime  # aware; when that was decided
    method: Method = "REQUEST"


def entry(event: Event, venue: Venue | None, guest: Guest, version: Version, organizer: str, about: str,
          link: str = "") -> bytes:  # fmt: skip
    """The .ics file: times in UTC, which every calendar shows on its own clock.

    `organizer` is a mail address, `about` the description, `link` the person's ticket.
    """
    # Here, for only mails need it: 3 MiB of every `serve`, which imports it when it is ready.
    from icalendar import STATUS, TRANSP, Calendar, vCalAddress, vGeo
    from icalendar import Event as Entry

    off = version.method == "CANCEL"
    shown = Entry.new(
        uid=uid(guest.reference),
        sequence=version.sequence,
        stamp=version.at.astimezone(UTC),
        start=event.start.astimezone(UTC),
        end=event.end.astimezone(UTC),
        summary=event.name.of(guest.language),
        location=_place(event, venue, guest.language),
        description=about,
        organizer=vCalAddress.new(organizer, cn=event.contact.name.of(guest.language)),
        attendees=[vCalAddress.new(guest.email, cn=guest.name or None, partstat="ACCEPTED", rsvp=False)],
        status=STATUS.CANCELLED if off else STATUS.CONFIRMED,
        transparency=TRANSP.TRANSPARENT if off else TRANSP.OPAQUE,
        url=link or None,
    )
    if venue:
        shown.add("geo", vGeo((venue.latitude, venue.longitude)))
    calendar = Calendar()  # not Calendar.new: it gives each a random id, and a second try would be another file
    for name, value in (("prodid", _PRODUCT), ("version", "2.0"), ("method", version.method)):
        calendar.add(name, value)
    calendar.add_component(shown)
    return bytes(calendar.to_ical())


def uid(reference: str) -> str:
    """The same for every version of one person's entry, whoever sends it."""
    return f"{reference}@usher"


def sequence(connection: Connection, event: Event, venue: Venue | None) -> int:
    """The number of what the entry says now: one more than before whenever that has changed."""
    digest = _digest(event, venue)
    stored = _LOOK.row(connection, id=EVENT_ROW)
    if stored and stored[1] == digest:
        return int(stored[0])
    return int(_CHANGED.row(connection, id=EVENT_ROW, digest=digest)[0])


def published(connection: Connection, event: Event) -> tuple[Venue | None, int]:
    """The venue as published and the number of the entry that names it: what a lane prepares before it composes."""
    venue, _ = read_event(connection)
    return venue, sequence(connection, event, venue)


def _place(event: Event, venue: Venue | None, language: str) -> str:
    if venue is None:
        return event.city.of(language)
    return ", ".join((venue.name.of(language), venue.address.of(language)))


def _digest(event: Event, venue: Venue | None) -> str:
    """Of everything in the entry that is not the person's own."""
    names = [event.name.model_dump(), event.contact.name.model_dump(), event.start.isoformat(), event.end.isoformat()]
    place = [venue.name.model_dump(), venue.address.model_dump(), venue.latitude, venue.longitude] if venue else []
    said = dumps([names, place, event.city.model_dump() if venue is None else ""])
    return hashlib.sha256(said.encode()).hexdigest()
