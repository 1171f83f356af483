"""kill -9 of the sender in mid-send: nothing is lost, and nobody gets anything twice.

pytest -m long tests/long/test_lane_kills.py: 15,000 deliveries and 10 kills on each database, each at a moment when
the platform had taken a message and not answered yet (TEST_SEED changes after how many; it is printed). The platform
lives in this process and remembers what reached it; the lane that sends is another process, and a new one after each
kill. The lease is a second long instead of ten, so that this takes minutes and not an hour.

What this proves: what was on its way at a kill is `unconfirmed`, whether or not it arrived, at most a window of it for
each kill; everything else arrived once. The control arm is the same sender with one fault put in, queued_again.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import random
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from bot.clock import Clock
from bot.delivery.leftovers import INTERRUPTED
from tests.conftest import NOW, postgresql_url, sqlite_url
from tests.delivery.flights import Yard
from tests.emptied import opened
from tests.long.lane_process import Sender, Told
from tests.long.post import Post, Received, post_office

SEED = int(os.environ.get("TEST_SEED", "20191022"))
WINDOW = 30
QUEUED_AGAIN = "tests.long.queued_again"


@dataclass
class Report:
    """What became of the deliveries."""

    kills: int
    seconds: float
    statuses: Counter[str]
    received: int  # messages that reached the platform
    twice: list[str]
    lost: list[str]  # said to be sent, and never arrived; or not said to be anything final
    unexplained: int  # not sent, and no word about why

    def __str__(self) -> str:
        return (
            f"{self.statuses.total()} deliveries, {self.kills} kills in {self.seconds:.0f} s (seed {SEED}):"
            f" {dict(self.statuses)}; {self.received} messages arrived, {len(self.twice)} twice, {len(self.lost)} lost"
        )


async def siege(url: str, deliveries: int, kills: int, variant: str = "") -> Report:
    """Sends so many, and kills the sender so often meanwhile."""
    choose, began = random.Random(SEED), time.monotonic()
    with contextlib.closing(opened(url)) as database:
        yard = Yard(database, Clock(NOW))
        yard.on_telegram(deliveries)
        yard.queue(range(1, deliveries + 1))
        post = await sent_among_kills(yard, deliveries, kills, choose, variant)
        rows = yard.deliveries()
    copies = post.copies
    keys = {row.id: f"{row.announcement_id}/{row.person}/{row.way}" for row in rows}
    return Report(
        kills,
        time.monotonic() - began,
        Counter(row.status for row in rows),
        len(post.received),
        post.twice,
        [keys[row.id] for row in rows if row.status == "sent" and not copies[keys[row.id]]],
        sum(row.status != "sent" and row.error != INTERRUPTED for row in rows),
    )


async def sent_among_kills(yard: Yard, deliveries: int, kills: int, choose: random.Random, variant: str) -> Post:
    """Sends everything; what reached the platform."""
    async with post_office() as post:
        url = yard.database.url.render_as_string(hide_password=False)
        told = Told(url, post.port, WINDOW, variant=variant)
        sender = Sender(told)
        try:
            for _ in range(kills):
                await killed_in_mid_send(post, sender, choose.randint(1, deliveries // kills))
                sender = Sender(told)
            while not await asyncio.to_thread(yard.all_are("sent", "unconfirmed", "failed")):
                assert sender.lives
                await asyncio.sleep(0.1)
            assert await asyncio.to_thread(sender.stop) == 0
        finally:
            sender.kill()
        return post


async def killed_in_mid_send(post: Post, sender: Sender, after: int) -> None:
    """Kills it at the next message but so many: the platform has taken it, and has not answered."""
    dead = asyncio.Event()

    def notice(message: Received) -> None:
        nonlocal after
        after -= message.sender == sender.pid
        if after == 0:
            sender.kill()
            dead.set()

    post.notices = notice
    async with asyncio.timeout(60):
        await dead.wait()


def look(report: Report, capsys: pytest.CaptureFixture[str], url: str) -> None:
    """Prints it, and looks at it."""
    with capsys.disabled():
        print(f"\n{url.partition(':')[0]}: {report}")
    assert report.twice == []
    assert report.lost == []
    assert report.unexplained == 0
    assert set(report.statuses) == {"sent", "unconfirmed"}
    assert report.kills <= report.statuses["unconfirmed"] <= WINDOW * report.kills


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_nothing_is_lost_and_nothing_arrives_twice(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    look(await siege(database_url, 15_000, 10), capsys, database_url)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_control_who_queues_again_sends_twice(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = await siege(database_url, 5_000, 10, QUEUED_AGAIN)
    with capsys.disabled():
        print(f"\n{database_url.partition(':')[0]}, control: {report}")
    assert report.twice, "the control arm sent nothing twice: this test cannot fail"


async def test_ten_kills_on_sqlite(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = sqlite_url(tmp_path)
    look(await siege(url, 500, 10), capsys, url)


async def test_three_kills_on_postgresql(postgresql: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = postgresql_url(postgresql)
    look(await siege(url, 500, 3), capsys, url)


async def test_the_control_arm_sends_twice(tmp_path: pathlib.Path) -> None:
    report = await siege(sqlite_url(tmp_path), 500, 3, QUEUED_AGAIN)
    assert report.twice, "the control arm sent nothing twice: this test cannot fail"
