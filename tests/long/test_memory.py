"""Memory of `usher serve` stays flat over 100,000 messages, and under 150 MiB, on each database."""

from __future__ import annotations

import json
import pathlib
import time

import psutil
import pytest

from tests.bench.load import STEPS, requests, run
from tests.served import Process, environment, free_port

PEOPLE, SLICE = 10_000, 500


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_memory_stays_flat_over_a_hundred_thousand_messages(database_url: str, tmp_path: pathlib.Path) -> None:
    port = free_port()
    channels = {"TELEGRAM_TOKEN": "", "TELEGRAM_SECRET": ""}
    process = Process(environment(database_url, port, "http://127.0.0.1:1", **channels), tmp_path, port)
    await process.start()
    assert process.running is not None
    inside = psutil.Process(process.running.pid)
    sizes, failed = [], 0
    try:
        for first in range(0, PEOPLE, SLICE):
            people = [requests(person, time.time()) for person in range(first, first + SLICE)]
            failed += (await run(port, people, 50)).failed
            sizes.append(round(inside.memory_info().rss / 2**20, 1))
    finally:
        process.stop()
    print(json.dumps({"messages": PEOPLE * len(STEPS), "failed": failed, "rss_mib": sizes}))
    assert failed == 0
    assert sizes[-1] - sizes[1] < 10, "it grows with the messages"
    assert sizes[-1] < 150
