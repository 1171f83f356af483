"""Two processes that want the same lane; the one that has it is struck: killed, or frozen and thawed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field

from bot.clock import Clock
from bot.store import outbox
from tests.conftest import NOW
from tests.delivery.flights import Yard
from tests.emptied import opened
from tests.long.lane_process import Sender, Told
from tests.long.post import Post, Received, post_office
from tests.stored import rows

RATE = 28.0  # messages a second


@dataclass
class Report:
    """What two processes did."""

    post: Post
    lease: float
    takeovers: list[float] = field(default_factory=list)  # seconds from the blow to the next holder
    silences: list[float] = field(default_factory=list)  # seconds without a message, around each blow
    statuses: Counter[str] = field(default_factory=Counter)
    blows: int = 0

    @property
    def kept(self) -> float:
        """The share of the pace that was reached while one process or the other held the lane."""
        spans = [list(span) for _, span in itertools.groupby(self.post.received, lambda message: message.sender)]
        full = [span for span in spans if len(span) > RATE]
        return sum(len(span) - 1 for span in full) / sum(span[-1].at - span[0].at for span in full) / RATE

    def __str__(self) -> str:
        taken = ", ".join(f"{seconds:.1f}" for seconds in self.takeovers)
        return (
            f"{self.blows} blows, lease {self.lease:.0f} s: {dict(self.statuses)}; {len(self.post.received)} messages"
            f" arrived, {len(self.post.twice)} twice; at most {self.post.most_in_a_second} in a second; pace kept"
            f" {self.kept:.2%}; taken over after {taken} s; silent for at most {max(self.silences):.1f} s"
        )


@dataclass
class Duel:
    """Two processes that both want the lane."""

    yard: Yard
    post: Post
    told: Told
    report: Report
    calm: float
    nodes: list[Sender] = field(default_factory=list)

    async def holder(self, other_than: str = "") -> Sender:
        """The one that has the lane, once it has sent something."""
        async with asyncio.timeout(self.told.lease + 20):
            while True:
                lanes = await asyncio.to_thread(rows, self.yard.database, outbox.Lane)
                name = lanes[0].holder if lanes else ""
                for node in self.nodes:
                    if name == f"process {node.pid}" != other_than:
                        return node
                await asyncio.sleep(0.02)

    async def blow(self, freeze: bool) -> None:
        """Kills or freezes the holder in the middle of its sending, and waits for the other."""
        struck = await self.holder()
        await self.sends(struck)
        await asyncio.sleep(self.calm)
        last, began = self.post.received[-1].at, time.monotonic()
        struck.freeze() if freeze else struck.kill()
        following = await self.holder(f"process {struck.pid}")
        self.report.takeovers.append(time.monotonic() - began)
        if freeze:
            await asyncio.sleep(1)
            struck.thaw()
        else:
            self.nodes.remove(struck)
            self.nodes.append(Sender(self.told))
        self.report.silences.append(await self.sends(following) - last)
        self.report.blows += 1

    async def sends(self, node: Sender) -> float:
        """When the next message of that process arrives."""
        arrived: asyncio.Future[float] = asyncio.get_running_loop().create_future()

        def notice(message: Received) -> None:
            if message.sender == node.pid and not arrived.done():
                arrived.set_result(message.at)

        self.post.notices = notice
        async with asyncio.timeout(20):
            return await arrived


async def duel(url: str, lease: float, blows: list[bool], calm: float, variant: str = "") -> Report:
    """Lets two send, and strikes the holder after so many calm seconds: True freezes it, False kills it."""
    deliveries = int(RATE * (len(blows) + 1) * (calm + 4 + (lease if variant else 1)))
    async with post_office() as post:
        with contextlib.closing(opened(url)) as database:
            yard, report = Yard(database, Clock(NOW)), Report(post, lease)
            yard.on_telegram(deliveries)
            yard.queue(range(1, deliveries + 1))
            told = Told(
                database.url.render_as_string(hide_password=False), post.port, lease=lease, rate=RATE, variant=variant
            )
            fight = Duel(yard, post, told, report, calm, [Sender(told), Sender(told)])
            try:
                for freeze in blows:
                    await fight.blow(freeze)
                await asyncio.sleep(calm)
                for node in fight.nodes:
                    assert await asyncio.to_thread(node.stop) == 0
            finally:
                for node in fight.nodes:
                    node.kill()
            report.statuses = Counter(row.status for row in yard.deliveries())
    return report
