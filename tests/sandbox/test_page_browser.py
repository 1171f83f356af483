"""The demo's page in a real browser, on a wide screen and on a phone's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette

from bot.clock import Clock
from bot.sandbox.page import Sandbox
from bot.sandbox.wechat_reply import FAULT
from tests.chromium import opened
from tests.sandbox.conftest import serving, telegrams, wechats

pytestmark = pytest.mark.asyncio(loop_scope="session")
WELCOME = (
    '<script>document.title="owned"</script>您好 <a href="weixin://bizmsgmenu?msgmenucontent=1&msgmenuid=a">1 报名</a>'
)


@pytest_asyncio.fixture(loop_scope="session")
async def demo(clock: Clock) -> AsyncIterator[tuple[str, Any, Any]]:
    """The address of the page, and both bots, where the browser runs."""
    async with serving() as serve, wechats(serve, clock) as wechat, telegrams(serve, clock) as telegram:
        wechat_platform, wechat_bot = await wechat()
        telegram_platform, telegram_bot = await telegram()
        url = await serve(Starlette(routes=Sandbox(wechat_platform, telegram_platform, clock).routes()))
        yield f"{url}/sandbox/", wechat_bot, telegram_bot


async def test_a_newcomer_follows_starts_taps_and_writes(browser: Any, demo: Any) -> None:
    url, wechat_bot, _ = demo
    page, troubles = await opened(browser, url, 1280, "en-US")
    wechat_bot.reply = WELCOME
    await page.get_by_role("button", name="Follow").click()
    await page.get_by_role("button", name="1 报名").click()
    await page.wait_for_selector("#wechat .log li >> nth=3")
    assert wechat_bot.seen[-1]["bizmsgmenuid"] == "a"
    assert await page.title() == "Usher demo"  # the reply's markup is text
    assert await page.locator("#wechat .log script").count() == 0
    wechat_bot.reply = b"<xml>cut"
    await page.get_by_label("WeChat: Write a message").fill("几点开始")
    await page.keyboard.press("Enter")
    await page.get_by_text(FAULT).wait_for()
    await page.get_by_role("button", name="Start", exact=True).click()
    await page.get_by_role("button", name="No", exact=True).click()
    await page.get_by_text("pressed n").wait_for()
    await page.locator("#telegram .fresh").click()
    await page.get_by_text("Tap Start first").wait_for()
    assert troubles == []
    await page.context.close()


async def test_on_a_phone_one_chat_at_a_time_and_nothing_sideways(browser: Any, demo: Any) -> None:
    url, wechat_bot, _ = demo
    page, troubles = await opened(browser, url, 390, "zh-CN")
    wechat_bot.reply = "好" * 600 + "x" * 200
    await page.get_by_role("button", name="关注", exact=True).click()
    await page.wait_for_selector("#wechat .log li >> nth=1")
    assert not await page.locator("#telegram").is_visible()
    await page.get_by_role("button", name="Telegram", exact=True).click()
    assert not await page.locator("#wechat").is_visible()
    await page.get_by_role("button", name="Start", exact=True).click()
    await page.get_by_role("button", name="Yes", exact=True).wait_for()
    sizes = await page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert sizes == [390, 844]
    assert troubles == []
    await page.context.close()
