"""`usher demo`: the bot with both platforms and a mail server played on loopback, its own database and keys."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta, timezone

from sqlmodel import Session

from bot.app import Usher
from bot.clock import Clock
from bot.demo_hooks import connect
from bot.errors import UsherError
from bot.sandbox.clock_page import Hooks
from bot.sandbox.door import Door
from bot.sandbox.mailbox import Mailbox
from bot.sandbox.page import Sandbox, platform_app
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.wechat import WeChatPlatform
from bot.serve import bound, serve, server
from bot.settings import Settings, WrongSetting, read
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.tables import Setting

DATABASE = "sqlite:///usher-demo.db"
START = datetime(2019, 10, 8, 9, 0, tzinfo=timezone(timedelta(hours=8)))
_HOST = "127.0.0.1"
_MAIL_FROM = "Usher <usher@example.org>"
_REMINDER, _CONFIRMATION = "demo-reminder", "demo-confirmation"
# Such as an account picks from the platform's library, with the fields that are sent for them.
_FIELDS = "活动名称：{{thing1.DATA}}\n活动时间：{{time2.DATA}}\n活动地点：{{thing3.DATA}}"
_TEMPLATES = {
    _REMINDER: f"活动提醒\n{_FIELDS}\n温馨提示：{{{{thing4.DATA}}}}",
    _CONFIRMATION: f"报名结果通知\n{_FIELDS}\n报名结果：{{{{thing4.DATA}}}}",
}
ORGANIZER = 6_000_000_000
"""The Telegram user who is an organizer; guests of the page have greater numbers."""
_KEYS = "demo_keys"
_IGNORED = ("USHER_TELEGRAM_", "USHER_WECHAT_", "USHER_SMTP_", "USHER_MAIL_", "USHER_DATABASE_URL", "USHER_SECRET")


def settings_for(environment: Mapping[str, str], port: int, played: Mapping[str, str]) -> Settings:
    """The demo's settings: its own keys and the addresses of what it plays, the rest from the environment."""
    kept = {name: value for name, value in environment.items() if not name.startswith(_IGNORED)}
    own = {
        "DATABASE_URL": DATABASE,
        "HOST": _HOST,
        "PORT": str(port),
        "PUBLIC_URL": f"http://{_HOST}:{port}",
        "TELEGRAM_MODE": "webhook",
        "TELEGRAM_ORGANIZERS": str(ORGANIZER),
        "WECHAT_TEMPLATE_REMINDER": _REMINDER,
        "WECHAT_TEMPLATE_CONFIRMATION": _CONFIRMATION,
        "MAIL_FROM": _MAIL_FROM,
        **played,
    }
    return read({**kept, **{f"USHER_{name}": value for name, value in own.items()}})


async def demo(environment: Mapping[str, str], port: int) -> None:
    """Runs the demo until a signal comes."""
    _look_whether_free(port)
    inside, mails = bound(_HOST, 0), bound(_HOST, 0)
    wechat_door, telegram_door = _opened(inside), _opened(inside)
    played = {"WECHAT_API_URL": wechat_door.url, "TELEGRAM_API_URL": telegram_door.url}
    settings = settings_for(environment, port, {**_keys(), **played, "SMTP_URL": f"smtp://{_HOST}:{_port(mails)}"})
    clock = Clock(settings.now or START)
    wechat, telegram = platforms_of(settings, clock)
    wechat.door, telegram.door = wechat_door, telegram_door
    mailbox, hooks = Mailbox(clock), Hooks(organizer=ORGANIZER)
    usher = Usher(settings, clock, tuple(Sandbox(wechat, telegram, clock, mailbox, hooks).routes()))
    connect(hooks, usher)

    async def started() -> None:
        print(f"Usher is running. Open http://{_HOST}:{port}/sandbox/", flush=True)  # noqa: T201  # the one line a newcomer reads

    await mailbox.open(mails)
    async with contextlib.aclosing(mailbox), _playing(wechat, telegram, inside):
        await serve(usher, started)


def _look_whether_free(port: int) -> None:
    """Raises UsherError if something else listens there, before anything is made."""
    try:
        bound(_HOST, port).close()
    except WrongSetting:
        raise UsherError(f"port {port} is in use; expected a free one, such as: usher demo --port {port + 1}") from None


@contextlib.asynccontextmanager
async def _playing(wechat: WeChatPlatform, telegram: TelegramPlatform, inside: socket.socket) -> AsyncIterator[None]:
    """Both platforms, served behind their doors."""
    platforms = server(platform_app(wechat, telegram))
    serving = asyncio.create_task(platforms.serve(sockets=[inside]))
    try:
        yield
    finally:
        await wechat.close()
        await telegram.close()
        platforms.should_exit = True
        await serving


def _opened(inside: socket.socket) -> Door:
    """A door of its own for each platform: one may be down while the other is not."""
    door = Door(_port(inside))
    door.open()
    return door


def _port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def platforms_of(settings: Settings, clock: Clock) -> tuple[WeChatPlatform, TelegramPlatform]:
    """Both platforms, with the accounts that the settings name and the templates that the demo has."""
    assert settings.wechat_app_id
    assert settings.wechat_token
    assert settings.wechat_aes_key
    assert settings.wechat_app_secret
    assert settings.telegram_token
    wechat = WeChatPlatform(
        app_id=settings.wechat_app_id,
        secret=settings.wechat_app_secret.get_secret_value(),
        token=settings.wechat_token.get_secret_value(),
        aes_key=settings.wechat_aes_key.get_secret_value(),
        mode=settings.wechat_mode,
        webhook_url=f"{settings.public_url}/wechat/webhook",
        clock=clock,
        templates=_TEMPLATES,
    )
    return wechat, TelegramPlatform(token=settings.telegram_token.get_secret_value(), clock=clock)


def _keys() -> dict[str, str]:
    """The demo's keys: made once, and kept in its database so that a restart knows its people again."""
    database = Database(DATABASE)
    migrate(database)
    keys = database.write_now(_stored_keys)
    database.close()
    return keys


def _stored_keys(session: Session) -> dict[str, str]:
    stored = session.get(Setting, _KEYS)
    if stored is None:
        stored = Setting(name=_KEYS, value=json.dumps(_new_keys()))
        session.add(stored)
    return dict(json.loads(stored.value))


def _new_keys() -> dict[str, str]:
    return {
        "SECRET": secrets.token_urlsafe(32),
        "WECHAT_APP_ID": f"wx{secrets.token_hex(8)}",
        "WECHAT_APP_SECRET": secrets.token_hex(16),
        "WECHAT_TOKEN": secrets.token_hex(12),
        "WECHAT_AES_KEY": (secrets.token_hex(32))[:43],
        "TELEGRAM_TOKEN": f"{secrets.randbelow(10**9) + 10**9}:{secrets.token_hex(17)}",
        "TELEGRAM_SECRET": secrets.token_urlsafe(24),
    }
