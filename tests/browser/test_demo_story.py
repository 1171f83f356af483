"""The whole story on the demo's page: registered, confirmed, mailed, told the venue, reminded; each in its place."""

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
ZH = ("1 我要报名", "1 同意", "4 工厂代表", "1 已参加", "东莞市欢乐玩具厂", "王芳", "人事经理", "13800138000")
ZH += ("wangfang@example.com", "1 确认")
EN = (
    "Register",
    "Agree",
    "Retailer",
    "What If Toys Ltd",
    "Ann Lee",
    "Skip",
    "+49 30 123456",
    "ann@example.org",
    "Confirm",
)


@pytest_asyncio.fixture(loop_scope="session")
async def demo(tmp_path: pathlib.Path) -> AsyncIterator[str]:
    """The address of a running `usher demo`."""
    async with running_demo(tmp_path) as demo:
        yield demo.url
    assert "wangfang" not in demo.log
    assert " error " not in demo.log


@pytest_asyncio.fixture(loop_scope="session")
async def page(demo: str, browser: Any) -> AsyncIterator[Any]:
    """The page in English, on a wide screen."""
    page, _ = await opened(browser, demo, 1280, "en-US")
    page.set_default_timeout(15_000)
    yield page
    await page.context.close()


async def _answers(phone: Any, *texts: str) -> None:
    """Taps or types each text, and waits for what the bot says to it."""
    for text in texts:
        before = await phone.locator(".log .bot").count()
        button = phone.locator(".log li").last.get_by_role("button", name=text, exact=True)
        if await button.count():
            await button.click()
        else:
            await phone.get_by_role("textbox").first.fill(text)
            await phone.get_by_role("textbox").first.press("Enter")
        await phone.locator(f".log .bot >> nth={before}").wait_for()


async def test_from_registration_to_the_morning_of_the_event(page: Any, tmp_path: pathlib.Path) -> None:
    wechat, telegram, mail = (page.locator(f"#{name}") for name in ("wechat", "telegram", "mail"))
    await wechat.get_by_role("button", name="Follow").click()
    await wechat.locator(".log .bot").first.wait_for()
    await _answers(wechat, *ZH)
    await telegram.get_by_role("button", name="Start", exact=True).click()
    await telegram.locator(".log .bot").first.wait_for()
    await _answers(telegram, *EN)
    await page.get_by_role("button", name="Confirm all").click()
    # One reaches the open window, one the bot's chat, both a mailbox.
    await wechat.locator(".log .bot", has_text="已确认").wait_for()
    await telegram.locator(".log .bot", has_text="is confirmed").wait_for()
    for address in ("wangfang@example.com", "ann@example.org"):
        await mail.locator(".mails button", has_text=address).wait_for()
    await mail.locator(".mails button", has_text="wangfang@example.com").click()
    letter = mail.frame_locator("iframe")
    await letter.get_by_text("王芳您好").wait_for()
    assert await letter.locator("img").first.evaluate("one => one.decode().then(() => one.naturalWidth > 50)")
    await mail.get_by_role("link", name=".ics").wait_for()
    await page.get_by_role("button", name="+1 day").click()
    await page.get_by_role("button", name="Example venue").click()
    await telegram.locator(".card", has_text="Example Hall").wait_for()
    await wechat.locator(".log .bot", has_text="示例会场").wait_for()
    for _ in range(3):
        await page.get_by_role("button", name="Next reminder").click()
        await page.locator(".wind button:enabled").first.wait_for()
    assert await page.locator("#clock").text_content() == "2019-10-22 07:30"
    # More than 48 hours after the last message only the template is left.
    await wechat.locator(".card", has_text="会议今天举行").wait_for()
    await telegram.locator(".log .bot", has_text="starts today").wait_for()
    await page.screenshot(path=pathlib.Path(os.environ.get("SCREENSHOTS", tmp_path)) / "story.png")
