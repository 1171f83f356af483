"""What the platforms' kept connections need of our port."""

from __future__ import annotations

import asyncio
import socket

from bot.serve import bound


async def test_a_small_answer_leaves_at_once() -> None:
    """Without TCP_NODELAY each answer on a kept connection waits 40 ms for the other side's acknowledgement."""
    found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    class Look(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted = transport.get_extra_info("socket")
            found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    listening = bound("127.0.0.1", 0)
    server = await asyncio.get_running_loop().create_server(Look, sock=listening)
    _, writer = await asyncio.open_connection(*listening.getsockname())
    assert await asyncio.wait_for(found, 5)
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
