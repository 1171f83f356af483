"""A fault to be put into `usher serve`: it answers before the commit. The tests must see that it loses answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

import bot.app
from bot.store.database import Database

T = TypeVar("T")
LATE = 0.03  # seconds from the answer to the commit: a write-behind, as somebody in want of speed might build it


class EarlyAck(Database):
    """Hands the result over once the statements ran, and commits a little later."""

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """As in Database, but for the order."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[T] = loop.create_future()

        def tell(result: T) -> None:
            if not told.done():
                told.set_result(result)

        def early(connection: Connection) -> T:
            result = work(connection)
            loop.call_soon_threadsafe(tell, result)
            time.sleep(LATE)
            return result

        written = loop.run_in_executor(self._writing, self.transact_now, early)
        await asyncio.wait([told, written], return_when=asyncio.FIRST_COMPLETED)
        return told.result() if told.done() else await written


bot.app.Database = EarlyAck
