"""What an SMTP server's answer, or its silence, means to a sender.

Everything up to the 354 that asks for the content is certainly not sent. Once the content is written only an answer
tells: RFC 5321, 4.2.5 (the server that answers 250 is responsible for the mail) and 6.1.
"""

from __future__ import annotations

import re
import ssl

from aiosmtplib import (
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from bot.errors import Misconfigured, NoConnection, Refused, TryLater, Unconfirmed, Unreachable, UsherError

SOON, LATER = 5.0, 30.0  # seconds: the server was not there; it asked for patience
_CLOSING = 421
_NO_LOGIN = 530  # authentication required, whichever command it answers: RFC 4954, 6
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")  # RFC 3463


def meaning(error: Exception, written: bool, *, connected: bool = True) -> UsherError:
    """What became of a mail. `connected`: there was a connection that was ready for it.

    The server's own words are left out: they may repeat the address.
    """
    if isinstance(error, SMTPResponseException) and error.code >= 400:  # RFC 5321, 4.2.1
        return _refusal(error)
    if written:
        return Unconfirmed("no answer came after the mail was handed over")
    if _is_certificate(error):
        return Misconfigured("the mail server's certificate is not trusted")
    if isinstance(error, SMTPResponseException | OSError):  # OSError: refused, cut, no such host, timed out
        later = TryLater if connected else NoConnection
        return later(f"the mail server cannot be used now ({type(error).__name__})", SOON)
    return Misconfigured("the mail server does not offer what is needed, such as a login")


def hung_up(error: BaseException) -> bool:
    """Whether the server ended the connection, as it may when one was kept open."""
    return isinstance(error, SMTPServerDisconnected) or (
        isinstance(error, SMTPResponseException) and error.code == _CLOSING
    )


def _refusal(error: SMTPResponseException) -> UsherError:
    said = _code(error)
    if error.code < 500:
        return TryLater(f"the mail server asks to try later ({said})", LATER)
    if isinstance(error, SMTPRecipientRefused) and error.code != _NO_LOGIN:
        return Unreachable(f"the mail server refuses the address ({said})")
    if isinstance(error, SMTPDataError) and error.code != _NO_LOGIN:
        return Refused(f"the mail server refuses the mail ({said})")
    return Misconfigured(f"the mail server refuses us: login or sender ({said})")


def _code(error: SMTPResponseException) -> str:
    enhanced = _ENHANCED.match(error.message)
    return f"{error.code} {enhanced[0]}" if enhanced else str(error.code)


def _is_certificate(error: BaseException | None) -> bool:
    return isinstance(error, ssl.SSLCertVerificationError) or (
        isinstance(error, SMTPException) and isinstance(error.__cause__, ssl.SSLCertVerificationError)
    )
