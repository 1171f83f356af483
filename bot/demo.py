"""`usher demo`: the bot with both platforms played on loopback, its own database and its own keys."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from sqlmodel import Session

from bot.app import Usher
from bot.clock import Clock
from bot.sandbox.page import Sandbox, platform_app
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.wechat import WeChatPlatform
from bot.serve import bound, serve, server
from bot.settings import Settings, read
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.tables import Setting

DATABASE = "sqlite:///usher-demo.db"
START = datetime(2019, 10, 8, 9, 0, tzinfo=timezone(timedelta(hours=8)))
_HOST = "127.0.0.1"
_KEYS = "demo_keys"
_IGNORED = ("USHER_TELEGRAM_", "USHER_WECHAT_", "USHER_SMTP_", "USHER_MAIL_", "USHER_DATABASE_URL", "USHER_SECRET")


def settings_for(environment: Mapping[str, str], port: int, platforms: str, keys: Mapping[str, str]) -> Settings:
    """The demo's settings: its own keys and addresses, the rest from the environment."""
    kept = {name: value for name, value in environment.items() if not name.startswith(_IGNORED)}
    own = {
        "DATABASE_URL": DATABASE,
        "HOST": _HOST,
        "PORT": str(port),
        "PUBLIC_URL": f"http://{_HOST}:{port}",
        "WECHAT_API_URL": platforms,
        "TELEGRAM_API_URL": platforms,
        "TELEGRAM_MODE": "webhook",
        **keys,
    }
    return read({**kept, **{f"USHER_{name}": value for name, value in own.items()}})


async def demo(environment: Mapping[str, str], port: int) -> None:
    """Runs the demo until a signal comes."""
    database = Database(DATABASE)
    migrate(database)
    keys = database.write_now(_keys)
    database.close()
    platform_socket = bound(_HOST, 0)
    settings = settings_for(environment, port, f"http://{_HOST}:{platform_socket.getsockname()[1]}", keys)
    clock = Clock(settings.now or START)
    wechat, telegram = _platforms(settings, clock)
    usher = Usher(settings, clock, tuple(Sandbox(wechat, telegram, clock).routes()))
    platforms = server(platform_app(wechat, telegram))
    playing = asyncio.create_task(platforms.serve(sockets=[platform_socket]))

    async def started() -> None:
        print(f"Usher is running. Open http://{_HOST}:{port}/sandbox/", flush=True)  # noqa: T201  # the one line a newcomer reads

    try:
        await serve(usher, started)
    finally:
        await wechat.close()
        await telegram.close()
        platforms.should_exit = True
        await playing


def _platforms(settings: Settings, clock: Clock) -> tuple[WeChatPlatform, TelegramPlatform]:
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
    )
    return wechat, TelegramPlatform(token=settings.telegram_token.get_secret_value(), clock=clock)


def _keys(session: Session) -> dict[str, str]:
    """The demo's keys: made once, and kept in its database so that a restart knows its people again."""
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
