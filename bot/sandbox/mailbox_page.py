"""The mailbox on the demo's page: the list, one mail, its HTML in a frame of its own, its attachments to keep."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.sandbox.mailbox import Mailbox
from bot.sandbox.mailbox_mail import Attachment, Mail
from bot.sandbox.page_request import BadRequest, Fields, answering

# A mail may bring its own styles and pictures and open links in a new window; it runs nothing and fetches nothing.
FRAME = "allow-popups allow-popups-to-escape-sandbox"
_IN_FRAME = (
    f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    f"frame-ancestors 'self'; sandbox {FRAME}"
)
_AS_FILE = "default-src 'none'; frame-ancestors 'none'; sandbox"
_PICTURES = ("image/png", "image/jpeg", "image/gif")
_SHOWN = 5  # times one picture stands in a mail: a hostile one would name it a million times
_HEAD = re.compile(r"<head(?:\s[^>]{0,200})?>", re.IGNORECASE)
_TARGET = '<base target="_blank">'


class MailboxPage:
    """The mailbox's part of the page; `local` gives a moment in the event's zone."""

    def __init__(self, mailbox: Mailbox, local: Callable[[datetime], datetime]) -> None:
        self._mailbox, self._local = mailbox, local

    def routes(self) -> list[BaseRoute]:
        """Under /sandbox."""
        return [
            Route("/api/mail/{mail}", answering(self._open), methods=["GET"]),
            Route("/mail/{mail}/html", answering(self._html), methods=["GET"]),
            Route("/mail/{mail}/source", answering(self._source), methods=["GET"]),
            Route("/mail/{mail}/{part}", answering(self._part), methods=["GET"]),
        ]

    def state(self, seen: str | None) -> Fields:
        """The list, newest first, unless the page has seen it already."""
        version = str(self._mailbox.version)
        mails = None if seen == version else [self._row(mail) for mail in reversed(self._mailbox.mails)]
        return {"version": version, "mails": mails}

    def _row(self, mail: Mail) -> Fields:
        at = f"{self._local(mail.at):%m-%d %H:%M}"
        to = list(mail.recipients)
        return {"number": mail.number, "at": at, "from": mail.sender, "to": to, "subject": mail.subject}

    async def _open(self, request: Request) -> Response:
        mail = self._found(request)
        files = [
            {"part": part, "name": one.name, "size": _size(len(one.content)), "picture": one.kind in _PICTURES}
            for part, one in enumerate(mail.attachments, start=1)
            if not _stands_in(mail, one)
        ]
        more = {"text": mail.text, "html": bool(mail.html), "files": files}
        return JSONResponse(self._row(mail) | more)

    async def _html(self, request: Request) -> Response:
        mail = self._found(request)
        html = mail.html
        for one in mail.attachments:
            if _stands_in(mail, one):
                html = html.replace(f"cid:{one.inside}", _data(one), _SHOWN)
        head = _HEAD.search(html)
        html = html[: head.end()] + _TARGET + html[head.end() :] if head else _TARGET + html
        headers = {"content-security-policy": _IN_FRAME}
        return Response(html.encode(), headers=headers, media_type="text/html; charset=utf-8")

    async def _source(self, request: Request) -> Response:
        mail = self._found(request)
        return _file(Attachment(f"mail-{mail.number}.eml", "message/rfc822", mail.raw))

    async def _part(self, request: Request) -> Response:
        mail, part = self._found(request), _positive(request.path_params["part"])
        if part > len(mail.attachments):
            raise BadRequest(404)
        return _file(mail.attachments[part - 1])

    def _found(self, request: Request) -> Mail:
        mail = self._mailbox.mail(_positive(request.path_params["mail"]))
        if mail is None:
            raise BadRequest(404)
        return mail


def _positive(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise BadRequest(404)
    return int(text)


def _file(one: Attachment) -> Response:
    """A file to keep: pictures and calendars say what they are, nothing else is believed about itself."""
    kind = one.kind if one.kind in (*_PICTURES, "text/calendar") else "application/octet-stream"
    headers = {
        "content-security-policy": _AS_FILE,
        "content-disposition": f"attachment; filename*=UTF-8''{quote(one.name, safe='')}",
    }
    return Response(one.content, headers=headers, media_type=kind)


def _stands_in(mail: Mail, one: Attachment) -> bool:
    """Whether it is a picture that the HTML shows."""
    return bool(one.inside) and one.kind in _PICTURES and f"cid:{one.inside}" in mail.html


def _data(one: Attachment) -> str:
    return f"data:{one.kind};base64,{base64.b64encode(one.content).decode()}"


def _size(count: int) -> str:
    return f"{count} B" if count < 1000 else f"{count / 1000:.0f} kB"
