"""The clock that starts things at their time. APScheduler ticks; what is due is for others to say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import Unavailable

log = logging.getLogger(__name__)


class Scheduler:
    """Runs jobs at intervals on the real clock, each at most once at a time; a late tick is run once, never dropped."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def every(self, seconds: float, job: Callable[[], Awaitable[object]]) -> None:
        """Runs a job at intervals of so many seconds. A database that is away is tried again at the next one."""

        async def run() -> None:
            try:
                await job()
            except Unavailable as error:
                log.warning("a job did not run", extra={"reason": str(error)})
            except asyncio.CancelledError:  # by `stop`: APScheduler would call it an error
                log.info("a job was cut short by the end")

        self._scheduler.add_job(run, "interval", seconds=seconds)

    def start(self) -> None:
        """Starts ticking; needs a running event loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stops ticking; a job that runs is cut short, and what it had not committed is done after the next start."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
