"""A port in front of a platform's server which can be shut: then connections are refused, as by a host that is down.

Nothing behind it can do that: whoever reads a request has accepted the connection, and a caller who wrote something
can no longer be certain that it did not arrive.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Coroutine
from typing import Any

HOST = "127.0.0.1"
_CHUNK = 65_536


class Door:
    """Hands bytes on to a port on this machine and back. `port`: where it listens, a free one unless given."""

    def __init__(self, inside: int, port: int = 0) -> None:
        self.port = port
        self._inside = inside
        self._listening: socket.socket | None = None
        self._server: asyncio.Task[asyncio.Server] | None = None
        self._visits: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address of what is behind it, once it was open."""
        return f"http://{HOST}:{self.port}"

    def open(self) -> None:
        """Listens from now on."""
        if self._listening is None:
            self._listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listening.bind((HOST, self.port))
            self._listening.listen(128)
            self.port = self._listening.getsockname()[1]
            serving = asyncio.start_server(self._visited, sock=self._listening)
            self._server = asyncio.get_running_loop().create_task(serving)

    def shut(self) -> None:
        """Refuses connections, and cuts those there are."""
        if self._listening is None or self._server is None:
            return
        if self._server.done():
            self._server.result().close()
        self._server.cancel()
        self._listening.close()
        self._listening = self._server = None
        for visit in self._visits:
            visit.cancel()

    async def close(self) -> None:
        """Shut for good."""
        self.shut()
        await asyncio.gather(*self._visits, return_exceptions=True)

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        assert visit
        self._visits.add(visit)
        try:
            await self._between(reader, writer)
            writer.close()
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._visits.discard(visit)

    async def _between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(HOST, self._inside)
        try:
            await _first(_hand_on(reader, inner_writer), _hand_on(inner_reader, writer))
        finally:
            inner_writer.transport.abort()


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


async def _first(*ways: Coroutine[Any, Any, None]) -> None:
    """Until one of them has ended; then the others end too."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
