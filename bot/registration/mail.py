"""What a mail says, written once and shown twice: as plain text, and as HTML for light and dark screens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup, escape

from bot.adapters.base import Attachment, Mail
from bot.content.facts import Venue
from bot.registration.page import page
from bot.registration.place import map_link
from bot.registration.ticket import qr_png
from bot.registration.voice import Voice
from bot.store.tables import Status

_QR = "ticket"  # the content id under which the HTML shows it
_COLON = {"zh": "：", "en": ": "}
Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """The parts of a mail from top to bottom; what is empty is left out."""

    subject: str
    paragraphs: tuple[str, ...]
    rows: Rows = ()  # what to know at a glance: (label, value)
    map: str = ""  # a link
    ticket: str = ""  # the link that the QR code holds
    show: str = ""  # what to do with it at the door
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invitation:
    """The calendar entry that goes along."""

    content: bytes = b""
    method: str = "REQUEST"


def confirmed(say: Voice, status: str, ticket: str) -> Letter:
    """They have a seat: everything that one needs to come. `status` is confirmed or promoted."""
    return Letter(
        subject=say(f"mail.subject.{status}"),
        paragraphs=(say("mail.hello"), say(f"mail.{status}")),
        rows=(*when_and_where(say), (say("ticket.label.reference"), say.reference)),
        map=_map(say, say.venue),
        ticket=ticket,
        show=say("mail.show" if ticket else "mail.show_number"),
        notes=(say("mail.calendar"), say.cannot_come),
    )


def decided(say: Voice, status: str, *, takes_back: bool) -> Letter:
    """Waitlisted, pending, declined, cancelled. `takes_back`: a calendar entry that they have is cancelled along."""
    return Letter(
        subject=say(f"mail.subject.{status}"),
        paragraphs=(say("mail.hello"), _decision(say, status)),
        rows=((say("ticket.label.when"), say("ticket.when")), (say("ticket.label.reference"), say.reference)),
        notes=(say("mail.calendar_off"),) if takes_back else (),
    )


def _decision(say: Voice, status: str) -> str:
    if status == Status.CANCELLED:
        return say("mail.cancelled_colleague" if say.colleague else "mail.cancelled", chat=say.chat)
    return say(f"mail.{status}")


def announced(say: Voice, kind: str, text: str, ticket: str, *, venue: bool) -> Letter:
    """A reminder or a broadcast: an organizer's own words, filled; `venue`: with where it is."""
    return Letter(
        subject=say(f"mail.subject.{kind}"),
        paragraphs=tuple(part.strip() for part in text.split("\n\n") if part.strip()),
        rows=when_and_where(say) if venue else (),
        map=_map(say, say.venue if venue else None),
        ticket=ticket,
        show=say("mail.show") if ticket else "",
        notes=(say("mail.calendar"),) if venue and say.seated else (),
    )


def when_and_where(say: Voice) -> Rows:
    """Time and place, by label."""
    rows = [("when", say("ticket.when")), ("where", say("ticket.where" if say.venue else "ticket.where_later"))]
    if say.venue and say.venue.directions:
        rows.append(("directions", say.venue.directions.of(say.language)))
    return tuple((say(f"ticket.label.{label}"), value) for label, value in rows)


def write(letter: Letter, say: Voice, invitation: Invitation) -> Mail:
    """The whole mail."""
    qr = Attachment(f"{say.reference}.png", "image/png", qr_png(letter.ticket), _QR) if letter.ticket else None
    return Mail(
        subject=letter.subject,
        text=_text(letter, say),
        html=page("mail.html").render(letter=letter, say=say, qr=_QR, lines=_lines(say.reference), footer=_footer(say)),
        attachments=(qr,) if qr else (),
        calendar=invitation.content,
        method=invitation.method,
    )


def _text(letter: Letter, say: Voice) -> str:
    colon = _COLON[say.language]
    rows = "\n".join(f"{label}{colon}{value}" for label, value in letter.rows)
    links = [(say("ticket.map"), letter.map), (say("mail.open"), letter.ticket)]
    shown = "\n".join(f"{label}{colon}{link}" for label, link in links if link)
    parts = (*letter.paragraphs, rows, shown, letter.show, *letter.notes, f"-- \n{_footer(say)}")
    return "\n\n".join(filter(None, parts)) + "\n"


def _footer(say: Voice) -> str:
    """Why they get it, and where to ask: nobody reads what is sent back."""
    return say("mail.footer_colleague" if say.colleague else "mail.footer", chat=say.chat)


def _lines(reference: str) -> Callable[[str], Markup]:
    """Puts a text into HTML: its line breaks are kept, and the reference is never broken at its hyphen."""
    whole = Markup('<span style="white-space:nowrap;">{}</span>').format(reference)

    def lines(text: str) -> Markup:
        kept = (
            escape(line).replace(escape(reference), whole) if reference else escape(line) for line in text.splitlines()
        )
        return Markup("<br>").join(kept)

    return lines


def _map(say: Voice, venue: Venue | None) -> str:
    return map_link(venue, say.language) if venue else ""
