"""Two whole `usher serve` on one PostgreSQL and a broadcast on Telegram; whoever sends it is struck again and again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import re
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from bot.clock import seconds
from bot.sandbox.accepted import Accepted
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.telegram_chat import Chat
from bot.store import outbox
from bot.store.database import Database
from tests.conftest import NOW
from tests.delivery.crowd import registered, settle, telegram
from tests.delivery.flights import statuses
from tests.emptied import opened
from tests.long.post import most_in_a_second
from tests.nursery import Nursery, Served, apart
from tests.served import KEYS, environment, free_port, platforms
from tests.stored import rows

RATE = 28.0  # messages a second
LANE = f"telegram:{KEYS['TELEGRAM_TOKEN'].partition(':')[0]}"
_TAKEN = re.compile(rf"took the lane lane={LANE} epoch=(\d+)")
_ON_ITS_WAY = 0.5  # seconds that a message may still travel whose sender was struck
_START = 60.0  # seconds that a process may take to be ready, on a machine that others use
New = Callable[[dict[str, str], pathlib.Path, int], Served]
"""A process with these settings, in that folder, at that port."""


@dataclass
class Report:
    """What two processes did."""

    lease: float
    accepted: list[Accepted]
    blows: list[float] = field(default_factory=list)  # when
    takeovers: list[float] = field(default_factory=list)  # seconds from a blow to the next holder
    statuses: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)  # chats of messages that are said to be sent, and never arrived
    broken: list[str] = field(default_factory=list)  # what the platform says about its limits to one chat
    lag: float = 0.0  # seconds by which the platform may have noted a message too late: it shares our processor

    @property
    def most(self) -> int:
        """The fullest second. Noted too late, two may seem nearer than they were: by as much a second is shorter."""
        return most_in_a_second([message.at for message in self.accepted], 1 - self.lag)

    @property
    def twice(self) -> list[str]:
        """The chats that got it more than once."""
        return [chat for chat, count in Counter(message.to for message in self.accepted).items() if count > 1]

    @property
    def spans(self) -> list[list[float]]:
        """When messages came, from each takeover to the next blow."""
        borders = [0.0, *(blow + _ON_ITS_WAY for blow in self.blows), float("inf")]
        return [[row.at for row in self.accepted if begin <= row.at < end] for begin, end in pairwise(borders)]

    @property
    def silences(self) -> list[float]:
        """Seconds without a message around each blow."""
        return [after[0] - before[-1] for before, after in pairwise(self.spans)]

    @property
    def kept(self) -> float:
        """The share of the pace that was reached outside these silences."""
        return sum(len(span) - 1 for span in self.spans) / sum(span[-1] - span[0] for span in self.spans) / RATE

    def __str__(self) -> str:
        taken, silent = (", ".join(f"{s:.1f}" for s in found) for found in (self.takeovers, self.silences))
        return (
            f"{len(self.blows)} blows, lease {self.lease:.0f} s: {dict(self.statuses)}; {len(self.accepted)} messages"
            f" arrived, {len(self.twice)} twice, {len(self.lost)} lost; at most {self.most} in a second (clock"
            f" late by up to {self.lag:.2f} s); pace kept"
            f" {self.kept:.2%}; taken over after {taken} s; silent for {silent} s"
        )


@dataclass
class Fight:
    """The two, and what the platform took from them."""

    database: Database
    nodes: list[Served]
    log: TelegramPlatform
    report: Report
    reviving: asyncio.Task[None] | None = None

    async def blow(self, calm: float, freeze: bool) -> None:
        """Kills or freezes the sender in the middle of its work, and waits until the other sends."""
        await self.sends()
        await asyncio.sleep(calm)
        if self.reviving:
            await self.reviving
        struck, epoch = await self.sender(), await self._epoch()
        self.report.blows.append(began := seconds())
        os.kill(pid(struck), signal.SIGSTOP) if freeze else struck.kill()
        async with asyncio.timeout(self.report.lease + 20):
            while await self._epoch() == epoch:
                await asyncio.sleep(0.02)
        self.report.takeovers.append(seconds() - began)
        if freeze:
            await asyncio.sleep(1)
            os.kill(pid(struck), signal.SIGCONT)
        else:
            self.reviving = asyncio.create_task(struck.start(_START))

    async def sends(self) -> None:
        """Waits for the next message."""
        count = len(self.log.limits.accepted)
        async with asyncio.timeout(30):
            while len(self.log.limits.accepted) == count:
                await asyncio.sleep(0.02)

    async def sender(self) -> Served:
        """The process that took the lane last; each says so in its log."""
        epoch = await self._epoch()
        found = [node for node in self.nodes if str(epoch) in _TAKEN.findall(node.log.read_text(encoding="utf-8"))]
        assert len(found) == 1, (epoch, found)
        return found[0]

    async def lags(self) -> None:
        """Notes how late this process gets to anything; until cancelled."""
        while True:
            before = seconds()
            await asyncio.sleep(0.01)
            self.report.lag = max(self.report.lag, seconds() - before - 0.01)

    async def _epoch(self) -> int:
        lanes = await asyncio.to_thread(rows, self.database, outbox.Lane)
        return next((lane.epoch for lane in lanes if lane.account == LANE), 0)


async def fight(
    url: str, folder: pathlib.Path, nursery: Nursery, new: New, *, lease: float, blows: list[bool], calm: float
) -> Report:
    """Two processes and a broadcast to more people than they can tell meanwhile; so many blows, True freezes."""
    port, people = free_port(), int(RATE * (len(blows) + 1) * (calm + 5))
    async with platforms(port) as played:
        known(played.telegram, people)
        with contextlib.closing(opened(url)) as database:
            chats = [telegram(number, NOW, account=LANE.partition(":")[2]) for number in range(1, people + 1)]
            settle(database, chats, [registered(number, NOW) for number in range(1, people + 1)])
            nodes = [new(environment(url, at, played.url), folder, at) for at in (port, free_port())]
            report = Report(lease, [])
            try:
                await asyncio.gather(*(node.start(_START) for node in nodes))
                await announced(nursery, folder, environment(url, port, played.url))
                ring = Fight(database, nodes, played.telegram, report)
                lagging = asyncio.create_task(ring.lags())
                for freeze in blows:
                    await ring.blow(calm, freeze)
                await ring.sends()
                await asyncio.sleep(calm)
                lagging.cancel()
                if ring.reviving:
                    await ring.reviving
                assert await asyncio.gather(*(asyncio.to_thread(node.stop) for node in nodes)) == [0, 0]
            finally:
                for node in nodes:
                    if node.running:
                        node.kill()
            told(report, played.telegram, database)
    return report


def known(platform: TelegramPlatform, people: int) -> None:
    """Everybody has written to the bot before."""
    for number in range(1, people + 1):
        platform.chats[number] = Chat(number, {"id": number, "type": "private", "first_name": "Ann"}, known=True)


async def announced(nursery: Nursery, folder: pathlib.Path, env: dict[str, str]) -> None:
    """As an organizer does it."""
    settings = {name.removeprefix("USHER_"): value for name, value in env.items()}
    words = ("broadcast", "--zh", "会场定了，到时见！", "--en", "The venue is set.")
    ended = await asyncio.to_thread(apart, nursery, folder, *words, **settings)
    assert ended.code == 0, ended.err


def told(report: Report, platform: TelegramPlatform, database: Database) -> None:
    """What became of it, by the platform and by the database."""
    report.accepted = [message for message in platform.limits.accepted if not message.reply]
    report.accepted.sort(key=lambda message: message.at)
    report.broken = [what for what in platform.limits.broken if "to one" in what]
    report.statuses = statuses(database)
    there = {message.to for message in report.accepted}
    sent = [str(row.contact_id) for row in rows(database, outbox.Delivery) if row.status == "sent"]
    report.lost = [chat for chat in sent if chat not in there]


def pid(node: Served) -> int:
    """The process id."""
    assert node.running is not None
    return node.running if isinstance(node.running, int) else node.running.pid
