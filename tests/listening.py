"""A web server in this process for the time of a test."""

from __future__ import annotations

import asyncio
import socket

import uvicorn


async def listen(web: uvicorn.Server, *sockets: socket.socket) -> None:
    """Opens its port. The parts of serve(), whose loop and shutdown sleep a tenth of a second each, in every test."""
    web.config.load()
    web.lifespan = web.config.lifespan_class(web.config)
    await web.startup(list(sockets) or None)
    await web.on_tick(0)  # writes the Date of its answers


async def fall_silent(web: uvicorn.Server) -> None:
    """Closes its port and its connections; what still runs is cancelled."""
    for listener in web.servers:
        listener.close()
    late = list(web.server_state.tasks)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    for connection in list(web.server_state.connections):
        connection.shutdown()
    for listener in web.servers:
        await listener.wait_closed()
