"""Takes phone numbers and e-mail addresses out of what somebody wrote, before it is shown to others."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

PHONE, MAIL = "[☎]", "[✉]"
_AT = r"\s?(?:@|[(\[（【]\s?at\s?[)\]）】])\s?"
_MAILS = tuple(
    re.compile(rf"{local}{_AT}[\w-]+(?:\s?\.\s?[\w-]+)*", re.IGNORECASE)
    for local in (r"[a-z0-9.+_%'-]{1,64}", r"[\w.+-]{1,64}")
)
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d\s?[-./年]\s?\d{1,2}\s?[-./月]\s?\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d\d)(?!\d)"
)
# Whatever else has so many digits in a row may be a number under which somebody is reached.
_NUMBER = re.compile(r"\+?\(?\d(?:[\s\-–—.()/·]{0,3}\d){6,}")
_REGIONS = ("CN", "HK", "TW")


def masked(text: str) -> str:
    """The text with signs in their place: rather one number too many than one too few. Dates stay."""
    text = "".join(map(_narrow, text))
    for mail in _MAILS:
        text = mail.sub(MAIL, text)
    pieces, end = [], 0
    for date in _DATE.finditer(text):
        pieces += [_without_numbers(text[end : date.start()]), date[0]]
        end = date.end()
    return "".join((*pieces, _without_numbers(text[end:])))


def _narrow(letter: str) -> str:
    """Digits and signs of an address in other widths or scripts; all else is left as it was written."""
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    return unicodedata.normalize("NFKC", letter) if letter in "＠＋．－﹫" else letter


def _without_numbers(text: str) -> str:
    for region in _REGIONS:
        for found in reversed(list(phonenumbers.PhoneNumberMatcher(text, region))):
            text = text[: found.start] + PHONE + text[found.end :]
    return _NUMBER.sub(PHONE, text)
