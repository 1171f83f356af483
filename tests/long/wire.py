"""HTTP as bytes: sends whatever it is given, over kept connections, and costs little."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

_MOST = 1 << 20  # bytes of an answer's head


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    head: bytes
    body: bytes


class Wire:
    """Connections to one port. Raises OSError, EOFError or TimeoutError where no whole answer came."""

    def __init__(self, port: int, seconds: float = 15.0) -> None:
        self.port, self.seconds = port, seconds
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, target: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST") -> Answer:
        """One request as clients make it."""
        rows = {"Host": "usher", "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in rows.items())
        return await self.send(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)

    async def send(self, request: bytes) -> Answer:
        """The bytes of one request; the connection is kept where the answer says so."""
        async with asyncio.timeout(self.seconds):
            reader, writer = self._idle.pop() if self._idle else await self.connect()
            try:
                writer.write(request)
                answer = await read(reader, bodiless=request.startswith(b"HEAD "))
            except BaseException:
                writer.close()
                raise
        if b"connection: close" in answer.head.lower():
            writer.close()
        else:
            self._idle.append((reader, writer))
        return answer

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection of its own, for requests that come in pieces."""
        return await asyncio.open_connection("127.0.0.1", self.port, limit=_MOST)

    def forget(self) -> None:
        """Lets go of kept connections: who is at their other end may be gone."""
        while self._idle:
            self._idle.pop()[1].close()

    async def __aenter__(self) -> Wire:
        """For the time of a `with`."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Lets go of everything."""
        writers = [writer for _, writer in self._idle]
        self.forget()
        for writer in writers:
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def read(reader: asyncio.StreamReader, *, bodiless: bool = False) -> Answer:
    """One answer: by its Content-Length, or up to the end of the connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    lengths = [row.split(b":")[1] for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")]
    if bodiless or status in (204, 304):
        return Answer(status, head, b"")
    body = await (reader.readexactly(int(lengths[0])) if lengths else reader.read())
    return Answer(status, head, body)
