"""How long `usher serve` keeps people waiting while changed content is read and trained.

python -m tests.bench.reload [CHANGES]: JSON. `beat` is the time of GET /health/live, asked every 10 ms: how long the
event loop was busy with something else. `quiet`: nothing changes; `reloading`: from each change until it is answered
from. `seconds`: how long that took. All times but the last in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field

import psutil

from tests.long.wire import Wire
from tests.served import ROOT, Platforms, Process, environment, free_port, platforms

CHANGES, QUIET, BEAT = 5, 5.0, 0.01
_BEAT = b"GET /health/live HTTP/1.1\r\nHost: usher\r\n\r\n"


@dataclass
class Times:
    """Seconds, of beats and of answers."""

    beat: list[float] = field(default_factory=list)
    answer: list[float] = field(default_factory=list)

    def told(self) -> dict[str, dict[str, float]]:
        """In milliseconds."""
        return {"beat": _told(self.beat), "answer": _told(self.answer)}


def _told(times: list[float]) -> dict[str, float]:
    ranked = sorted(times)
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: round(ranked[min(len(ranked) - 1, int(at * len(ranked)))] * 1000, 1) for name, at in shares.items()}


async def main(changes: int) -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        content, port = shutil.copytree(ROOT / "content", folder / "content"), free_port()
        async with platforms(port) as played:
            settings = environment(f"sqlite:///{folder / 'usher.db'}", port, played.url, CONTENT=str(content))
            process = Process(settings, folder, port)
            await process.start()
            try:
                print(json.dumps(await measured(played, port, content, changes), indent=1))
            finally:
                process.stop()


async def measured(played: Platforms, port: int, content: pathlib.Path, changes: int) -> dict[str, object]:
    """Beats and answers, first while nothing happens, then while content changes."""
    quiet, reloading, took = Times(), Times(), []
    await played.wechat.phone("oBench").says("要收费吗")
    await asyncio.sleep(3)  # it reads in what it did not need to be ready
    async with beating(played, port, quiet):
        await asyncio.sleep(QUIET)
    for number in range(changes):
        began = time.perf_counter()
        change(content / "faq" / "cost.md", number)
        async with beating(played, port, reloading):
            while f"第{number}版" not in await played.wechat.phone("oBench").says("要收费吗"):
                await asyncio.sleep(0.05)
        took.append(round(time.perf_counter() - began, 2))
    return {"load": psutil.getloadavg()[0], "quiet": quiet.told(), "reloading": reloading.told(), "seconds": took}


def change(entry: pathlib.Path, number: int) -> None:
    """Another answer, and one more way to ask, so that there is something to train."""
    text = entry.read_text(encoding="utf-8").replace(f"第{number - 1}版。", "")
    text = text.replace("ask.zh = [", f'ask.zh = ["第{number}次问要交多少钱", ', 1)
    entry.write_text(text.replace("## zh\n", f"## zh\n第{number}版。", 1), encoding="utf-8")


class beating:  # noqa: N801  # read like a function
    """Beats, and asks, while it is entered."""

    def __init__(self, played: Platforms, port: int, times: Times) -> None:
        self.played, self.port, self.times = played, port, times

    async def __aenter__(self) -> None:
        self.tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._ask())]

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            assert not task.done(), task.exception()
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _beat(self) -> None:
        async with Wire(self.port) as wire:
            while True:
                began = time.perf_counter()
                assert (await wire.send(_BEAT)).status == 200
                self.times.beat.append(time.perf_counter() - began)
                await asyncio.sleep(BEAT)

    async def _ask(self) -> None:
        while True:
            began = time.perf_counter()
            assert await self.played.wechat.phone("oBeat").says("几点开始")
            self.times.answer.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else CHANGES))
