"""A mail of ours as the bytes that an SMTP server takes, and addresses as the envelope takes them; pure.

mixed
├─ alternative
│  ├─ text/plain
│  └─ related: text/html and the pictures it shows (cid:)
├─ text/calendar; method=REQUEST, named *.ics: mail programs offer it as an invitation, or as a file to open
└─ what else is attached
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from email_validator import EmailNotValidError, validate_email

from bot.adapters.base import Attachment, Mail
from bot.errors import Refused, Unreachable

_POLICY = SMTP.clone(cte_type="7bit")  # also by servers that take no 8-bit text
_CALENDAR = "event.ics"
_NO_HEADER = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]+")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True)
class Sender:
    """From: who writes."""

    name: str  # empty: the address alone is shown
    address: str

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]

    @classmethod
    def read(cls, setting: str) -> Sender:
        """Reads `usher@example.org` or `Usher <usher@example.org>`."""
        name, _, address = setting.rpartition("<")
        local, _, domain = address.strip(" >").rpartition("@")
        return cls(_line(name).strip('" '), f"{local}@{domain.encode('idna').decode()}")


def recipient(typed: str) -> str:
    """An address in the letters that every server takes. Raises Unreachable where there is no such form of it."""
    try:
        plain = validate_email(typed, check_deliverability=False, globally_deliverable=False).ascii_email
    except EmailNotValidError:
        plain = None
    if plain is None:
        raise Unreachable("not an e-mail address that mail servers take")
    return plain


def written(mail: Mail, sender: Sender, to: str, key: str, at: datetime) -> bytes:
    """The whole message as it goes over the wire. Raises Refused."""
    return message(mail, sender, to, key, at).as_bytes()


def message(mail: Mail, sender: Sender, to: str, key: str, at: datetime) -> EmailMessage:
    """The whole message. The same key gives the same Message-ID. Raises Refused for a key that no header can hold."""
    if not _KEY.fullmatch(key):
        raise Refused("a key that no Message-ID can hold")
    whole = EmailMessage(policy=_POLICY)
    whole["From"] = Address(sender.name, addr_spec=sender.address)
    whole["To"] = Address(addr_spec=to)
    whole["Subject"] = _line(mail.subject)
    whole["Date"] = format_datetime(at)
    whole["Message-ID"] = f"<{key}@{sender.domain}>"
    whole["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office note answers it
    whole.set_content(_sendable(mail.text))
    whole.add_alternative(_sendable(mail.html), subtype="html")
    _pictures(whole, [attachment for attachment in mail.attachments if attachment.cid])
    if mail.calendar:
        named = {"method": mail.method, "name": _CALENDAR}
        whole.add_attachment(mail.calendar.decode(), subtype="calendar", params=named, filename=_CALENDAR)
    for attachment in mail.attachments:
        if not attachment.cid:
            kind, _, subtype = attachment.media_type.partition("/")
            whole.add_attachment(attachment.content, kind, subtype, filename=attachment.name)
    return whole


def _pictures(whole: EmailMessage, pictures: list[Attachment]) -> None:
    """Puts the pictures beside the HTML that shows them."""
    html = whole.get_body(("html",))
    assert html is not None
    for picture in pictures:
        kind, _, subtype = picture.media_type.partition("/")
        cid = f"<{picture.cid}>"
        html.add_related(picture.content, kind, subtype, cid=cid, disposition="inline", filename=picture.name)


def _line(text: str) -> str:
    """On one line, and so inside one header."""
    return _NO_HEADER.sub(" ", text).strip()


def _sendable(text: str) -> str:
    """Without halves of characters, which UTF-8 cannot carry."""
    return text.encode("utf-8", "replace").decode()
