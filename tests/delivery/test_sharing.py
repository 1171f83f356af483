"""A node that comes later gets its share of the lanes, each as soon as that has nothing to send."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from bot.delivery.lane import Lane
from bot.delivery.lease import Look
from bot.store import outbox
from tests.delivery.flights import MAIL, TELEGRAM, WECHAT, Yard, eventually, running, statuses
from tests.stored import rows

PEOPLE = 600
BOUND = 4.0  # seconds: a quarter of the lease, what is on its way, and a look


def node(yard: Yard, holder: str) -> list[Lane]:
    """All lanes of one process."""
    return [yard.lane(account, holder=holder) for account in (WECHAT, TELEGRAM, MAIL)]


def shares(yard: Yard) -> Counter[str]:
    """How many lanes each node has."""
    return Counter(row.holder for row in rows(yard.database, outbox.Lane) if row.holder)


async def test_a_node_that_comes_later_gets_its_share_and_nothing_is_lost(yard: Yard) -> None:
    yard.on_telegram(PEOPLE)
    yard.queue(range(1, PEOPLE + 1), "B-1")
    yard.platform.seconds = 0.1
    async with running(*node(yard, "first")):
        await eventually(lambda: shares(yard) == {"first": 3})
        async with running(*node(yard, "second")):
            await eventually(lambda: shares(yard) == {"first": 2, "second": 1})
            async with running(*node(yard, "third")):
                await eventually(lambda: shares(yard) == {"first": 1, "second": 1, "third": 1})
                await asyncio.sleep(1)
                assert shares(yard) == {"first": 1, "second": 1, "third": 1}, "they do not rest"
                yard.platform.seconds = 0
                await eventually(yard.all_are("sent"))
    assert sorted(int(sent.to) for sent in yard.platform.took) == list(range(1, PEOPLE + 1))
    assert statuses(yard.database) == {"sent": PEOPLE}


async def test_a_lane_in_the_middle_of_a_broadcast_keeps_its_holder(yard: Yard) -> None:
    """A new holder begins with a silent second, to be sure of the platform's limit."""

    def telegram() -> outbox.Lane:
        return next(row for row in rows(yard.database, outbox.Lane) if row.account == TELEGRAM)

    def two(holder: str) -> list[Lane]:
        return [yard.lane(account, holder=holder) for account in (TELEGRAM, WECHAT)]

    yard.on_telegram(PEOPLE)
    yard.platform.seconds = 0.2
    async with running(*two("first")):
        await eventually(lambda: shares(yard) == {"first": 2})
        yard.queue(range(1, PEOPLE + 1), "B-1")
        await eventually(lambda: len(yard.platform.took) > 0)
        epoch = telegram().epoch
        async with running(*two("second")):
            await eventually(lambda: telegram().wanted_by == "second")
            yard.platform.seconds = 0.05
            await eventually(yard.all_are("sent"))
            assert {row.epoch for row in yard.deliveries()} == {epoch}
            await eventually(lambda: shares(yard) == {"first": 1, "second": 1})


async def test_control_without_asking_it_waits_until_somebody_ends(
    quick_yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Look.of
    monkeypatch.setattr(Look, "of", lambda *lanes: replace(look(*lanes), asks=False))
    async with running(*node(quick_yard, "first")):
        await eventually(lambda: shares(quick_yard) == {"first": 3})
        async with running(*node(quick_yard, "second")):
            await asyncio.sleep(BOUND)
            assert shares(quick_yard) == {"first": 3}


HELD = [("email", "a"), ("telegram:1", "a"), ("wechat:x", "b")]


@pytest.mark.parametrize(
    ("account", "holder", "wanted", "asks"),
    [
        ("email", "c", None, True),  # the one of a's two lanes that is asked for
        ("telegram:1", "c", None, False),
        ("email", "c", "d", True),
        ("email", "c", "c", False),  # asked already
        ("email", "b", None, False),  # one less is fair
        ("wechat:x", "c", None, False),  # b has but one
    ],
)
def test_who_asks_for_which(account: str, holder: str, wanted: str | None, asks: bool) -> None:
    held = [(name, by, wanted, 0) for name, by in HELD]
    assert Look.of(held, account, holder) == Look(False, int(holder == "b"), asks)
    assert Look.of(held, "wechat:free", holder).free
    assert not Look.of([*held, ("wechat:free", "", None, 1)], account, holder).asks
