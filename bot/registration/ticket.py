"""A person's ticket: a signed address, and the QR code that holds it."""

from __future__ import annotations

import base64
import hmac
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import segno

_PURPOSE = b"usher: tickets"
_SIGNATURE = 20  # bytes, 160 bits: 32 letters and digits without padding
_TOKEN = re.compile(r"([a-z2-7]{32})-([A-Z]{2,6}-[0-9A-HJKMNP-TV-Z]{6})")
_UNSIGNED = ("", "")


def ticket_token(secret: bytes, reference: str) -> str:
    """What stands in the address of a ticket: the signature, then the reference.

    Only letters, digits and hyphens, and a letter or digit at the end: wherever it is pasted, all of it is the link.
    """
    return f"{_signature(secret, reference)}-{reference}"


def read_token(secret: bytes, token: str) -> str | None:
    """The reference of a token that we signed, or None; the time it takes does not tell what is wrong with it."""
    found = _TOKEN.fullmatch(token)
    signature, reference = found.groups() if found else _UNSIGNED
    right = hmac.compare_digest(signature, _signature(secret, reference))
    return reference if right and found else None


def ticket_link(public_url: str | None, secret: bytes, reference: str) -> str:
    """The address of a ticket; empty where the installation has none of its own."""
    return f"{public_url}/ticket/{ticket_token(secret, reference)}" if public_url else ""


def qr_png(url: str) -> bytes:
    """The address as a QR code, black on white in dark mode too, with the quiet zone that readers need."""
    png = io.BytesIO()
    _qr(url).save(png, kind="png", scale=6, border=4, compresslevel=6)
    return png.getvalue()


def qr_svg(url: str) -> str:
    """The same as an SVG element for a page: sharp at any size, no file of its own."""
    return _qr(url).svg_inline(border=4, omitsize=True)


def _qr(url: str) -> segno.QRCode:
    """Level M is read also with a scratch across the screen. The mask is the one that mostly wins: trying all eight
    takes 4 of 5 milliseconds, and a lane composes thirty mails in a row (400 codes of it were read back)."""
    import segno  # here, for only mails and tickets need it

    return segno.make_qr(url, error="m", mask=4)


def _signature(secret: bytes, reference: str) -> str:
    """HMAC-SHA256 under a key that signs nothing but tickets."""
    key = hmac.digest(secret, _PURPOSE, "sha256")
    signed = hmac.digest(key, reference.encode(), "sha256")[:_SIGNATURE]
    return base64.b32encode(signed).decode().lower()
