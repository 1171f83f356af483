"""Sends mails through the SMTP server of USHER_SMTP_URL, and tells the certain from the uncertain."""

from __future__ import annotations

import asyncio
import re

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPServerDisconnected

from bot.adapters.base import Outgoing
from bot.adapters.email import convert
from bot.adapters.email.connections import STEP, Connections
from bot.adapters.email.meaning import hung_up, meaning
from bot.clock import Clock
from bot.errors import Refused
from bot.settings import Settings

LIMIT = 4.5  # seconds for one mail, waiting for a connection included: a lane gives 5, and would call it unconfirmed
_GO_ON, _TAKEN = 354, range(200, 300)
_DOT = re.compile(rb"(?m)^\.")  # RFC 5321, 4.5.2


class EmailAdapter:
    """One sender of mails. There is nobody to talk with here: answers go to a person's own mailbox.

    `step` and `limit`: the seconds for each step of the dialogue, and for one mail in all.
    """

    channel = account = "email"

    def __init__(self, settings: Settings, clock: Clock, *, step: float = STEP, limit: float = LIMIT) -> None:
        assert settings.smtp_url is not None
        assert settings.mail_from is not None
        self._clock, self._step, self._limit = clock, step, limit
        self._sender = convert.Sender.read(settings.mail_from)
        self._connections = Connections(settings.smtp_url.get_secret_value(), self._sender.domain, step)

    async def send(self, address: str, outgoing: Outgoing, route: str = "email") -> str:
        """Sends one mail; the server's own id of it matters to nobody: "".

        Raises TryLater, NoConnection, Paused, Unreachable, Refused, Misconfigured, Unconfirmed.
        """
        if outgoing.mail is None:
            raise Refused(f"there is no mail in a message for {route}")
        to = convert.recipient(address)
        # 5 milliseconds of work, for thirty mails at once: in a thread, so that replies go on.
        content = await asyncio.to_thread(
            convert.written, outgoing.mail, self._sender, to, outgoing.key, self._clock.now()
        )
        passage = _Passage(self._sender.address, to, content, self._step)
        try:
            async with asyncio.timeout(self._limit), self._connections.room(self._limit / 2):
                await self._post(passage)
        except (SMTPException, OSError) as error:  # OSError: no such host, refused, cut, timed out
            raise meaning(
                error, passage.written, connected=passage.connected
            ) from None  # the library's own words may hold the address
        return ""

    async def close(self) -> None:
        """Lets go of connections."""
        await self._connections.close()

    async def _post(self, passage: _Passage) -> None:
        """Over a connection that is open; over a new one if the server had ended that."""
        try:
            await self._over(passage, new=False)
        except (SMTPException, OSError) as error:
            if passage.fresh or passage.written or not hung_up(error):
                raise
            await self._over(passage, new=True)

    async def _over(self, passage: _Passage, *, new: bool) -> None:
        passage.connected = False
        connection = await self._connections.take(new=new)
        passage.connected = True
        passage.fresh = connection.mails == 0
        try:
            await passage.through(connection.smtp)
        except BaseException:
            self._connections.drop(connection)
            raise
        self._connections.give(connection)


class _Passage:
    """One mail on its way through the dialogue."""

    def __init__(self, sender: str, to: str, content: bytes, step: float) -> None:
        self._sender, self._to, self._step = sender, to, step
        self._content = _DOT.sub(b"..", content) + b".\r\n"
        self.fresh = True  # nothing went over this connection before
        self.connected = False  # a connection is ready for it
        self.written = False  # the content left us: from here on only an answer tells

    async def through(self, smtp: SMTP) -> None:
        """MAIL, RCPT, DATA, content. Not `smtp.data`: it does not tell whether the content was written."""
        await smtp.mail(self._sender)
        await smtp.rcpt(self._to)
        asked = await smtp.execute_command(b"DATA")
        if asked.code != _GO_ON:
            raise SMTPDataError(asked.code, asked.message)
        if smtp.protocol is None:
            raise SMTPServerDisconnected("gone before the content")
        smtp.protocol.write(self._content)  # raises, where the connection is gone already
        self.written = True
        answer = await smtp.protocol.read_response(timeout=self._step)
        if answer.code in _TAKEN:
            return
        raise SMTPDataError(answer.code, answer.message)
