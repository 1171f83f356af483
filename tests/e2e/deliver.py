"""The house from which messages leave later: both platforms behind doors, a mail server, and one clock for all."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from sqlalchemy import update
from sqlmodel import Session

from bot import app
from bot.app import Usher
from bot.clock import seconds
from bot.sandbox.door import Door
from bot.sandbox.mailbox_mail import Mail, read_mail
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.wechat import WeChatPlatform
from bot.sandbox.wechat_phone import Phone as Follower
from bot.serve import bound, server
from bot.settings import read
from bot.store.outbox import Lane
from bot.store.tables import Contact, Registration, Status
from tests.e2e.conftest import QUIET, content_at_the_end
from tests.e2e.talk import Phone, whose
from tests.mail_server import Post, mail_server
from tests.served import House, Platforms, environment, free_port, platforms
from tests.trained import trained

REMINDER, CONFIRMATION = "tm-reminder", "tm-confirmation"
_FIELDS = "{{thing1.DATA}}\n{{time2.DATA}}\n{{thing3.DATA}}\n{{thing4.DATA}}"
TEMPLATES = {REMINDER: f"活动提醒\n{_FIELDS}", CONFIRMATION: f"报名结果通知\n{_FIELDS}"}
TEXTS = {
    "zh": {"text": "{name}您好，请走东门。", "short": "请走东门"},
    "en": {"text": "Hello {name}, the east gate please.", "short": "The east gate"},
}
WORDS = "王芳您好，请走东门。"  # as somebody with the usual name reads it
LATER_THAN_USUAL = "2019-10-15T12:00:00+08:00"  # no reminder is due for six days: a clock may be wound


@dataclass
class Station(House):
    """The bot in this process, the platforms and the mail server it talks to, and the one clock of them all."""

    post: Post = field(default_factory=Post)

    @property
    def now(self) -> datetime:
        return self.usher.clock.now()

    async def wind(self, **by: float) -> None:
        """Lets time pass, and does what has become due."""
        self.usher.clock.wind(timedelta(**by))
        await self.usher.lanes.wound()
        self.usher.lanes.wake()

    async def wind_to(self, local: str) -> None:
        """Lets time pass until a moment on the event's clock, such as 2019-10-21T10:00."""
        wanted = datetime.fromisoformat(local).replace(tzinfo=self.usher.content.event.zone)
        assert wanted > self.now, "the clock is never wound back"
        await self.wind(seconds=(wanted - self.now).total_seconds())

    async def as_new(self) -> None:
        """All is well again with the platforms and the mail server, and no lane rests."""
        for platform in (self.wechat, self.telegram):
            platform.trouble.clear()
            self.up(platform)
        self.wechat.templates.telling = "after"
        self.post.plays.clear()
        await self.rested()

    async def rested(self) -> None:
        """Ends every rest and gives back every route, as hours later; the tests have no hours."""
        values: dict[str, Any] = {"paused_until": None, "reason": "", "off": {}}
        await self.usher.database.write(lambda session: session.execute(update(Lane).values(**values)))
        await asyncio.gather(*(self._rested(lane) for lane in self.usher.lanes._lanes))

    async def _rested(self, lane: Any) -> None:
        """Ends one lane's rest: a flight that was under way may have read it before, and then tells of it again."""
        for _ in range(3):
            lane._sender.rests_until, flew_at = 0.0, lane._flew_at
            lane.wake()
            await until(lambda flew_at=flew_at: lane._flew_at > flew_at or not lane.held)
            if not lane._resting:
                return

    async def resting(self, platform: WeChatPlatform | TelegramPlatform) -> None:
        """Until the platform's lane rests, and so nothing is on its way there."""
        channel = "wechat" if platform is self.wechat else "telegram"
        (lane,) = (lane for lane in self.usher.lanes._lanes if lane.account.startswith(channel))
        await until(lambda: lane._resting)

    async def down(self, platform: WeChatPlatform | TelegramPlatform) -> None:
        """Nobody listens there any more, and whoever had a connection sees that it is cut."""
        platform.order("down", True)
        assert platform.door
        visits = platform.door._visits
        await until(lambda: not visits)
        for _ in range(3):  # the event loop closes a cut connection in its next rounds
            await asyncio.sleep(0)

    def up(self, platform: WeChatPlatform | TelegramPlatform) -> None:
        """It listens again."""
        platform.order("down", False)

    def hang_up(self) -> None:
        """The mail server ends its connections: the next mail needs a new one."""
        for connection in self.post.servers:
            if connection.transport:
                connection.transport.abort()

    def mails(self, address: str) -> list[Mail]:
        """What that person got by mail, the oldest first."""
        return [
            read_mail(number, self.now, tuple(mail.rcpt_tos), mail.original_content or b"")
            for number, mail in enumerate(self.post.mails, 1)
            if address in mail.rcpt_tos
        ]


@contextlib.asynccontextmanager
async def station(database_url: str, **settings: str) -> AsyncIterator[Station]:
    """Everything running, with every route set up; settings may be given, an empty one takes a route away."""
    port = free_port()
    async with platforms(port) as played, mail_server() as post:
        doors = {f"{name}_API_URL": _door(played, name).url for name in ("WECHAT", "TELEGRAM")}
        more = {"WECHAT_TEMPLATE_REMINDER": REMINDER, "WECHAT_TEMPLATE_CONFIRMATION": CONFIRMATION}
        more |= {"SMTP_URL": f"smtp://127.0.0.1:{post.port}", "MAIL_FROM": "家庭友好 <usher@example.org>"}
        read_settings = read(environment(database_url, port, played.url, **{**doors, **more, **settings}))
        played.wechat.templates.texts = TEMPLATES
        clock = played.wechat.clock
        assert read_settings.now
        clock.wind(read_settings.now - clock.now())
        with patch.object(app, "kept", trained):
            usher = Usher(read_settings, clock)
        played.telegram.quiet = QUIET
        async with _serving(usher, port):
            await until(lambda: played.telegram.updates.webhook is not None)
            yield Station(usher, played.wechat, played.telegram, f"http://127.0.0.1:{port}", port, post)


@contextlib.asynccontextmanager
async def alone(database_url: str, **settings: str) -> AsyncIterator[Station]:
    """A station of the test's own."""
    async with station(database_url, **settings) as home, content_at_the_end(home):
        yield home


async def until(condition: Callable[[], object], within: float = 10.0) -> None:
    """Waits until a condition holds."""
    end = seconds() + within
    while not condition():
        assert seconds() < end, "it did not come about in time"
        await asyncio.sleep(0.01)


# People


@dataclass(frozen=True)
class Guest:
    """Somebody who is registered, put straight into the tables."""

    phone: Phone
    reference: str
    email: str


async def guest(
    home: Station, phone: Phone, *, window: str = "message", email: bool = True, **registration: Any
) -> Guest:
    """Registers somebody who may be written to. `window`: which one is open on WeChat: message, tap, or ""."""
    return await home.usher.database.write(
        lambda session: enrol(session, home, phone, home.now, window=window, email=email, **registration)
    )


def enrol(
    session: Session,
    played: House | Platforms,
    phone: Phone,
    now: datetime,
    *,
    window: str = "message",
    email: bool = True,
    **registration: Any,
) -> Guest:
    """The same in the caller's transaction."""
    reference = f"FFS-{uuid.uuid4().hex[:6].upper()}"
    address = f"{reference.lower()}@example.com" if email else ""
    usual = {"status": Status.CONFIRMED, "name": "王芳", "phone": "+8613800138000", "decided_at": now}
    values: dict[str, Any] = usual | registration
    common: dict[str, Any] = {"language": values.get("language", "zh"), "created_at": now}
    contact = Contact(**_chat(played, phone, window, now), **common, language_chosen=True, seen_at=now)
    session.add(contact)
    session.flush()
    values |= {"reference": reference, "contact_id": contact.id, "email": address or None, "channel": contact.channel}
    session.add(Registration(**{**common, **values}, consent_at=now))
    return Guest(phone, reference, address)


def _chat(played: House | Platforms, phone: Phone, window: str, now: datetime) -> dict[str, Any]:
    """Opens somebody's chat on the platform, and says so as our table does."""
    if not isinstance(phone, Follower):
        phone.chat.known = True
        return {"channel": "telegram", "account": str(played.telegram.bot["id"]), "user_id": whose(phone)}
    phone.following, phone.followed_at = True, now
    chat: dict[str, Any] = {"channel": "wechat", "account": played.wechat.keys.app_id, "user_id": whose(phone)}
    if window:
        phone.opens(tap=window == "tap")
        count, lasts = played.wechat.tap_window if window == "tap" else played.wechat.window
        chat |= {f"{window}_until": now + lasts, f"{window}_left": count}
    return chat


def _door(played: Platforms, name: str) -> Door:
    """In front of a platform, to be shut: then connections are refused."""
    door = Door(urlsplit(played.url).port or 0)
    door.open()
    platform: Any = getattr(played, name.lower())
    platform.door = door
    return door


@contextlib.asynccontextmanager
async def _serving(usher: Usher, port: int) -> AsyncIterator[None]:
    opened = asyncio.Event()

    async def note() -> None:
        opened.set()

    web = server(usher.application, note)
    task = asyncio.create_task(web.serve(sockets=[bound("127.0.0.1", port)]))
    await opened.wait()
    await usher.start()
    try:
        yield
    finally:
        await usher.drain()
        await usher.stop()
        web.should_exit = True
        await task
