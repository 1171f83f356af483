"""`usher demo` as a command of its own, with a folder of its own to run in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import re
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from bot.content.load import load
from tests.served import ROOT, free_port
from tests.trained import shared_folder, trained


@dataclass
class Demo:
    """A running demo; what it logged is known once it has ended."""

    url: str
    log: str = ""


@contextlib.asynccontextmanager
async def running_demo(folder: pathlib.Path, **settings: str) -> AsyncIterator[Demo]:
    """A demo that was told these settings from outside and no other; it ends in good order.

    It finds a trained matcher, as one that is started a second time.
    """
    trained(load(ROOT / "content"))
    shutil.copytree(shared_folder(), folder / "usher-demo.db-cache")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("USHER_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", "demo", "--port", str(free_port())),
        env={**kept, **{f"USHER_{name}": value for name, value in settings.items()}, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    demo = Demo("")
    async with asyncio.timeout(20):
        while not demo.url:
            line = (await process.stdout.readline()).decode()
            assert line, "the demo ended before it gave an address"
            demo.url = (re.findall(r"http://\S+", line) or [""])[0]
    draining = asyncio.create_task(process.stdout.read())
    try:
        yield demo
    finally:
        process.terminate()
        async with asyncio.timeout(15):
            assert await process.wait() == 0
        demo.log = (await draining).decode()
