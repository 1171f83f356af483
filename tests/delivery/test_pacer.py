"""At most 30 messages in any second at 28 a second, and hardly fewer than that; one a second for one chat."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clock import seconds
from bot.delivery.pacer import Pacer

RATE = 28.0


class Hours:
    """A clock that stands still but for who sleeps; each sleep ends late by what it is told, or early if that is less.

    It never ends before half of its time.
    """

    def __init__(self, late: Iterator[float]) -> None:
        self.now, self._late, self.slept = 100.0, late, 0

    def seconds(self) -> float:
        return self.now

    async def sleep(self, wait: float) -> None:
        self.slept += 1
        self.now += max(wait / 2, wait + next(self._late))


async def sent(
    late: Iterator[float], count: int, busy: Iterator[float] | None = None, rate: float = RATE
) -> list[float]:
    """When each of so many messages leaves; `busy`: seconds that pass before the next one is asked for."""
    hours = Hours(late)
    pacer = Pacer(rate, hours.seconds, hours.sleep)
    pacer.start()
    at = []
    for number in range(count):
        hours.now += next(busy) if busy else 0
        await pacer.turn(number)
        at.append(hours.now)
    return at


def most(at: list[float]) -> int:
    """The fullest second that begins at any moment."""
    return max(sum(1 for other in at if first <= other < first + 1) for first in at)


def kept(at: list[float], rate: float = RATE) -> float:
    """The share of the rate that was reached."""
    return (len(at) - 1) / (at[-1] - at[0]) / rate


async def test_an_even_pace() -> None:
    at = await sent(itertools.repeat(0.0), 100)
    assert {round(later - earlier, 6) for earlier, later in itertools.pairwise(at)} == {round(1 / RATE, 6)}


async def test_sleeps_that_end_late_are_caught_up() -> None:
    at = await sent(itertools.cycle([0.0, 0.017, 0.003, 0.012]), 1000)
    assert kept(at) > 0.999
    assert most(at) <= 30


async def test_a_processor_that_is_taken_away_for_a_moment_now_and_then_costs_nothing() -> None:
    at = await sent(itertools.cycle([0.0] * 199 + [0.2]), 3000)
    assert kept(at) > 0.99
    assert most(at) <= 30


async def test_a_timer_that_rings_early_lets_nobody_out_before_the_turn() -> None:
    """What is caught up leaves no room at all: a millisecond too soon would be a thirtieth message."""
    at = await sent(itertools.cycle([0.3] + [-0.001] * 200), 1000)
    assert most(at) <= 29


async def test_control_without_catching_up_the_rate_would_sag() -> None:
    wait, at = 1 / RATE, [0.0]
    for late in itertools.islice(itertools.cycle([0.0, 0.017, 0.003, 0.012]), 1000):
        at.append(at[-1] + wait + late)
    assert kept(at) < 0.9


async def test_after_a_long_pause_nothing_is_caught_up() -> None:
    at = await sent(itertools.repeat(0.0), 100, busy=itertools.chain([0.0] * 50, [60.0], itertools.repeat(0.0)))
    assert most(at[50:]) <= 30


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-0.001, 0.5), min_size=1, max_size=40),
    st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.2, 1.5]), min_size=1, max_size=40),
    st.lists(st.floats(0, 0.03), min_size=1, max_size=40),
)
def test_whatever_holds_it_up_no_second_holds_more_than_thirty(
    late: list[float], busy: list[float], way: list[float]
) -> None:
    """`way`: how long each message travels, so that the platform sees other gaps than we do."""
    at = asyncio.run(sent(itertools.cycle(late), 200, itertools.cycle(busy)))
    assert most(at) <= 29
    arrived = sorted(moment + travels for moment, travels in zip(at, itertools.cycle(way), strict=False))
    assert most(arrived) <= 30


async def test_control_what_is_caught_up_in_a_burst_fills_a_second_too_much() -> None:
    at, due, now = [], 0.0, 0.0
    for late in itertools.islice(itertools.cycle([0.0] * 40 + [0.2]), 200):
        now = max(now, due) + late
        due = max(due, now - 0.5) + 1 / RATE
        at.append(now)
    assert most(at) > 30


async def test_a_new_holder_waits_a_whole_second_first() -> None:
    hours = Hours(itertools.repeat(0.0))
    pacer = Pacer(RATE, hours.seconds, hours.sleep)
    await pacer.turn("a")
    pacer.start()
    begun = hours.now
    await pacer.turn("b")
    assert hours.now - begun == pytest.approx(1.0)


async def test_one_chat_rests_for_a_second_and_others_do_not() -> None:
    hours = Hours(itertools.repeat(0.0))
    pacer = Pacer(RATE, hours.seconds, hours.sleep)
    for chat in range(200):
        assert pacer.rest(chat) == 0
        await pacer.turn(chat)
    assert pacer.rest(199) == pytest.approx(1.0)
    assert 0 < pacer.rest(180) < 1
    assert pacer.rest(0) == pacer.rest("never") == 0
    assert len(pacer._chats) < 40  # who may be written to again is forgotten
    hours.now += 1
    assert pacer.rest(199) == 0


async def test_many_who_ask_at_once_are_served_one_after_the_other() -> None:
    pacer, at = Pacer(100.0), []

    async def one(number: int) -> None:
        await pacer.turn(number)
        at.append((number, seconds()))

    await asyncio.gather(*(one(number) for number in range(20)))
    assert [number for number, _ in at] == list(range(20))
    assert at[-1][1] - at[0][1] > 0.17


async def test_a_slow_rate_is_kept_too() -> None:
    at = await sent(itertools.repeat(0.001), 20, rate=0.5)
    assert kept(at, 0.5) == pytest.approx(1, abs=0.01)
