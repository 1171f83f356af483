"""Starting: the webhook, the menus of commands, and what happens while Telegram is away."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.adapters.base import Adapter, Outgoing
from bot.adapters.telegram.adapter import COMMANDS
from bot.errors import UsherError
from bot.message import Address, Reply
from bot.settings import WrongSetting

CUT = "cut"
ALLOWED = ["message", "edited_message", "callback_query", "my_chat_member"]


@contextlib.asynccontextmanager
async def listening(stage: Any, until: Callable[[], bool], **settings: str) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(stage.adapter(**settings).listen())
    try:
        async with asyncio.timeout(5):
            while not until():
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_webhook_is_registered_with_its_secret(stage: Any) -> None:
    async with listening(stage, lambda: len(stage.api.named("setMyCommands")) == 2) as task:
        assert not task.done()  # it listens until it is cancelled
    assert stage.api.named("setWebhook") == [
        {
            "url": "https://usher.example.org/telegram/webhook",
            "secret_token": "the-secret_1",
            "allowed_updates": ALLOWED,
            "max_connections": 40,
        }
    ]
    assert stage.api.named("getUpdates") == []


async def test_commands_are_shown_in_both_languages(stage: Any) -> None:
    async with listening(stage, lambda: len(stage.api.named("setMyCommands")) == 2):
        english, chinese = stage.api.named("setMyCommands")
    assert "language_code" not in english
    assert chinese["language_code"] == "zh"
    names = "register me edit cancel colleague agenda venue help language exit organizer privacy mydata forget"
    assert (*names.split(), "stop", "resume") == COMMANDS
    for menu, language in ((english, "en"), (chinese, "zh")):
        told = [(command["command"], command["description"]) for command in menu["commands"]]
        assert told == [(name, f"command.{name} in {language}") for name in COMMANDS]


async def test_while_telegram_is_away_everything_is_tried_again(stage: Any) -> None:
    for method in ("getMe", "setMyCommands", "setWebhook"):
        stage.api.answer(method, CUT, "err_429", "err_401", (500, b""))
    async with listening(stage, lambda: len(stage.api.named("setMyCommands")) == 6):
        assert len(stage.api.named("setWebhook")) == 5
        assert all(0.5 <= wait <= 60 for wait in stage.sleeps)


async def test_nothing_is_called_before_somebody_listens(stage: Any) -> None:
    adapter: Adapter = stage.adapter()
    assert (adapter.channel, adapter.account, adapter.sends_replies) == ("telegram", "123456789", True)
    assert [re.sub("<.*", "", getattr(route, "path", "")) for route in adapter.routes()] == ["/telegram/webhook"]
    assert stage.api.calls == []


@pytest.mark.parametrize("proxy", ["nonsense", "socks5://127.0.0.1:1", "ftp://127.0.0.1"])
async def test_a_proxy_that_cannot_be_is_named(proxy: str, stage: Any) -> None:
    with pytest.raises(WrongSetting, match="USHER_TELEGRAM_PROXY"):
        stage.adapter(TELEGRAM_PROXY=proxy)


async def test_a_proxy_is_used(stage: Any) -> None:
    """The loopback API stands for a proxy: a plain HTTP request to one names the whole address."""
    adapter = stage.adapter(TELEGRAM_PROXY=stage.api.url, TELEGRAM_API_URL="http://api.telegram.invalid")
    with pytest.raises(UsherError):  # the stand-in knows no such path, but it was reached
        await adapter.send(Address("telegram", "123456789", "1"), Outgoing("k1", Reply("x")), "telegram")
    assert stage.api.paths[-1].startswith("http://api.telegram.invalid/bot")


async def test_a_proxy_of_the_environment_is_not_used(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with listening(stage, lambda: len(stage.api.named("getMe")) == 1):
        pass
