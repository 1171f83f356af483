"""The demo's page in a real browser, on a wide screen and on a phone's."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette

from bot.clock import Clock
from bot.sandbox.page import Sandbox
from bot.sandbox.wechat_reply import FAULT

playwright = pytest.importorskip(
    "playwright.async_api", reason="no playwright; pip install -c constraints.txt -e '.[test]'"
)
WELCOME = (
    '<script>document.title="owned"</script>您好 <a href="weixin://bizmsgmenu?msgmenucontent=1&msgmenuid=a">1 报名</a>'
)


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    """Chromium, the installed one or playwright's own."""
    async with playwright.async_playwright() as started:
        try:
            chromium = await started.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
        except playwright.Error:
            pytest.skip("no Chromium; playwright install --with-deps chromium")
        yield chromium
        await chromium.close()


@pytest.fixture
async def demo(wechat: Any, telegram: Any, serve: Any, clock: Clock) -> tuple[str, Any, Any]:
    """The address of the page, and both bots."""
    wechat_platform, wechat_bot = await wechat()
    telegram_platform, telegram_bot = await telegram()
    url = await serve(Starlette(routes=Sandbox(wechat_platform, telegram_platform, clock).routes()))
    return f"{url}/sandbox/", wechat_bot, telegram_bot


async def _opened(browser: Any, url: str, width: int, language: str) -> tuple[Any, list[str]]:
    context = await browser.new_context(viewport={"width": width, "height": 844}, locale=language)
    page = await context.new_page()
    page.set_default_timeout(10_000)
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    await page.goto(url)
    await page.wait_for_selector("body[data-ready]")
    return page, troubles


async def test_a_newcomer_follows_starts_taps_and_writes(browser: Any, demo: Any) -> None:
    url, wechat_bot, _ = demo
    page, troubles = await _opened(browser, url, 1280, "en-US")
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
    page, troubles = await _opened(browser, url, 390, "zh-CN")
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
