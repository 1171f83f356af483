"""What leaves later, wired: which adapter sends for which account, who writes the messages, what each tick plans."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr
from sqlalchemy import Connection, update
from sqlmodel import col

from bot.adapters.base import Adapter, Outgoing
from bot.clock import Clock
from bot.content.facts import Venue
from bot.content.records import Content
from bot.delivery import queueing, reminders
from bot.delivery.lane import Lane, nothing
from bot.delivery.routes import EMAIL_LANE, Accounts, telegram_lane, wechat_lane
from bot.delivery.sender import Send
from bot.errors import Unavailable
from bot.message import Address
from bot.registration import calendar, decide
from bot.registration.compose import Composer
from bot.registration.decision import Desk
from bot.registration.old_questions import forget_old
from bot.registration.purge import purge
from bot.settings import Settings
from bot.store import outbox as stored
from bot.store.database import Database
from bot.store.noted import note, noted
from bot.store.outbox import Kind

if TYPE_CHECKING:
    from bot.adapters.email.adapter import EmailAdapter

log = logging.getLogger(__name__)
Change = Callable[[], None]


class Lanes:
    """Every lane of this process. `tick` is called each second, and whenever the clock was wound."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        content: Callable[[], Content],
        settings: Settings,
        adapters: Mapping[str, Adapter],
    ) -> None:
        self._database, self._clock, self._content, self._settings = database, clock, content, settings
        self._adapters, self.accounts = adapters, Accounts.of(settings)
        self._holder = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        self.composer = _composer(settings, content)
        self._email = _mailer(settings, clock) if self.accounts.email else None
        self._lanes: list[Lane] = []
        self._running: list[asyncio.Task[None]] = []
        self._ticking = asyncio.Lock()
        self._filling: asyncio.Task[None] | None = None
        self._to_fill = False

    def mended(self, connection: Connection) -> None:
        """Ends the rests and gives back the routes of accounts whose settings were changed since the last start."""
        for account, settings in _settings_of(self.accounts, self._settings).items():
            named, mark = f"lane {account}", self._mark(settings)
            before = noted(connection, named)
            if before not in (None, mark):
                lane = update(stored.Lane).where(col(stored.Lane.account) == account)
                connection.execute(lane.values(paused_until=None, reason="", off={}))
                log.info("the settings were changed: the lane need not rest", extra={"lane": account})
            if before != mark:
                note(connection, named, mark)

    def _mark(self, settings: tuple[object, ...]) -> str:
        """The same for the same settings; says nothing about them."""
        secret = self._settings.secret.get_secret_value() if self._settings.secret else ""
        return hmac.digest(secret.encode(), repr(settings).encode(), "sha256").hex()

    def start(self, on_taken: Change = nothing, on_lost: Change = nothing) -> None:
        """Begins to send. The two are called when this process becomes, and ceases to be, who fetches from Telegram."""
        chat = {wechat_lane(self.accounts.wechat): "wechat", telegram_lane(self.accounts.telegram): "telegram"}
        for account in self.accounts.lanes:
            if account == EMAIL_LANE:
                self._open(account, self._mail, None, nothing, nothing)
            elif chat[account] == "telegram":
                self._open(account, partial(self._chat, "telegram"), self._settings.telegram_rate, on_taken, on_lost)
            else:
                self._open(account, partial(self._chat, "wechat"), None, nothing, nothing)

    async def tick(self) -> None:
        """Plans what is due, gives out seats that got free, has deliveries written, erases what was kept long enough.

        Raises Unavailable.
        """
        async with self._ticking:  # the clock's own tick and one after it was wound
            await reminders.tick(self._database, self._content(), self.accounts, self._clock)
            await decide.move_up(self._database, self._desk)
            self._have_filled()
            await purge(self._database, self._content().event, self._clock)
            await forget_old(self._database, self._content().event, self._clock)

    async def wound(self) -> None:
        """The clock was wound on: does what is due now, and returns when all its deliveries are written."""
        await self.tick()
        if self._filling:
            await asyncio.shield(self._filling)

    @property
    def _desk(self) -> Desk:
        return Desk(self._content().event, self.accounts, self._clock.now(), "clock")

    def wake(self) -> None:
        """Something was queued."""
        for lane in self._lanes:
            lane.wake()

    async def drain(self) -> None:
        """Finishes what is on its way, and lets the lanes go. What is not written yet will be by the next process."""
        if self._filling:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
        await asyncio.gather(*(lane.drain() for lane in self._lanes))
        await asyncio.gather(*self._running, return_exceptions=True)

    async def close(self) -> None:
        """Lets go of connections."""
        if self._email:
            await self._email.close()

    def _have_filled(self) -> None:
        """In a task of its own: to write a long broadcast takes seconds, and reminders come due meanwhile."""
        self._to_fill = True
        if self._filling is None or self._filling.done():
            self._filling = asyncio.create_task(self._fill_up())

    async def _fill_up(self) -> None:
        try:
            while self._to_fill:
                self._to_fill = False
                await queueing.fill_up(self._database, self.accounts, self._clock, self.wake)
        except Unavailable as error:  # the next tick begins anew
            log.warning("deliveries wait for the database", extra={"reason": str(error)})
        except Exception as error:
            log.error("deliveries could not be written", extra={"fault": type(error).__name__})

    def _open(self, account: str, send: Send, rate: float | None, on_taken: Change, on_lost: Change) -> None:
        lane = Lane(
            self._database,
            account,
            send,
            self.composer,
            self.accounts,
            self._clock,
            holder=self._holder,
            prepare=self._published,
            rate=rate,
            on_taken=on_taken,
            on_lost=on_lost,
        )
        self._lanes.append(lane)
        self._running.append(asyncio.create_task(lane.run()))

    def _published(self, connection: Connection) -> tuple[Venue | None, int]:
        """The venue as it stands, and the number of the calendar entry, which counts the changes of what that says."""
        return calendar.published(connection, self._content().event)

    async def _chat(self, channel: str, to: Address | str, outgoing: Outgoing, route: str) -> str:
        assert isinstance(to, Address)
        return await self._adapters[channel].send(to, outgoing, route)

    async def _mail(self, to: Address | str, outgoing: Outgoing, route: str) -> str:
        assert self._email
        return await self._email.send(str(to), outgoing, route)


def _settings_of(accounts: Accounts, settings: Settings) -> dict[str, tuple[object, ...]]:
    """What each account's lane works with."""

    def told(secret: SecretStr | None) -> str:
        return secret.get_secret_value() if secret else ""

    wechat = (
        *(told(settings.wechat_app_secret), settings.wechat_api_url, settings.wechat_account, settings.wechat_verified),
        *(settings.wechat_template_reminder, settings.wechat_template_confirmation),
    )
    telegram = told(settings.telegram_token), settings.telegram_api_url, settings.telegram_proxy
    mail = told(settings.smtp_url), settings.mail_from
    all_of = {wechat_lane(accounts.wechat): wechat, telegram_lane(accounts.telegram): telegram, EMAIL_LANE: mail}
    return {account: all_of[account] for account in accounts.lanes}


def _mailer(settings: Settings, clock: Clock) -> EmailAdapter:
    from bot.adapters.email.adapter import EmailAdapter  # here, for many send no mail, and have no use for aiosmtplib

    return EmailAdapter(settings, clock)


def _composer(settings: Settings, content: Callable[[], Content]) -> Composer:
    assert settings.secret is not None, "checked by whoever serves"
    templates = {
        Kind.REMINDER.value: settings.wechat_template_reminder,
        Kind.BROADCAST.value: settings.wechat_template_reminder,
        Kind.DECISION.value: settings.wechat_template_confirmation,
    }
    secret = settings.secret.get_secret_value().encode()
    return Composer(content, settings.public_url, secret, templates, settings.mail_from or "")
