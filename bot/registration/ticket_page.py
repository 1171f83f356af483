"""The page that a ticket's QR code opens: who, what, when, where, and the code itself, for a phone at the door."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from markupsafe import Markup
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.content.facts import Venue
from bot.content.records import Content
from bot.content.words import Language
from bot.conversation.published import published_venue
from bot.errors import Unavailable
from bot.registration.page import TEMPLATES, page
from bot.registration.place import map_link
from bot.registration.ticket import qr_svg, read_token, ticket_link
from bot.registration.voice import Voice
from bot.store.database import Database
from bot.store.tables import Registration, Status

_STYLE = (TEMPLATES / "ticket.css").read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_CLOSED = (Status.DECLINED, Status.CANCELLED)
_HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-robots-tag": "noindex",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def routes(
    database: Database, content: Callable[[], Content], public_url: str | None, secret: bytes
) -> list[BaseRoute]:
    """GET /ticket/TOKEN. A token that we did not sign is 404, before anything is looked up."""

    async def show(request: Request) -> Response:
        reference = read_token(secret, request.path_params["token"])
        if reference is None:
            return _nothing(404)
        try:
            registration, venue = await database.read(lambda session: _find(session, reference))
        except Unavailable:
            return _nothing(503)
        if registration is None:
            return _nothing(404)
        page = render(content(), registration, venue, ticket_link(public_url, secret, reference))
        return Response(page, headers=_HEADERS, media_type="text/html")

    return [Route("/ticket/{token}", show, methods=["GET"])]


def render(content: Content, registration: Registration, venue: Venue | None, link: str) -> str:
    """The page. Only who has a seat gets the code; without a link there is none to give."""
    language: Language = "en" if registration.language == "en" else "zh"
    seated = registration.status == Status.CONFIRMED
    say = Voice(content, venue, language, registration.name or "", registration.reference, seated)
    return page("ticket.html").render(
        language=language,
        style=Markup(_STYLE),  # noqa: S704  # a file of ours
        say=say,
        status=registration.status,
        qr=Markup(qr_svg(link)) if seated and link else "",  # noqa: S704  # segno's own
        reference=registration.reference,
        rows=_rows(say, registration, venue),
        map=map_link(venue, language) if venue else "",
        open=registration.status not in _CLOSED,
    )


def _rows(say: Voice, registration: Registration, venue: Venue | None) -> list[tuple[str, str]]:
    """What a person checks at a glance, by label."""
    later = "ticket.where_later" if say.seated else "ticket.city"
    rows = [
        ("when", say("ticket.when")),
        ("where", say("ticket.where" if venue else later)),
        ("name", registration.name),
        ("organization", registration.organization),
    ]
    return [(say(f"ticket.label.{label}"), value) for label, value in rows if value]


def _find(session: Session, reference: str) -> tuple[Registration | None, Venue | None]:
    registration = session.exec(select(Registration).where(col(Registration.reference) == reference)).first()
    return registration, published_venue(session)


def _nothing(status: int) -> Response:
    return Response(status_code=status, headers=_HEADERS)
