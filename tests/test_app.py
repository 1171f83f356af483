"""Several processes on one database that start in the same moment."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from sqlalchemy import Connection

from bot.app import Usher
from bot.clock import Clock
from bot.live import CONTENT_LOADED, Outcome
from bot.settings import read
from bot.store.noted import note
from bot.store.tables import Setting
from tests.served import environment
from tests.stored import rows


@pytest.fixture
async def two(database_url: str) -> tuple[Usher, Usher]:
    """Two processes' worth of it."""
    settings = read(environment(database_url, 1, "http://127.0.0.1:1"))
    return Usher(settings, Clock(settings.now)), Usher(settings, Clock(settings.now))


async def test_both_note_which_content_they_serve(two: tuple[Usher, Usher]) -> None:
    first, second = two
    noted, goes_on = threading.Event(), threading.Event()

    def slowly(connection: Connection) -> None:
        note(connection, CONTENT_LOADED, json.dumps({"version": first.content.version}))
        noted.set()
        goes_on.wait(5)

    slow = asyncio.create_task(asyncio.to_thread(first.database.transact_now, slowly))
    await asyncio.to_thread(noted.wait, 5)
    quick = asyncio.create_task(second.contents.note(second.database))
    await asyncio.sleep(0.2)  # it waits for the first by now
    goes_on.set()
    await asyncio.gather(slow, quick)
    served = [row.value for row in rows(first.database, Setting) if row.name == CONTENT_LOADED]
    assert [json.loads(value).get("outcome") for value in served] == [Outcome.TAKEN]  # the later one's
    await asyncio.gather(first.stop(), second.stop())
