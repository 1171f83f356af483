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

MAILS, EACH = 30, 0.02  # seconds that writing one takes


class Pen:
    """Writes mails slowly, and notes how many at once."""

    def __init__(self) -> None:
        self.at_once = self.most = 0

    def __call__(self, *due: Any) -> Outgoing:
        """One mail."""
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        time.sleep(EACH)
        self.at_once -= 1
        return composed(*due)


async def longest_held(yard: Yard, pen: Pen) -> float:
    """The longest time for which nothing else could be done while the mails were written."""
    chats = [telegram(number, yard.clock.now()) for number in range(1, MAILS + 1)]
    yard.people(*chats, email="wang@example.com")
    yard.queue(range(1, MAILS + 1), lane=MAIL, route=Route.EMAIL, way=Way.MAIL)
    held = 0.0

    async def tick() -> None:
        nonlocal held
        while True:
            before = seconds()
            await asyncio.sleep(0)
            held = max(held, seconds() - before)

    ticking = asyncio.create_task(tick())
    await yard.send_all(yard.lane(MAIL, compose=pen))
    ticking.cancel()
    return held


async def test_replies_go_on_while_mails_are_written(quick_yard: Yard) -> None:
    pen = Pen()
    assert await longest_held(quick_yard, pen) < MAILS * EACH / 2
    assert pen.most == 1
    assert {row.status for row in quick_yard.deliveries()} == {"sent"}


async def test_control_written_in_the_loop_they_hold_everything_up(
    quick_yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def here(_: Sender, due: Any, flown: Any) -> Outgoing:
        return pen(due, Route.EMAIL, flown.venue, flown.sequence)

    pen = Pen()
    monkeypatch.setattr(Sender, "_written", here)
    assert await longest_held(quick_yard, pen) > MAILS * EACH / 2
