"""The menu under a WeChat chat: who gets one, what its buttons say, and that its faults stop nothing."""

from __future__ import annotations

import asyncio
import contextlib
import tomllib
from collections.abc import AsyncIterator

import pytest

import handlers
from bot.adapters.wechat import menu
from bot.adapters.wechat.adapter import WeChatAdapter
from bot.adapters.wechat.menu import Button
from bot.errors import Refused
from bot.sandbox.trouble import Order
from bot.sandbox.wechat_menu import check_menu
from bot.sandbox.wechat_refusal import Refused as No
from bot.settings import read
from tests.adapters.conftest import Ground, Sleeps, Stopped, nothing
from tests.conftest import ROOT
from tests.served import environment

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXTS = tomllib.loads((ROOT / "content" / "texts.toml").read_text(encoding="utf-8"))


def say(key: str, language: str) -> str:
    """The shipped words."""
    first, second = key.split(".")
    return str(TEXTS[first][second][language])


@contextlib.asynccontextmanager
async def listening(ground: Ground, waits: Sleeps, **settings: str) -> AsyncIterator[asyncio.Task[None]]:
    ground.played.wechat.api.menu = None
    read_settings = read(environment("sqlite:///usher.db", 1, ground.played.url, **settings))
    adapter = WeChatAdapter(read_settings, Stopped(), nothing, nothing, say=say, sleep=waits)
    task = asyncio.create_task(adapter.listen())
    async with asyncio.timeout(10):
        while not task.done() and not only_waits(task):
            await asyncio.sleep(0.01)
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await adapter.close()


def only_waits(task: asyncio.Task[None]) -> bool:
    """Whether it has done all it will, and waits until it is cancelled."""
    return getattr(getattr(task.get_coro(), "cr_await", None), "__qualname__", "") == "Event.wait"


async def test_the_menu_has_three_buttons_that_say_words_which_anybody_may_type(ground: Ground) -> None:
    async with listening(ground, Sleeps()) as task:
        assert not task.done()
    shown = ground.played.wechat.api.menu
    assert shown is not None
    assert [button["name"] for button in shown["button"]] == ["报名", "会议信息", "帮助"]
    under = shown["button"][1]["sub_button"]
    assert [(one["name"], one["key"]) for one in under] == [
        ("议程", "议程"),
        ("地点", "地点"),
        ("我的报名", "我的报名"),
    ]
    assert [button.get("key") for button in shown["button"]] == ["报名", None, "帮助"]


@pytest.mark.parametrize(
    ("account", "verified", "has_one"),
    [
        ("service", "true", True),
        ("service", "false", True),
        ("subscription", "true", True),
        ("subscription", "false", False),
    ],
)
async def test_only_an_account_that_may_asks_for_one(
    account: str, verified: str, has_one: bool, ground: Ground
) -> None:
    async with listening(ground, Sleeps(), WECHAT_ACCOUNT=account, WECHAT_VERIFIED=verified):
        assert (ground.played.wechat.api.menu is not None) == has_one
    assert ground.calls("menu/create") == has_one


async def test_without_the_secret_there_is_none(ground: Ground) -> None:
    async with listening(ground, Sleeps(), WECHAT_APP_SECRET="") as task:
        assert not task.done()
    assert ground.played.wechat.api.calls == []


async def test_while_the_platform_is_away_it_is_tried_a_few_times(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    waits = Sleeps()
    ground.order("menu/create", Order(cut=True), Order(status=502))
    async with listening(ground, waits) as task:
        assert not task.done()
    assert waits == [5.0, 30.0]
    assert ground.played.wechat.api.menu is not None
    ground.order("menu/create", *[Order(status=502)] * 9)
    async with listening(ground, waits) as task:
        assert not task.done(), "messages go on without a menu"
    assert ground.calls("menu/create") == 3 + 5
    assert "tried 5 times" in caplog.text


@pytest.mark.parametrize("code", [48001, 40018, 40125])
async def test_a_clear_no_is_logged_and_stops_nothing(
    code: int, ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    ground.order("menu/create", Order(refusal=No(code, "no", ours=True)))
    async with listening(ground, Sleeps()) as task:
        assert not task.done()
    assert ground.calls("menu/create") == 1
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert f"there is no menu: WeChat {code}" in record.getMessage()


async def test_any_menu_may_be_shown(ground: Ground) -> None:
    await ground.wechat.show_menu([Button("会场", page="https://usher.example.org/"), Button("报名", "报名")])
    assert ground.played.wechat.api.menu == {
        "button": [
            {"type": "view", "name": "会场", "url": "https://usher.example.org/"},
            {"type": "click", "name": "报名", "key": "报名"},
        ]
    }
    with pytest.raises(Refused, match="40016"):
        await ground.wechat.show_menu([Button("报名", "报名")] * 4)
    ground.played.wechat.violations.clear()


async def test_every_word_that_a_button_says_is_one_that_the_bot_understands() -> None:
    buttons = [under for button in menu.shipped(say) for under in button.under or (button,)]
    assert [button.word for button in buttons if not handlers.router.knows(button.word)] == []
    assert not handlers.router.knows("V1001_TODAY")


async def test_the_shipped_labels_fit_in_either_language() -> None:
    for language in ("zh", "en"):
        check_menu(menu.body(menu.shipped(lambda key, _, language=language: say(key, language))))
