"""The house under attack: `usher serve` with both platforms beside it, and what can be seen of it from outside."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import pathlib
import re
import threading
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import httpx
import psutil
from sqlalchemy import Engine, create_engine, inspect, make_url, text

from tests.nursery import Forked, Nursery
from tests.served import Platforms, environment, free_port, platforms

T = TypeVar("T")
Picture = dict[str, tuple[int, str]]
_MOVES_ON = {"seen_at", "message_until", "message_left", "tap_until", "tap_left"}  # also with a copy of a message
_BEATS = {"lane", "nonce"}  # tables that the server writes by itself: its leases, and what plain mode saw signed


class Ground:
    """One server for many tests. The platforms live on a loop of their own, in a thread."""

    def __init__(
        self, nursery: Nursery, database_url: str, folder: pathlib.Path, variant: str = "", **settings: str
    ) -> None:
        self.port, self.folder, self._variant = free_port(), folder, variant
        self._nursery, self._database_url, self._settings = nursery, database_url, settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._engine = _reader(database_url)
        self._over = asyncio.Event()
        self.played: Platforms

    def open(self) -> None:
        """Starts everything."""
        self._thread.start()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._life = asyncio.run_coroutine_threadsafe(self._live(opened), self._loop)
        asyncio.run_coroutine_threadsafe(_first(opened, self._life), self._loop).result(30)

    def close(self) -> int:
        """Ends everything; the exit code of the server."""
        self._loop.call_soon_threadsafe(self._over.set)
        code = self._life.result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        self._engine.dispose()
        return code

    async def _live(self, opened: asyncio.Future[None]) -> int:
        async with platforms(self.port) as self.played:
            self.env = environment(self._database_url, self.port, self.played.url, **self._settings)
            self._server = Forked(self._nursery, self.env, self.folder, self.port, self._variant)
            await self._server.start()
            opened.set_result(None)
            await self._over.wait()
            return await asyncio.to_thread(self._server.stop)

    def meanwhile(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Does something beside the tests."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    @property
    def memory(self) -> float:
        """MiB that the server holds now."""
        return float(psutil.Process(self._server.running).memory_info().rss / 2**20)

    @property
    def log(self) -> str:
        """What the server logged so far."""
        return self._server.log.read_text()

    def alarms(self) -> list[str]:
        """Lines of the log that somebody would have to look at."""
        return [line for line in self.log.splitlines() if re.search(r" error | critical |Traceback|Error:", line)]

    def outcome(self, name: str) -> int:
        """How many messages ended so, by the metrics."""
        page = httpx.get(f"http://127.0.0.1:{self.port}/metrics", trust_env=False).text
        counts = re.findall(rf'^usher_messages_total{{.*outcome="{name}".*}} ([0-9.e+]+)$', page, re.MULTILINE)
        return sum(int(float(count)) for count in counts)

    def picture(self, without: Iterable[str] = ()) -> Picture:
        """Every table that messages may change: how many rows, and a digest of what stands in them."""
        left_out = set(without)
        found: Picture = {}
        with self._engine.begin() as connection:
            for table in set(inspect(connection).get_table_names()) - _BEATS:
                rows = connection.execute(text(f'SELECT * FROM "{table}"')).mappings()  # noqa: S608  # our own names
                kept = sorted(repr([value for name, value in row.items() if name not in left_out]) for row in rows)
                found[table] = len(kept), hashlib.sha256("\n".join(kept).encode("utf-8", "replace")).hexdigest()
        return found

    def still(self) -> Picture:
        """The picture without what a mere copy of a message moves on."""
        return self.picture(_MOVES_ON)

    def column(self, table: str, name: str) -> list[Any]:
        """One column of a table."""
        with self._engine.begin() as connection:
            return list(connection.execute(text(f'SELECT {name} FROM "{table}"')).scalars())  # noqa: S608  # our own names

    def export(self) -> list[dict[str, Any]]:
        """`usher registrations`, beside the server."""
        file = self.folder / "registrations.jsonl"
        file.unlink(missing_ok=True)
        assert self._nursery.wait(self._nursery.fork("registrations", env=self.env, out=file)) == 0, file.read_text()
        return [json.loads(row) for row in file.read_text().splitlines()]


@contextlib.contextmanager
def opened(ground: Ground) -> Iterator[Ground]:
    """Open, and ended with 0."""
    ground.open()
    try:
        yield ground
    finally:
        code = ground.close()
    assert code == 0


def _reader(database_url: str) -> Engine:
    url = make_url(database_url.replace("postgresql://", "postgresql+psycopg://"))
    if url.get_backend_name() == "sqlite":
        return create_engine(url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"}))
    return create_engine(url, isolation_level="REPEATABLE READ")


async def _first(opened: asyncio.Future[None], life: Any) -> None:
    """Waits until it is open, or ended before."""
    ended = asyncio.wrap_future(life)
    await asyncio.wait([opened, ended], return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        ended.result()
