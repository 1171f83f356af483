"""Composes every message that leaves later, for the one route by which it goes: pure, and the same at each try."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.adapters.base import Mail, Outgoing, Pin
from bot.content.event import Event
from bot.content.facts import Venue
from bot.content.records import Content
from bot.content.words import Language
from bot.delivery.people import Due
from bot.errors import Refused
from bot.message import Reply
from bot.registration import calendar, chat, mail
from bot.registration.passed_on import passed_on
from bot.registration.template import fields
from bot.registration.ticket import ticket_link
from bot.registration.voice import Voice
from bot.store.outbox import Kind, Route
from bot.store.tables import Status

PROMOTED = "promoted"  # confirmed after waiting for a seat
_DECISIONS = frozenset({*Status, PROMOTED})
QUOTED = 60  # characters of a question that its answer repeats
_NO_ORGANIZER = "no-reply@usher.invalid"  # RFC 5545 wants an address, and there may be none to give


class Composer:
    """Called by the lanes. `templates`: the WeChat template of each kind; `mail_from`: the sender of mails, or ""."""

    def __init__(
        self,
        content: Callable[[], Content],
        public_url: str | None,
        secret: bytes,
        templates: Mapping[str, str],
        mail_from: str = "",
    ) -> None:
        self._content, self._public_url, self._secret, self._templates = content, public_url, secret, templates
        self._mail_from = mail_from.rpartition("<")[2].strip(" >")

    def __call__(self, due: Due, route: str, venue: Venue | None, sequence: int) -> Outgoing:
        """The message of one delivery. Raises Refused where its texts cannot be filled for this person."""
        case = self._case(due, venue, sequence)
        key = self._key(due)
        if due.kind == Kind.NOTE:
            words = _texts(due, case.say.language)["text"]
            return Outgoing(key, passed_on(case.say, due.announcement_id, due.more, words))
        if route == Route.EMAIL:
            return Outgoing(key, mail=_mail(replace(case, say=_by_mail(case))))
        if route == Route.WECHAT_TEMPLATE:
            if not self._templates.get(due.kind):
                raise Refused(f"there is no template for a {due.kind}")
            return Outgoing(
                key, template=self._templates[due.kind], data=fields(case.say, _short(case)), link=case.link
            )
        if route == Route.TELEGRAM:
            return Outgoing(key, Reply(_told(case, wechat=False).on_telegram()), pin=_pin(case))
        return Outgoing(key, Reply(_told(case, wechat=True).on_wechat()))

    def of(self, content: Content) -> Composer:
        """The same, out of that content whatever is swapped in: a turn holds one from its begin to its end."""
        return Composer(lambda: content, self._public_url, self._secret, self._templates, self._mail_from)

    def _case(self, due: Due, venue: Venue | None, sequence: int) -> _Case:
        person, content = due.person, self._content()  # once: it may be swapped at any moment
        decision = _decision(due)
        seated = decision in (Status.CONFIRMED, PROMOTED) if decision else person.status == Status.CONFIRMED
        language: Language = "en" if person.language == "en" else "zh"
        say = Voice(content, venue, language, person.name, person.reference or "", seated)
        link = ticket_link(self._public_url, self._secret, person.reference) if person.reference else ""
        organizer = content.event.contact.email or self._mail_from or _NO_ORGANIZER
        return _Case(due, say, decision, link, sequence, organizer, mailed=bool(self._mail_from and person.email))

    def _key(self, due: Due) -> str:
        """The same at every try, and of no other installation: mailboxes drop a Message-ID that they know."""
        named = "\0".join((due.announcement_id, due.person.key, due.way))
        return f"{due.id}-{hmac.digest(self._secret, named.encode(), 'sha256').hex()[:16]}"


@dataclass(frozen=True, slots=True)
class _Case:
    """One delivery with what its message is made of."""

    due: Due
    say: Voice
    decision: str  # confirmed, promoted, waitlisted ...; empty for reminders and broadcasts
    link: str  # of the ticket's page; empty: none
    sequence: int
    organizer: str
    mailed: bool  # whether a mail goes to them as well

    @property
    def event(self) -> Event:
        return self.say.content.event

    @property
    def with_venue(self) -> bool:
        """Whether where it is belongs to the message."""
        return bool(self.due.more.get("venue"))

    @property
    def ticket(self) -> str:
        """The link of the ticket, where it is of use: to those with a seat, until the event is over."""
        wanted = self.decision or self.with_venue or self.due.kind == Kind.REMINDER
        return self.link if wanted and self.say.seated and self.due.due_at < self.event.end else ""

    @property
    def takes_back(self) -> bool:
        """Whether a calendar entry that they have is to go."""
        had = self.due.more.get("before", Status.CONFIRMED if self.decision == Status.CANCELLED else "")
        return bool(self.decision) and not self.say.seated and had == Status.CONFIRMED

    @property
    def text(self) -> str:
        """An organizer's own text in the person's language, filled."""
        if self.with_venue and self.say.venue is None:
            raise Refused("no venue is published")
        words = _texts(self.due, self.say.language).get("text", "").strip()
        if self.due.kind == Kind.ANSWER:
            return f"{self._reminds}{self.say('handoff.answer')}\n{self.say.fill_known(words)}"
        return self.say.fill(words)

    @property
    def _reminds(self) -> str:
        """What they had asked, where that may be long ago; a reply in the middle of a talk needs none."""
        asked = " ".join(self.due.asked.split())
        if not (self.due.more.get("quotes") and asked):
            return ""
        short = asked if len(asked) <= QUOTED else f"{asked[: QUOTED - 1]}…"
        return f"{self.say('answer.asked', question=short)}\n"


def _decision(due: Due) -> str:
    if due.kind != Kind.DECISION:
        return ""
    status = str(due.more.get("decision", ""))
    if status not in _DECISIONS:
        raise Refused(f"no words for the decision {status!r}")
    return PROMOTED if (status, due.more.get("before")) == (Status.CONFIRMED, Status.WAITLISTED) else status


def _texts(due: Due, language: str) -> Mapping[str, str]:
    """In the person's language, or in the one that there is."""
    texts = due.texts.get(language) or next(iter(due.texts.values()), {})
    if not texts.get("text", "").strip():
        raise Refused("there is no text")
    return texts


def _told(case: _Case, *, wechat: bool) -> chat.Told:
    say, person = case.say, case.due.person
    if case.decision:
        mail_to = person.email if case.mailed else ""
        return chat.decided(say, case.decision, ticket=case.ticket, mail_to=mail_to, pass_on=person.colleague)
    return chat.announced(
        say, case.text, ticket=case.ticket, venue=case.with_venue, wechat=wechat, pass_on=person.colleague
    )


def _pin(case: _Case) -> Pin | None:
    venue, language = case.say.venue, case.say.language
    if venue is None or not case.with_venue:
        return None
    return Pin(venue.latitude, venue.longitude, venue.name.of(language), venue.address.of(language))


def _short(case: _Case) -> str:
    say, due = case.say, case.due
    short = "" if case.decision else _texts(due, say.language).get("short", "").strip()
    short = short or say(f"template.{case.decision or due.kind}")
    return f"{due.person.name}{'：' if say.language == 'zh' else ': '}{short}" if due.person.colleague else short


def _by_mail(case: _Case) -> Voice:
    person = case.due.person
    channel = person.address.channel if person.address else ""
    return replace(case.say, by_mail=True, channel=channel, colleague=person.colleague)


def _mail(case: _Case) -> Mail:
    say = case.say
    if case.decision and say.seated:
        letter = mail.confirmed(say, case.decision, case.ticket)
    elif case.decision:
        letter = mail.decided(say, case.decision, takes_back=case.takes_back)
    else:
        letter = mail.announced(say, case.due.kind, case.text, case.ticket, venue=case.with_venue)
    return mail.write(letter, say, _invitation(case))


def _invitation(case: _Case) -> mail.Invitation:
    """For those with a seat, who are told of it or of the venue; for those who lost it, one that takes it back."""
    # RFC 5546, 2.1.4 and 2.1.5: what takes an entry back has a higher number than it; of the same the later one counts.
    number = case.sequence + (case.takes_back or case.due.more.get("number", 1) > 1)
    if case.takes_back:
        version = calendar.Version(number, case.due.due_at, "CANCEL")
    elif case.say.seated and (case.decision or case.with_venue):
        version = calendar.Version(number, case.due.due_at)
    else:
        return mail.Invitation()
    say, person = case.say, case.due.person
    guest = calendar.Guest(say.reference, person.name, person.email, say.language)
    content = calendar.entry(case.event, say.venue, guest, version, case.organizer, _about(case), case.ticket)
    return mail.Invitation(content, version.method)


def _about(case: _Case) -> str:
    say = case.say
    lines = [f"{say('ticket.label.reference')} {say.reference}"]
    if case.ticket:
        lines.append(f"{say('mail.open')} {case.ticket}")
    if say.seated:
        lines.append(say.cannot_come)
    return "\n".join(lines)
