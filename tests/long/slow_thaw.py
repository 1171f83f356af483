"""Bad luck put in: a process that stood still cannot reach its database for a while when it goes on."""

from __future__ import annotations

import asyncio

from bot.delivery.lane import Lane

_fly = Lane._fly


async def _later(lane: Lane) -> None:
    if not lane.held:
        await asyncio.sleep(1.5)
    await _fly(lane)


Lane._fly = _later
