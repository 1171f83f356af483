"""The entrance: settings, content, database, router, adapters, scheduler and web, wired by hand from top to bottom."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta

from sqlalchemy import text
from starlette.applications import Starlette
from starlette.routing import BaseRoute

import handlers
from bot.adapters.base import Adapter
from bot.adapters.telegram.adapter import TelegramAdapter
from bot.adapters.wechat.adapter import WeChatAdapter
from bot.adapters.wechat.convert import FRESH
from bot.answers.cache import kept
from bot.clock import Clock
from bot.content.records import Content
from bot.conversation.dispatcher import Dispatcher
from bot.delivery import reminders, report
from bot.delivery.overdue import skip_late
from bot.delivery.scheduler import Scheduler
from bot.delivery.templates import template_ended
from bot.errors import Unavailable
from bot.lanes import Lanes
from bot.live import LiveContent
from bot.metrics import Metrics
from bot.registration import ticket_page
from bot.registration.export import by_status
from bot.registration.forget import forget_old_messages
from bot.registration.shown import Shown
from bot.settings import Settings, WrongSetting
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.nonces import Nonces
from bot.store.tables import Kept
from bot.training import train_apart
from bot.web import Health, Phase, application

log = logging.getLogger(__name__)
_KEEP_MESSAGES = timedelta(days=3)  # Telegram repeats an update for 24 hours
_KEEP_BODY = 64 * 1024
_HOUSEKEEPING, _SWEEP, _TICK = 3600.0, 60.0, 1.0  # seconds


class Usher:
    """Everything that runs, put together. `application` is what a web server serves between `start` and `stop`."""

    def __init__(self, settings: Settings, clock: Clock, more_routes: tuple[BaseRoute, ...] = ()) -> None:
        if settings.secret is None:
            raise WrongSetting("USHER_SECRET: missing, expected a long random text; it signs tickets and sessions")
        secret = settings.secret.get_secret_value().encode()
        self.settings, self.clock, self.metrics = settings, clock, Metrics()
        # Once: a relative folder that vanishes for a moment must not become the one which was shipped.
        folder, cache = settings.content_folder().absolute(), settings.cache_folder()
        self.contents = LiveContent(
            folder,
            clock,
            self.metrics,
            kept=lambda content: kept(content, cache),
            train=lambda content: train_apart(content, folder, cache, hurry=not self.contents.learnt),
            taken=_tell_faults,
        )
        self.database = Database(settings.database_url)
        migrate(self.database)
        self.adapters: dict[str, Adapter] = {}
        self.lanes = Lanes(self.database, clock, lambda: self.content, settings, self.adapters)
        self.dispatcher = Dispatcher(
            database=self.database,
            clock=clock,
            live=lambda: self.contents.live,
            router=handlers.router,
            adapters=self.adapters,
            secret=secret,
            measure=self.metrics.measure,
            waiting=Shown(self.lanes.composer.of),
            accounts=self.lanes.accounts,
            organizers=[f"telegram:{chat}" for chat in settings.telegram_organizers],
        )
        self._open_channels()
        self.health = Health(self._database_answers)
        self.scheduler = Scheduler()
        self.scheduler.every(_HOUSEKEEPING, self.housekeeping)
        self.scheduler.every(_TICK, self.lanes.tick)
        self.scheduler.every(_SWEEP, lambda: skip_late(self.database, clock))
        routes = [route for adapter in self.adapters.values() for route in adapter.routes()]
        routes += ticket_page.routes(self.database, lambda: self.content, settings.public_url or "", secret)
        token = settings.metrics_token.get_secret_value() if settings.metrics_token else ""
        self.application: Starlette = application([*routes, *more_routes], self.health, self._metrics_page, token)
        self._listening: set[asyncio.Task[None]] = set()
        self._fetching: asyncio.Task[None] | None = None  # from Telegram: one process of all does

    @property
    def content(self) -> Content:
        """The content as it is served now; whoever needs two things of it asks once."""
        return self.contents.content

    async def start(self) -> None:
        """Begins to listen; from here on the process is ready."""
        await self.contents.note(self.database)
        await self.contents.begin()
        await self.database.transact(self.lanes.mended)
        called = [adapter for adapter in self.adapters.values() if not self._polls(adapter)]
        for adapter in called:
            self._begin(_listen(adapter))
        self._begin(self.contents.follow(self.database))
        self.lanes.start(self._fetch, self._fetch_no_more)
        self.scheduler.start()
        if self.content.over(self.clock.now()):
            log.warning("the event is over: registration is closed, nothing is sent")
        if not self.adapters:
            log.warning("no channel is set up: set USHER_WECHAT_ or USHER_TELEGRAM_ settings")
        _tell_faults(self.content)
        self.health.phase = Phase.READY
        log.info("ready", extra={"channels": ",".join(self.adapters) or "none"})

    async def drain(self) -> None:
        """Stops fetching and finishes what is in flight. Messages that still come are answered until `stop`."""
        self.health.phase = Phase.DRAINING
        self.scheduler.stop()
        for task in self._listening:
            task.cancel()
        self._fetch_no_more()
        await asyncio.gather(*self._listening, return_exceptions=True)
        await asyncio.gather(self.lanes.drain(), self.dispatcher.drained())

    async def stop(self) -> None:
        """Waits for what came since `drain`, and lets go of everything."""
        await self.dispatcher.drained()
        await self.contents.close()  # not before: who asked may wait for the training
        for adapter in self.adapters.values():
            await adapter.close()
        await self.lanes.close()
        self.database.close()

    async def housekeeping(self) -> None:
        """Deletes old message keys and kept bodies, a slice at a time, so that messages go on in between."""
        before = self.clock.now() - _KEEP_MESSAGES
        gone = 1
        while gone:
            gone = await self.database.write(lambda session: forget_old_messages(session, before))

    async def keep(self, channel: str, account: str, user_id: str, reason: str, body: bytes) -> None:
        """Keeps a body that was rightly signed and not understood."""
        row = Kept(channel=channel, account=account, user_id=user_id, received_at=self.clock.now(),
                   reason=reason, body=body[:_KEEP_BODY])  # fmt: skip
        await self.database.write(lambda session: session.add(row))
        log.info("kept a body that was not understood", extra={"channel": channel, "reason": reason})

    def _open_channels(self) -> None:
        if self.settings.wechat_on:
            self.adapters["wechat"] = WeChatAdapter(
                self.settings,
                self.clock,
                self.dispatcher.receive,
                self.keep,
                self._template_ended,
                self._say,
                admit=Nonces(self.database, self.clock, 2 * FRESH).admit,
            )
        if self.settings.telegram_on:
            self.adapters["telegram"] = TelegramAdapter(
                self.settings, self.clock, self.dispatcher.receive, self.keep, self.dispatcher, self._say
            )

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Runs something until it ends or the process drains."""
        task = asyncio.create_task(work)
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)
        return task

    def _polls(self, adapter: Adapter) -> bool:
        """Whether it fetches, which only one process may: the one that holds the account's lane."""
        return adapter.channel == "telegram" and self.settings.telegram_mode == "polling"

    def _fetch(self) -> None:
        adapter = self.adapters["telegram"]
        if self._polls(adapter):
            self._fetching = self._begin(_listen(adapter))

    def _fetch_no_more(self) -> None:
        if self._fetching:
            self._fetching.cancel()
            self._fetching = None

    async def _template_ended(self, receipt: str, status: str) -> None:
        await self.database.transact(lambda found: template_ended(found, receipt, status, self.clock.now()))
        self.lanes.wake()

    def _say(self, key: str, language: str) -> str:
        return self.content.texts[key].of(language)

    async def _database_answers(self) -> bool:
        try:
            await self.database.read(lambda session: session.execute(text("SELECT 1")))
        except Unavailable:
            return False
        return True

    async def _metrics_page(self) -> bytes:
        counts = await self.database.read(lambda session: (by_status(session), report.by_status(session)))
        return self.metrics.page(*counts)


async def _listen(adapter: Adapter) -> None:
    try:
        await adapter.listen()
    except asyncio.CancelledError:
        raise
    except Exception as error:  # one channel's fault must not stop the other
        log.error("a channel stopped listening", extra={"channel": adapter.channel, "fault": type(error).__name__})


def _tell_faults(content: Content) -> None:
    """Says which reminders will not be sent, though the rest of the content is served: `usher check` finds more."""
    for fault in reminders.faults(content):
        log.warning("a reminder is left alone", extra={"fault": str(fault)})
