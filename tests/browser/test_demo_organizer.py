"""群发 on the demo's page: the organizer takes the Telegram phone, and the guest has it again."""

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
GUEST = ("Register", "Agree", "Retailer", "What If Toys Ltd", "Ann Lee", "Skip", "+49 30 123456", "ann@example.org")


@pytest_asyncio.fixture(loop_scope="session")
async def demo(tmp_path: pathlib.Path) -> AsyncIterator[str]:
    """The address of a running `usher demo`."""
    async with running_demo(tmp_path) as demo:
        yield demo.url
    assert " error " not in demo.log


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


@pytest.mark.parametrize("width", [390, 1280])
async def test_an_organizer_writes_to_all_and_the_guest_reads_it(
    demo: str, browser: Any, tmp_path: pathlib.Path, width: int
) -> None:
    page, _ = await opened(browser, demo, width, "en-US")
    page.set_default_timeout(15_000)
    telegram = page.locator("#telegram")
    narrow = page.locator(".open-wind")

    async def turns() -> None:
        if await narrow.is_visible():
            await narrow.click()
        await page.get_by_role("button", name="Write to all").click()
        if await narrow.is_visible():
            await narrow.click()

    if width == 390:
        await page.get_by_role("button", name="Telegram").click()
    await telegram.get_by_role("button", name="Start", exact=True).click()
    await telegram.locator(".log .bot").first.wait_for()
    await _answers(telegram, *GUEST, "Confirm")
    await turns()
    await telegram.get_by_text("The organizer's Telegram").wait_for()
    assert await telegram.get_by_role("heading").text_content() == "Telegram · Organizer"
    await shot(page, tmp_path, f"organizer-empty-{width}")
    await telegram.get_by_role("button", name="Start", exact=True).click()
    await telegram.locator(".log .bot").first.wait_for()
    await _answers(telegram, "broadcast", "Everyone (1)", "skip", "Hello {name}, {venue.text}")
    await telegram.get_by_text("Hello Ann Lee, the address has not been announced yet").wait_for()
    await shot(page, tmp_path, f"organizer-preview-{width}")
    await _answers(telegram, "Send")
    await telegram.get_by_text("On its way to 1 people").wait_for()
    await shot(page, tmp_path, f"organizer-sent-{width}")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await turns()
    await telegram.locator(".log .bot", has_text="Hello Ann Lee").wait_for()
    assert await telegram.get_by_role("heading").text_content() == "Telegram"
    await page.reload()
    await telegram.locator(".log .bot", has_text="Hello Ann Lee").wait_for(state="attached")
    await page.context.close()


async def shot(page: Any, folder: pathlib.Path, name: str) -> None:
    """A picture to look at."""
    await page.screenshot(path=pathlib.Path(os.environ.get("SCREENSHOTS", folder)) / f"{name}.png")
