"""A platform that lives through the kills of those who send to it, and remembers every message that reached it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it arrived."""

    key: str
    sender: int  # process id
    at: float  # when the sender wrote it, on the machine's clock for durations


@dataclass
class Post:
    """Takes messages on a port, one JSON line each, and answers a little later: in between a kill is in mid-send."""

    seconds: tuple[float, float] = (0.001, 0.004)  # until it answers
    port: int = 0
    received: list[Received] = field(default_factory=list)
    notices: Callable[[Received], None] = lambda _: None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _choose: random.Random = field(default_factory=lambda: random.Random(3))

    @property
    def copies(self) -> Counter[str]:
        """How often each message arrived."""
        return Counter(message.key for message in self.received)

    @property
    def twice(self) -> list[str]:
        """The messages that arrived more than once."""
        return sorted(key for key, count in self.copies.items() if count > 1)

    @property
    def most_in_a_second(self) -> int:
        """The fullest second that begins with any message."""
        return most_in_a_second(sorted(message.at for message in self.received))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a sender; ends with it."""
        self._open.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                said = json.loads(line)
                message = Received(**said)
                self.received.append(message)
                self.notices(message)
                await asyncio.sleep(self._choose.uniform(*self.seconds))
                writer.write(b"ok\n")
                await writer.drain()
        self.hang_up(writer)

    def hang_up(self, *writers: asyncio.StreamWriter) -> None:
        """Ends these connections, or all."""
        for writer in writers or tuple(self._open):
            self._open.discard(writer)
            writer.close()


def most_in_a_second(at: list[float], window: float = 1.0) -> int:
    """The fullest second, or part of one, that begins at any of these moments."""
    most = first = 0
    for last, moment in enumerate(at):
        while moment - at[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


@contextlib.asynccontextmanager
async def post_office(seconds: tuple[float, float] = (0.001, 0.004)) -> AsyncIterator[Post]:
    """A platform that listens meanwhile."""
    post = Post(seconds)
    server = await asyncio.start_server(post.serve, "127.0.0.1", 0)
    post.port = server.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        server.close()
        post.hang_up()
        await server.wait_closed()
