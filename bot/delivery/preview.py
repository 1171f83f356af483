"""A look before anything is sent: how many are reached by which route, and who is not, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select, text
from sqlmodel import Session, col

from bot.delivery.announcements import Texts
from bot.delivery.audience import audience
from bot.delivery.people import Person
from bot.delivery.queueing import Sending, fate, switched_off
from bot.delivery.routes import Accounts, Step, Used, until
from bot.delivery.whom import PEOPLE, registered
from bot.store.outbox import DeliveryStatus, Kind, Lane, Route, Way
from bot.store.tables import Contact, Registration

_AT_ONCE = 1000  # rows


@dataclass(frozen=True, slots=True)
class Missed:
    """One person whom no route reaches now."""

    reference: str
    way: str
    status: str  # waiting, unreachable or skipped
    reason: str


@dataclass(frozen=True, slots=True)
class Rest:
    """A lane that sends nothing now."""

    until: datetime  # real time
    reason: str


@dataclass(slots=True)
class Preview:
    """What would happen if it were sent now."""

    people: int = 0
    routes: Counter[str] = field(default_factory=Counter)  # how many messages by each route
    languages: Counter[str] = field(default_factory=Counter)  # how many people read each
    samples: dict[str, Person] = field(default_factory=dict)  # one who reads each, to show them what it will say
    missed: list[Missed] = field(default_factory=list)  # one for each person and way
    rests: dict[str, Rest] = field(default_factory=dict)  # of the lanes of these routes
    off: dict[str, str] = field(default_factory=dict)  # routes that the platform took away, and why
    windows: tuple[datetime, datetime] | None = None  # when the first and the last of the open WeChat windows close

    @property
    def reasons(self) -> Counter[tuple[str, str]]:
        """How many are not reached, by status and reason."""
        return Counter((row.status, row.reason) for row in self.missed)


def preview(
    session: Session,
    filter_text: str,
    texts: Texts,
    accounts: Accounts,
    now: datetime,
    ways: Sequence[Way] = (Way.CHAT,),
    kind: Kind = Kind.BROADCAST,
) -> Preview:
    """What an announcement would do now; writes nothing. Raises WrongFilter."""
    off, rests, used = switched_off(session.connection(), now), _rests(session), Used()
    sending = Sending("", kind, texts, {"ways": ways}, now, None, now, accounts, off)
    seen = Preview(off={f"{lane} {name}": why for lane, parts in off.items() for name, why in parts.items()})
    for person in _meant(session, filter_text, kind):
        seen.people += 1
        seen.languages[person.language] += 1
        if person.language not in seen.samples or (seen.samples[person.language].colleague and not person.colleague):
            seen.samples[person.language] = person
        for way in ways:
            _count(seen, sending, used.left(person), way, used, rests)
    return seen


def readers(session: Session, filter_text: str) -> Counter[str]:
    """How many of those whom a broadcast means read each language. Raises WrongFilter."""
    language = func.coalesce(col(Contact.language), col(Registration.language))
    counted = select(language, func.count()).select_from(Registration)
    counted = counted.join(Contact, col(Contact.id) == col(Registration.contact_id), isouter=True)
    rows = session.execute(counted.where(audience(filter_text, Kind.BROADCAST)).group_by(language))
    return Counter({str(name): int(count) for name, count in rows})


def _rests(session: Session) -> dict[str, Rest]:
    """The lanes that rest, by the real time that the database itself tells."""
    real = "strftime('%Y-%m-%d %H:%M:%f', 'now')" if session.connection().dialect.name == "sqlite" else "now()"
    columns = (col(Lane.account), col(Lane.paused_until), col(Lane.reason))
    rows = session.execute(select(*columns).where(text(f"paused_until > {real}")))
    return {account: Rest(until, reason) for account, until, reason in rows if until}


def _meant(session: Session, filter_text: str, kind: Kind) -> Iterator[Person]:
    statement = PEOPLE.where(audience(filter_text, kind)).order_by(col(Registration.id))
    return map(registered, session.connection().execute(statement, execution_options={"yield_per": _AT_ONCE}))


def _count(seen: Preview, sending: Sending, person: Person, way: Way, used: Used, rests: Mapping[str, Rest]) -> None:
    found = fate(sending, person, way)
    if not isinstance(found, Step):
        status, reason = found
        seen.missed.append(Missed(person.reference or "", way, DeliveryStatus(status).value, reason))
        return
    seen.routes[found.route.value] += 1
    if found.lane in rests:
        seen.rests[found.route.value] = rests[found.lane]
    closes = None
    if found.route is Route.WECHAT_MESSAGE:
        closes = until(person, sending.now)
        used.take(person, sending.now)
    if closes:
        first, last = seen.windows or (closes, closes)
        seen.windows = (min(first, closes), max(last, closes))
