"""`usher demo` as a newcomer meets it: one command, one address, a registration on each phone, in a real browser."""

from __future__ import annotations

import os
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.browser.running import running_demo
from tests.chromium import opened

pytestmark = pytest.mark.asyncio(loop_scope="session")
WIDE, PHONE = 1280, 390
WRONG = {"TELEGRAM_TOKEN": "wrong", "WECHAT_MODE": "wrong", "SMTP_URL": "wrong", "SECRET": "x"}
ZH = ("1 同意", "4 工厂代表", "1 已参加", "东莞市欢乐玩具厂", "王芳", "人事经理", "13800138000", "wangfang@example.com")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A running demo, to which every page comes as somebody new.

    Its settings from outside are wrong on purpose, for it must not read them.
    """
    folder = tmp_path_factory.mktemp("demo")
    (folder / ".env").write_text("USHER_NO_SUCH=1\n")
    async with running_demo(folder, **WRONG) as demo:
        yield demo.url


async def _answer(phone: Any, text: str, expected: str) -> None:
    """Taps the button with that text, or types it; waits until the newest line of the bot holds what is expected."""
    before = await phone.locator(".log li").count()
    button = phone.locator(".log li").last.get_by_role("button", name=text, exact=True)
    if await button.count():
        await button.click()
    else:
        await phone.get_by_role("textbox").first.fill(text)
        await phone.get_by_role("textbox").first.press("Enter")
    await phone.locator(f".log li:nth-child(n+{before + 1})", has_text=expected).first.wait_for()


@pytest.mark.parametrize("width", [WIDE, PHONE])
async def test_a_newcomer_registers_in_chinese_on_wechat(
    demo: str, browser: Any, width: int, tmp_path: pathlib.Path
) -> None:
    page, troubles = await opened(browser, demo, width, "zh-CN")
    wechat = page.locator("#wechat")
    await wechat.get_by_role("button", name="关注").first.click()
    await wechat.locator(".log li", has_text="报名助手").wait_for()
    names = wechat.locator(".menu > button, .menu summary")
    await names.nth(2).wait_for()
    heights = await names.evaluate_all("all => all.map(one => one.offsetHeight)")
    assert len(heights) == 3
    assert max(heights) < 50, "a name of the menu takes two lines"
    await _answer(wechat, "1 我要报名", "完整说明")
    for text, expected in zip(ZH, ("1/8", "2/8", "3/8", "4/8", "5/8", "6/8", "7/8", "请核对"), strict=True):
        await _answer(wechat, text, expected)
    await _answer(wechat, "1 确认", "报名已提交，编号 FFS-")
    folder = pathlib.Path(os.environ.get("SCREENSHOTS", tmp_path))
    await page.screenshot(path=folder / f"registered-{width}.png")
    scrolls = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not scrolls, "the page is wider than the screen"
    assert troubles == []


async def test_a_brand_registers_in_english_on_telegram(demo: str, browser: Any) -> None:
    page, troubles = await opened(browser, demo, WIDE, "en-US")
    telegram = page.locator("#telegram")
    await telegram.get_by_role("button", name="Start", exact=True).click()
    await telegram.locator(".log li", has_text="Welcome").wait_for()
    await _answer(telegram, "Register", "privacy")
    answers = ("Agree", "Retailer", "What If Toys Ltd", "Ann Lee", "Skip", "+49 30 123456", "ann@example.org")
    for text, expected in zip(answers, ("1/", "2/7", "3/7", "4/7", "5/7", "6/7", "Please check"), strict=True):
        await _answer(telegram, text, expected)
    await _answer(telegram, "Confirm", "Your reference is FFS-")
    assert troubles == []
