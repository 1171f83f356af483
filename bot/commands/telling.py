"""Telling people: the plan, broadcasts, what became of each delivery, whom to phone, the venue."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session

from bot.clock import Clock
from bot.commands import opened, zone_of
from bot.content.facts import Venue
from bot.content.load import load
from bot.content.records import Content
from bot.content.words import LANGUAGES, Language
from bot.conversation.published import published_venue
from bot.delivery import announcements, reminders, report
from bot.delivery.audience import check
from bot.delivery.preview import Preview, preview
from bot.delivery.queueing import queue_slice
from bot.delivery.routes import Accounts
from bot.errors import UsherError
from bot.registration import export
from bot.registration import venue as venues
from bot.registration.faults import faults
from bot.settings import Settings
from bot.store.outbox import DeliveryStatus

_CALL = ("name", "phone", "reason", "reference", "announcement")  # columns of the call list
_IN_TIME = timedelta(minutes=10)  # a time that is over for no longer means now
_AHEAD = timedelta(days=400)
_NEEDS_SIGHT = 20  # people named one by one in a preview; the call list has them all


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What an organizer wants to say."""

    zh: str
    en: str
    where: str = ""
    with_venue: bool = False
    at: datetime | None = None

    @property
    def texts(self) -> dict[str, dict[str, str]]:
        """By language; one that is empty is left out."""
        return {name: {"text": text} for name, text in (("zh", self.zh), ("en", self.en)) if text.strip()}

    @property
    def audience(self) -> str:
        """`--venue` tells the confirmed, unless the filter names another status."""
        named = any(word.startswith("status=") for word in self.where.split())
        return f"{self.where} status=confirmed".strip() if self.with_venue and not named else self.where


def plan(settings: Settings, clock: Clock) -> list[dict[str, Any]]:
    """Every reminder with its time, how many it means now, and where it stands."""
    content, accounts = load(settings.content_folder()), Accounts.of(settings)
    with closing(opened(settings)) as database:
        return database.read_now(lambda session: reminders.plan(session, content, accounts, clock.now()))


def look_ahead(settings: Settings, clock: Clock, said: Broadcast) -> Iterator[str]:
    """What would happen if it left now; writes nothing. Raises UsherError for texts that cannot be sent."""
    content, accounts = load(settings.content_folder()), Accounts.of(settings)
    with closing(opened(settings)) as database:
        seen = database.read_now(lambda session: _looked(session, content, accounts, clock.now(), said))
    yield from preview_lines(seen, content)


def broadcast(settings: Settings, clock: Clock, said: Broadcast, *, again: bool) -> str:
    """Announces it, and writes the deliveries of what is due; the announcement's id. Raises UsherError."""
    content, accounts = load(settings.content_folder()), Accounts.of(settings)

    def announce(connection: Connection) -> str:
        now = clock.now()
        try:
            return announcements.broadcast(
                connection,
                accounts=accounts,
                now=now,
                texts=said.texts,
                audience=said.audience,
                more={"venue": True} if said.with_venue else {},
                due_at=max(said.at, now) if said.at else None,
                by="command",
                again=again,
            )
        except announcements.AnnouncedLately as lately:
            raise UsherError(f"{lately}; expected --again if that is meant") from None

    with closing(opened(settings)) as database:
        seen = database.read_now(lambda session: _looked(session, content, accounts, clock.now(), said))
        if not seen.people and not (said.at and said.at > clock.now()):
            raise UsherError("broadcast: nobody is meant, expected a filter that somebody meets; nothing was announced")
        name = database.transact_now(announce)
        while database.transact_now(lambda connection: queue_slice(connection, name, accounts, clock.now())):
            pass
    return name


def deliveries(settings: Settings, announcement: str | None) -> Generator[str]:
    """One JSON line a recipient and way, streamed; closing it closes the database. Raises NoSuchAnnouncement."""
    zone = zone_of(settings)
    with closing(opened(settings)) as database, Session(database.reader) as session:
        for row in report.listing(session, zone, announcement):
            yield json.dumps(row, ensure_ascii=False)


def scheduled(settings: Settings, clock: Clock, announcement: str) -> str:
    """When an announcement leaves whose deliveries are not written yet, in words; empty for every other."""
    zone = load(settings.content_folder()).event.zone
    with closing(opened(settings)) as database:
        seen = database.read_now(lambda session: report.progress(session, announcement))
    if not seen.scheduled(clock.now()):
        return ""
    at = seen.due_at.astimezone(zone).isoformat(timespec="seconds")
    return f"{announcement} is scheduled for {at}: its deliveries are written then"


def calls(settings: Settings, clock: Clock) -> Iterator[bytes]:
    """Whom to phone and why, as CSV, streamed."""
    with closing(opened(settings)) as database, Session(database.reader) as session:
        yield export.BYTE_ORDER_MARK + export.csv_line(_CALL)
        for call in report.calls(session, clock.now()):
            yield export.csv_line(getattr(call, name) for name in _CALL)


def publish_venue(settings: Settings, clock: Clock, details: venues.Details) -> Venue:
    """Publishes the venue: every answer uses it from then on. Raises WrongVenue."""
    venue = venues.read(details)
    with closing(opened(settings)) as database:
        database.transact_now(lambda connection: venues.publish(connection, venue, clock.now()))
    return venue


def preview_lines(seen: Preview, content: Content) -> Iterator[str]:
    """A preview in words: by which route, until when, who is not reached and why."""
    yield f"{seen.people} people, {_counted(seen.languages)}" if seen.people else "nobody is meant"
    for route, count in seen.routes.most_common():
        if rest := seen.rests.get(route):
            until = rest.until.astimezone(content.event.zone).isoformat(" ", "minutes")
            yield f"by {route}, which rests until {until} ({rest.reason}): {count} will follow then"
        else:
            yield f"now by {route}: {count}"
    for name, why in seen.off.items():
        yield f"off: {name}, {why}"
    if seen.windows:
        first, last = (moment.astimezone(content.event.zone).isoformat(" ", "minutes") for moment in seen.windows)
        yield f"open WeChat windows close {f'at {first}' if first == last else f'between {first} and {last}'}"
    for (status, reason), count in seen.reasons.most_common():
        shown = f"{status} (shown when they next write)" if status == DeliveryStatus.WAITING else status
        yield f"not now, {shown}: {count}, {reason}"
    for missed in seen.missed[:_NEEDS_SIGHT]:
        yield f"  {missed.reference}: {missed.status}, {missed.reason}"
    if len(seen.missed) > _NEEDS_SIGHT:
        yield f"  and {len(seen.missed) - _NEEDS_SIGHT} more"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _looked(session: Session, content: Content, accounts: Accounts, now: datetime, said: Broadcast) -> Preview:
    """Everybody whom it would reach now. Raises UsherError for texts that cannot be sent to them."""
    if not said.texts:
        raise UsherError("broadcast: expected --zh TEXT and --en TEXT")
    if said.at and not now - _IN_TIME <= said.at <= now + _AHEAD:
        wrong = "is over" if said.at < now else "is too far ahead"
        raise UsherError(f"broadcast: --at {said.at.isoformat()} {wrong}, expected a time within the next 400 days")
    check(said.audience, content.form)
    seen = preview(session, said.audience, said.texts, accounts, now)
    languages: list[Language] = [name for name in LANGUAGES if seen.languages[name] or name in said.texts]
    found = faults(
        content,
        said.texts,
        published_venue(session),
        with_venue=said.with_venue,
        languages=languages,
    )
    if found:
        raise UsherError("broadcast: " + "; ".join(found))
    return seen
