"""A real browser for the tests of the demo's page: one for all of them, a context of its own for each."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    """Chromium, the installed one or playwright's own; skips the test if there is none."""
    playwright = pytest.importorskip(
        "playwright.async_api", reason="no playwright; pip install -c constraints.txt -e '.[test]'"
    )
    async with playwright.async_playwright() as started:
        try:
            browser = await started.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
        except playwright.Error:
            pytest.skip("no Chromium; playwright install --with-deps chromium")
        yield browser
        await browser.close()


async def opened(browser: Any, url: str, width: int, language: str) -> tuple[Any, list[str]]:
    """The page on a screen so wide, ready, and what goes wrong in it from then on."""
    context = await browser.new_context(viewport={"width": width, "height": 844}, locale=language)
    page = await context.new_page()
    page.set_default_timeout(10_000)
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    await page.goto(url)
    await page.wait_for_selector("body[data-ready]")
    return page, troubles
