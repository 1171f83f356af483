"""What an SMTP server may do at each step, and what that means to a sender."""

from __future__ import annotations

from bot.errors import Misconfigured, NoConnection, Refused, TryLater, Unconfirmed, Unreachable, UsherError
from tests.mail_server import CUT, SILENCE

NO = "5.1.1 <wang.fang-secret@example.com>: unknown"
Row = tuple[str, object, type[UsherError], str]
BEFORE = ("EHLO", "MAIL", "RCPT", "DATA")  # the content has not been handed over
ROWS: list[Row] = [
    # the step, what the server does, what it means, what organizers read
    ("GREETING", "421 4.3.2 too busy", TryLater, "421 4.3.2"),
    ("GREETING", "554 no service here", Misconfigured, "554"),
    ("GREETING", CUT, NoConnection, "SMTPConnectError"),
    ("GREETING", SILENCE, NoConnection, "SMTPConnectTimeoutError"),
    ("GREETING", "hello there", NoConnection, "SMTP"),
    ("EHLO", "421 not now", TryLater, "421"),
    ("EHLO", "550 who are you", Misconfigured, "550"),
    ("MAIL", "421 4.7.0 closing", TryLater, "421 4.7.0"),
    ("MAIL", "451 4.3.0 later", TryLater, "451 4.3.0"),
    ("MAIL", "452 full", TryLater, "452"),
    ("MAIL", "530 5.7.0 log in first", Misconfigured, "530 5.7.0"),
    ("MAIL", "550 not your address", Misconfigured, "550"),
    ("MAIL", "553 5.7.1 not your address", Misconfigured, "553 5.7.1"),
    ("RCPT", "421 closing", TryLater, "421"),
    ("RCPT", "450 4.2.0 greylisted", TryLater, "450 4.2.0"),
    ("RCPT", "451 later", TryLater, "451"),
    ("RCPT", "452 4.2.2 mailbox full", TryLater, "452 4.2.2"),
    ("RCPT", "530 log in first", Misconfigured, "530"),
    ("RCPT", f"550 {NO}", Unreachable, "550 5.1.1"),
    ("RCPT", "551 moved", Unreachable, "551"),
    ("RCPT", "553 bad name", Unreachable, "553"),
    ("RCPT", "554 5.7.1 no", Unreachable, "554 5.7.1"),
    ("DATA", "421 closing", TryLater, "421"),
    ("DATA", "451 later", TryLater, "451"),
    ("DATA", "503 out of order", Refused, "503"),
    ("DATA", "554 5.5.1 no valid recipients", Refused, "554 5.5.1"),
    ("DATA", "what", TryLater, "SMTP"),
    ("CONTENT", "421 closing", TryLater, "421"),
    ("CONTENT", "451 4.3.0 later", TryLater, "451 4.3.0"),
    ("CONTENT", "452 no room", TryLater, "452"),
    ("CONTENT", "552 5.3.4 too big", Refused, "552 5.3.4"),
    ("CONTENT", "554 5.7.1 looks like spam", Refused, "554 5.7.1"),
    ("CONTENT", CUT, Unconfirmed, "no answer"),
    ("CONTENT", SILENCE, Unconfirmed, "no answer"),
    ("CONTENT", "what", Unconfirmed, "no answer"),
    ("CONTENT", "354 more please", Unconfirmed, "no answer"),
    ("EHLO", CUT, NoConnection, "SMTPServerDisconnected"),
    ("EHLO", SILENCE, NoConnection, "SMTPReadTimeoutError"),
    *((step, CUT, TryLater, "SMTPServerDisconnected") for step in BEFORE[1:]),
    *((step, SILENCE, TryLater, "SMTPReadTimeoutError") for step in BEFORE[1:]),
]
