"""Planning goes on while a long broadcast is being written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.clock import Clock
from bot.content.records import Content
from bot.delivery import queueing
from bot.delivery.announcements import announce
from bot.errors import Unavailable
from bot.lanes import Lanes
from bot.settings import read
from bot.store.database import Database
from bot.store.outbox import Kind
from tests.conftest import NOW
from tests.delivery.crowd import ALL, announcements, deliveries, town
from tests.served import environment

TEXTS = {"zh": {"text": "会场定了"}, "en": {"text": "The venue"}}
DUE = NOW + timedelta(hours=1, seconds=1)  # of the first reminder


@pytest.fixture
async def lanes(database: Database, content: Content, clock: Clock) -> AsyncIterator[Lanes]:
    """Those of a process that does not send."""
    url = database.url.render_as_string(hide_password=False)
    lanes = Lanes(database, clock, lambda: content, read(environment(url, 1, "http://127.0.0.1:1")), {})
    yield lanes
    await lanes.drain()


def broadcast(database: Database, clock: Clock, people: int) -> None:
    """Announced to so many, and nothing of it written."""
    town(database, people, NOW)
    said: dict[str, Any] = {"id": "B-1", "kind": Kind.BROADCAST, "accounts": ALL, "texts": TEXTS, "now": clock.now()}
    database.transact_now(lambda connection: announce(connection, **said))


async def test_a_reminder_is_planned_while_a_broadcast_is_still_being_written(
    lanes: Lanes, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, fill_up = asyncio.Event(), queueing.fill_up

    async def slow(*arguments: Any) -> int:
        await goes_on.wait()
        return await fill_up(*arguments)

    broadcast(database, clock, 5)
    monkeypatch.setattr(queueing, "fill_up", slow)
    await asyncio.wait_for(lanes.tick(), 5)
    clock.wind(DUE - clock.now())
    await asyncio.wait_for(lanes.tick(), 5)
    assert set(announcements(database)) == {"B-1", "two-weeks"}
    with pytest.raises(TimeoutError):  # as every tick would have to: this is what it must not wait for
        await asyncio.wait_for(lanes.wound(), 0.3)
    goes_on.set()
    await lanes.wound()
    assert len(deliveries(database, "B-1")) == len(deliveries(database, "two-weeks")) == 5


async def test_writing_that_failed_is_begun_anew_at_the_next_tick(
    lanes: Lanes, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fails: list[Exception] = [KeyError("张三"), Unavailable("the database did not answer")]
    fill_up = queueing.fill_up

    async def failing(*arguments: Any) -> int:
        if fails:
            raise fails.pop()
        return await fill_up(*arguments)

    broadcast(database, clock, 5)
    monkeypatch.setattr(queueing, "fill_up", failing)
    for _ in range(2):
        await lanes.wound()
        assert deliveries(database) == []
    await lanes.wound()
    assert len(deliveries(database)) == 5
    assert [row.message for row in caplog.records if row.name == "bot.lanes"] == [
        "deliveries wait for the database",
        "deliveries could not be written",
    ]
    assert "张三" not in caplog.text


async def test_a_process_that_ends_leaves_the_rest_to_the_next_one(
    lanes: Lanes, database: Database, clock: Clock
) -> None:
    broadcast(database, clock, 2_000)
    await lanes.tick()
    while not deliveries(database):
        await asyncio.sleep(0)
    await asyncio.wait_for(lanes.drain(), 5)
    assert len(deliveries(database)) < 2_000
    await lanes.wound()
    assert len(deliveries(database)) == 2_000
