"""Kills `usher serve` again and again under load, and tells what became of the answers."""

from __future__ import annotations

import asyncio
import json
import pathlib
import random
import statistics
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.content.load import load
from tests.long.crowd import Crowd
from tests.long.ledger import Stored, differences, doubled
from tests.long.people import Tally
from tests.nursery import Forked, Nursery, Served
from tests.served import NOW, ROOT, Process, environment, free_port, platforms

KILLS_FROM, KILLS_TO = 0.02, 0.4  # seconds after ready
_FINISHING = 90  # seconds for everybody to finish; a reply on Telegram may have to wait 30 for its lease


@dataclass
class Report:
    """What became of the answers."""

    seed: int
    tally: Tally
    kills: int = 0
    people: int = 0
    seconds: float = 0.0
    starts: list[float] = field(default_factory=list)  # seconds from start to ready, of the command itself
    lost: set[str] = field(default_factory=set)  # acknowledged, and not there after a restart
    differing: list[str] = field(default_factory=list)  # the export is not what was acknowledged
    twice: list[str] = field(default_factory=list)
    exit_code: int = -1  # after SIGTERM at the end

    @property
    def faults(self) -> list[str]:
        """Everything that must not be; empty: nothing acknowledged was lost."""
        asked = [f"asked again: {row}" for row in self.tally.asked_again]
        wrong = [f"not shown: {row}" for row in self.tally.wrong]
        refused = [f"{count} answers {status}" for status, count in self.tally.refused.items() if status != 503]
        lost = [f"lost: {row}" for row in sorted(self.lost)]
        return [*lost, *self.differing, *self.twice, *asked, *wrong, *refused]

    def __str__(self) -> str:
        tally, starts = self.tally, sorted(self.starts)
        started = f", start to ready {statistics.median(starts):.2f} s (most {starts[-1]:.2f} s)" if starts else ""
        return (
            f"{self.kills} kills in {self.seconds:.0f} s (seed {self.seed}){started}; {self.people} people,"
            f" {tally.requests} requests, {tally.unanswered} of them cut or refused, {tally.given_up} messages given"
            f" up; {dict(tally.acknowledged)} answers acknowledged, {len(self.lost)} lost,"
            f" {len(tally.asked_again)} asked again, {len(self.differing)} differences in the export,"
            f" {len(self.twice)} registered twice; answers other than 200: {dict(tally.refused) or 'none'}"
        )


class Siege:
    """One server, one crowd. The first `cold` starts are the command itself; then it is forked behind its imports."""

    def __init__(
        self, nursery: Nursery, database_url: str, folder: pathlib.Path, seed: int, *, cold: int = 0, variant: str = ""
    ) -> None:
        self.nursery, self.database_url, self.folder, self.seed = nursery, database_url, folder, seed
        self.cold, self.variant = cold, variant
        self.choose, self.port = random.Random(seed), free_port()
        self._began, self._now = time.monotonic(), datetime.fromisoformat(NOW)

    async def run(self, kills: int, wechat: int, telegram: int, *, until_lost: bool = False) -> Report:
        """So many kills under the load of so many people; then everybody finishes, and the result is looked at.

        `until_lost`: no more kills once something was lost.
        """
        async with platforms(self.port) as played:
            self.env = environment(self.database_url, self.port, played.url)
            self.crowd = Crowd(self.port, played.telegram, load(ROOT / "content"), self.seed)
            self.report = Report(self.seed, self.crowd.tally)
            self.stored = Stored(self.database_url)
            self.server: Served = Forked(self.nursery, self.env, self.folder, self.port, self.variant)
            life = asyncio.create_task(self.crowd.live(wechat, telegram))
            try:
                await self._start()
                while self.report.kills < kills and not (until_lost and self.report.lost):
                    assert not life.done(), life.exception()
                    await self._kill()
                    await self._start()
                self.crowd.closing = True
                await asyncio.wait_for(life, _FINISHING)
                self._look_at_the_export()
                self.crowd.tally.wrong += played.telegram.violations
                self.report.exit_code = await asyncio.to_thread(self.server.stop)
            finally:
                if self.server.running:
                    self.server.kill()
                life.cancel()
                await asyncio.gather(life, return_exceptions=True)
                self.stored.close()
                await self.crowd.close()
        self.report.seconds = time.monotonic() - self._began
        return self.report

    async def _start(self) -> None:
        """Starts the server, and looks whether everything that was acknowledged is there."""
        began = time.monotonic()
        # The product's clock goes on from start to start, as clocks do.
        self.env["USHER_NOW"] = (self._now + timedelta(seconds=began - self._began)).isoformat()
        if cold := self.report.kills < self.cold:
            self.server = Process(self.env, self.folder, self.port)
        elif isinstance(self.server, Process):
            self.server = Forked(self.nursery, self.env, self.folder, self.port, self.variant)
        await self.server.start()
        if cold:
            self.report.starts.append(time.monotonic() - began)
        self.crowd.up.set()
        self.report.lost |= self.stored.lacks(self.crowd.people)

    async def _kill(self) -> None:
        await asyncio.sleep(self.choose.uniform(KILLS_FROM, KILLS_TO))
        self.crowd.up.clear()
        self.server.kill()
        self.crowd.wire.forget()
        self.report.kills += 1

    def _look_at_the_export(self) -> None:
        self.report.lost |= self.stored.lacks(self.crowd.people)
        self.report.people = len(self.crowd.people)
        file = self.folder / "registrations.jsonl"
        done = self.nursery.wait(self.nursery.fork("registrations", env=self.env, out=file))
        assert done == 0, file.read_text()
        exported = [json.loads(row) for row in file.read_text().splitlines()]
        self.report.differing = list(differences(self.crowd.people, exported))
        self.report.twice = doubled(exported)
