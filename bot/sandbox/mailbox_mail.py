"""A mail as it came over the wire becomes what a mail program shows: headers, plain text, HTML, attachments."""

from __future__ import annotations

import codecs
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage, Message
from email.parser import BytesParser

_PARTS = 100  # of one mail; what comes after them is not looked at
_HEADER = 500  # characters shown of one
_CHARSETS = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252", "gb2312", "gbk", "gb18030", "big5"})
_ENDINGS = {
    "text/calendar": "ics",
    "text/plain": "txt",
    "text/html": "html",
    "image/png": "png",
    "image/jpeg": "jpg",
    "application/pdf": "pdf",
    "message/rfc822": "eml",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part of a mail that is neither its text nor its HTML."""

    name: str  # as a file
    kind: str  # content type
    content: bytes
    inside: str = ""  # the Content-ID by which the HTML shows it


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, kept as it came and as it is shown."""

    number: int  # from 1, in order
    at: datetime  # aware, the product's time
    recipients: tuple[str, ...]  # of the envelope
    sender: str  # From, To and Subject as they stand in the header
    to: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...]
    raw: bytes


def read_mail(number: int, at: datetime, recipients: tuple[str, ...], raw: bytes) -> Mail:
    """Reads a mail; one that cannot be read is shown as the plain text that it is."""
    whole = tuple(clean(one) for one in recipients)
    try:
        message = BytesParser(policy=email.policy.default).parsebytes(raw)
        text, html, attachments = _contents(message)
        sender, to, subject = (_header(message, name) for name in ("From", "To", "Subject"))
    except Exception:  # the parser promises nothing for what is no mail: it raises all kinds, RecursionError too
        return Mail(number, at, whole, "", "", "", raw.decode("utf-8", "replace"), "", (), raw)
    return Mail(number, at, whole, sender, to, subject, text, html, attachments, raw)


def clean(text: str) -> str:
    """Without the halves of characters by which the parsers carry bytes that they could not read."""
    return text.encode("utf-8", "replace").decode()


def _contents(message: Message) -> tuple[str, str, tuple[Attachment, ...]]:
    texts: dict[str, str] = {}
    attachments: list[Attachment] = []
    for number, part in enumerate(_leaves(message), start=1):
        kind = part.get_content_type()
        attached = part.get_content_disposition() == "attachment"
        if kind in ("text/plain", "text/html") and kind not in texts and not attached:
            texts[kind] = _text(part)
        else:
            attachments.append(_attachment(part, kind, number))
    return texts.get("text/plain", ""), texts.get("text/html", ""), tuple(attachments)


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, in order; a mail inside the mail is one of them."""
    waiting, found = [message], 0
    while waiting and found < _PARTS:
        part = waiting.pop()
        if part.get_content_maintype() == "multipart":
            inside = part.get_payload()
            waiting += [one for one in reversed(inside) if isinstance(one, Message)] if isinstance(inside, list) else []
            continue
        found += 1
        yield part


def _text(part: Message) -> str:
    raw, charset = _bytes(part), part.get_content_charset("utf-8")
    try:
        known = codecs.lookup(charset).name in _CHARSETS
    except (LookupError, ValueError):
        known = False
    return raw.decode(charset if known else "utf-8", "replace")


def _attachment(part: Message, kind: str, number: int) -> Attachment:
    name = re.sub(r"[^\w.\- ()]", "_", clean(part.get_filename() or ""))[-100:].strip(" .")
    inside = clean(str(part.get("Content-ID", ""))).strip("<> \t\r\n")
    shown = kind if re.fullmatch(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}", kind) else "application/octet-stream"
    return Attachment(name or f"part-{number}.{_ENDINGS.get(shown, 'bin')}", shown, _bytes(part), inside)


def _bytes(part: Message) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inside = part.get_payload()
        return inside[0].as_bytes() if isinstance(inside, list) and isinstance(inside[0], EmailMessage) else b""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _header(message: Message, name: str) -> str:
    try:
        return clean(str(message.get(name, "")))[:_HEADER]
    except Exception:  # a header is read when it is asked for, and the reader has faults of its own
        return ""
