"""Thirty mails at once are written beside the loop, so that people who write meanwhile get their replies."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from bot.adapters.base import Outgoing
from bot.clock import seconds
from bot.delivery.sender import Sender
from bot.store.outbox import Route, Way
from tests.delivery.crowd import telegram
from tests.delivery.flights import MAIL, Yard, composed

MAILS = 30


class Pen:
    """Writes mails, each until the loop goes on, or for so many seconds; notes how many at once."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.ticks = 0  # of the loop
        self.stood = 0  # mails for which it stood still
        self.at_once = self.most = 0

    def __call__(self, *due: Any) -> Outgoing:
        """One mail."""
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        before, end = self.ticks, seconds() + self.patience
        while self.ticks == before and seconds() < end:
            time.sleep(0.0001)
        self.stood += self.ticks == before
        self.at_once -= 1
        return composed(*due)


async def write_all(yard: Yard, pen: Pen) -> None:
    """Has a mail written to everybody, and counts how often something else could be done meanwhile."""
    chats = [telegram(number, yard.clock.now()) for number in range(1, MAILS + 1)]
    yard.people(*chats, email="wang@example.com")
    yard.queue(range(1, MAILS + 1), lane=MAIL, route=Route.EMAIL, way=Way.MAIL)

    async def tick() -> None:
        while True:
            await asyncio.sleep(0)
            pen.ticks += 1

    ticking = asyncio.create_task(tick())
    await yard.send_all(yard.lane(MAIL, compose=pen))
    ticking.cancel()


async def test_replies_go_on_while_mails_are_written(quick_yard: Yard) -> None:
    pen = Pen(patience=10)
    await write_all(quick_yard, pen)
    assert (pen.stood, pen.most) == (0, 1)
    assert {row.status for row in quick_yard.deliveries()} == {"sent"}


async def test_control_written_in_the_loop_they_hold_everything_up(
    quick_yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def here(_: Sender, due: Any, flown: Any) -> Outgoing:
        return pen(due, Route.EMAIL, flown.venue, flown.sequence)

    pen = Pen(patience=0.001)
    monkeypatch.setattr(Sender, "_written", here)
    await write_all(quick_yard, pen)
    assert pen.stood == MAILS
