"""The clock that starts jobs."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bot.delivery.scheduler import Scheduler
from bot.errors import Unavailable
from tests.delivery.flights import eventually


async def test_a_job_in_the_middle_of_its_work_is_cut_short_at_the_end_without_an_alarm(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scheduler, begun = Scheduler(), []

    async def job() -> None:
        begun.append(asyncio.current_task())
        await asyncio.Event().wait()

    scheduler.every(0.01, job)
    scheduler.start()
    await eventually(lambda: begun)
    scheduler.stop()
    await eventually(lambda: begun[0].done())
    await asyncio.sleep(0)  # what is told of its end
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_database_that_is_away_is_asked_again_at_the_next_interval(caplog: pytest.LogCaptureFixture) -> None:
    scheduler, asked = Scheduler(), []

    async def job() -> None:
        asked.append(None)
        if len(asked) == 1:
            raise Unavailable("nobody there")

    scheduler.every(0.01, job)
    scheduler.start()
    await eventually(lambda: len(asked) > 1)
    scheduler.stop()
    assert "a job did not run" in [record.message for record in caplog.records]
