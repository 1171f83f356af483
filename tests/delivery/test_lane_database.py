"""A lane whose database fails it: nothing is sent twice, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.delivery import leftovers
from bot.errors import Unavailable
from tests.delivery.flights import Yard, eventually, running, statuses, to


class Interrupted:
    """A lane's way to the database, which fails where it is told to: before the commit, or after it, unheard."""

    def __init__(self, yard: Yard) -> None:
        self._database = yard.database
        self.fails: list[str] = []
        self.failed = 0
        self.over: Callable[[], Any] = bool  # until when it is slow

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def transact(self, work: Any) -> Any:
        """The database's own, or a fault."""
        how = self.fails.pop(0) if self.fails else ""
        if how:
            self.failed += 1
        if how == "before":
            raise Unavailable("the database did not answer")
        if how == "slow before":
            await eventually(self.over)
        done = await self._database.transact(work)
        if how == "slow after":
            await eventually(self.over)
        if how == "after":
            raise Unavailable("the connection was lost")
        return done


async def test_a_database_that_is_away_for_a_while_costs_nothing(yard: Yard) -> None:
    yard.on_telegram(60)
    yard.queue(range(1, 61))
    yard.platform.seconds = 0.01
    away = Interrupted(yard)
    async with running(yard.lane(database=away, window=10)):
        await eventually(lambda: len(to(yard)) >= 15)
        away.fails = ["before"] * 3
        await eventually(yard.all_are("sent"))
    assert away.failed == 3
    assert sorted(map(int, to(yard))) == list(range(1, 61))
    assert {row.attempts for row in yard.deliveries()} == {1}


async def test_a_commit_whose_answer_was_lost_sends_nothing_twice_and_loses_nothing(yard: Yard) -> None:
    yard.on_telegram(60)
    yard.queue(range(1, 61))
    yard.platform.seconds = 0.01
    lost = Interrupted(yard)
    lost.fails = ["", *("", "after") * 3]  # the lane is taken; then every second flight
    async with running(yard.lane(database=lost, window=10)):
        await eventually(yard.all_are("sent"))
    assert lost.failed == 3
    assert sorted(map(int, to(yard))) == list(range(1, 61))
    assert {row.attempts for row in yard.deliveries()} == {1}


async def test_control_without_looking_back_such_rows_would_be_left(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "put_back", lambda *_: None)
    yard.on_telegram(40)
    yard.queue(range(1, 41))
    lost = Interrupted(yard)
    lost.fails = ["", "", "after"]  # the lane is taken, a first flight, a second one
    async with running(yard.lane(database=lost, window=10)):
        await eventually(lambda: lost.failed and yard.all_are("sent", "sending")())
        await asyncio.sleep(0.5)
        assert statuses(yard.database)["sending"] > 0


@pytest.mark.parametrize("how", ["slow before", "slow after"])
async def test_a_database_that_answers_after_the_end_of_the_lease_finds_nobody_sending(yard: Yard, how: str) -> None:
    """The lane is lost at that end, not at the answer; what was taken up meanwhile is sent by whoever comes next."""
    yard.on_telegram(30)
    yard.queue(range(1, 31))
    yard.platform.seconds = 0.01
    slow, lost = Interrupted(yard), []
    slow.fails = ["", "", how]  # the lane is taken, a first flight, a second one
    slow.over = lambda: lost
    lane = yard.lane(
        database=slow,
        window=10,
        lease=timedelta(seconds=1.5),
        on_lost=lambda: lost.append((slow.failed, len(to(yard)))),
    )
    async with running(lane):
        await eventually(lambda: lost)
        assert not lane.held
        await eventually(yard.all_are("sent"))
    assert lost[0] == (1, 10)
    assert sorted(map(int, to(yard))) == list(range(1, 31))
    assert {row.attempts for row in yard.deliveries()} == {1}
