"""How long `usher ask --jsonl` takes a question on one core, and the memory it needs.

`python -m tests.bench.ask` prints JSON: p50 and p99 in ms, the peak of memory in MiB, and the processor's
seconds to train and to read the cache.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bot.answers.cache import matcher_of
from bot.content.load import load

_ROOT = Path(__file__).parents[2]
_QUESTIONS = _ROOT / "tests/answers/questions.tsv"
_ROUNDS = 4


def main() -> None:
    """Asks the held-out questions a few times over, in the order of the file."""
    with _QUESTIONS.open(encoding="utf-8", newline="") as file:
        asked = [row["text"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)] * _ROUNDS
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with TemporaryDirectory() as folder:
        trained, cached = _seconds(Path(folder)), _seconds(Path(folder))
    times, peak = _ask(asked)
    print(
        json.dumps(
            {
                "questions": len(times),
                "p50_ms": times[len(times) // 2],
                "p99_ms": times[len(times) * 99 // 100],
                "longest_ms": times[-1],
                "peak_mib": round(peak),
                "train_cpu_s": round(trained, 2),
                "cached_cpu_s": round(cached, 2),
            }
        )
    )


def _seconds(cache: Path) -> float:
    content, begun = load(_ROOT / "content"), time.process_time()
    matcher_of(content, cache)
    return time.process_time() - begun


def _ask(asked: list[str]) -> tuple[list[float], float]:
    words = [sys.executable, "-m", "bot.cli", "ask", "--jsonl"]
    environment = {**os.environ, "USHER_CONTENT": str(_ROOT / "content")}
    times, peak = [], 0
    with subprocess.Popen(
        words, cwd=_ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin
        assert process.stdout
        of = psutil.Process(process.pid)
        for text in asked:
            process.stdin.write(json.dumps({"text": text}) + "\n")
            process.stdin.flush()
            times.append(json.loads(process.stdout.readline())["ms"])
            peak = max(peak, of.memory_info().rss)
        process.stdin.close()
    return sorted(times), peak / 2**20


if __name__ == "__main__":
    main()
