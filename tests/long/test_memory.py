"""Memory of `usher serve` stays flat over 100,000 messages: on each database, with the `semantic` extra and without."""

from __future__ import annotations

import json
import os
import pathlib
import time

import psutil
import pytest

from tests.bench.load import STEPS, requests, run
from tests.served import ROOT, Process, environment, free_port

PEOPLE, SLICE = 10_000, 500
WITHOUT, WITH = 150, 350  # MiB
PSYCOPG = 10  # MiB more for PostgreSQL: its driver
NO_ENCODER = pathlib.Path(__file__).parent / "no_encoder"


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("semantic", [False, True], ids=["without", "with"])
async def test_memory_stays_flat_over_a_hundred_thousand_messages(
    database_url: str, tmp_path: pathlib.Path, semantic: bool
) -> None:
    port = free_port()
    channels = {"TELEGRAM_TOKEN": "", "TELEGRAM_SECRET": ""}
    settings = environment(database_url, port, "http://127.0.0.1:1", **channels)
    if not semantic:
        settings["PYTHONPATH"] = os.pathsep.join((str(NO_ENCODER), str(ROOT)))
    process = Process(settings, tmp_path, port)
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
    database = database_url.partition(":")[0]
    figures = {"messages": PEOPLE * len(STEPS), "failed": failed, "rss_mib": sizes}
    print(json.dumps({"database": database, "semantic": semantic, **figures}))
    assert failed == 0
    assert sizes[-1] - sizes[1] < 10, "it grows with the messages"
    assert sizes[-1] < (WITH if semantic else WITHOUT) + (PSYCOPG if database.startswith("postgresql") else 0)
