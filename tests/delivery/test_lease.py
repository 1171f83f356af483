"""One holder at a time: who is dead is followed within a lease and a second, and nothing is sent twice."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.adapters.base import Outgoing
from bot.clock import Clock
from bot.delivery import lease as lease_module
from bot.delivery import leftovers
from bot.delivery.lease import Lease, Look
from bot.message import Address
from bot.store.database import Database
from bot.store.outbox import Lane
from tests.delivery.flights import MAIL, SHORT, TELEGRAM, WECHAT, Yard, eventually, killed, running, shift, statuses
from tests.stored import rows


def here(clock: Clock, holder: str = "here", length: timedelta = SHORT) -> Lease:
    return Lease(TELEGRAM, holder, length, clock)


# The row


def test_the_first_takes_it_and_nobody_else_until_it_ends(database: Database, clock: Clock) -> None:
    mine, theirs = here(clock), here(clock, "there")
    assert database.transact_now(theirs.look) == Look(True, 0)
    taken = database.transact_now(mine.take)
    assert taken is not None
    assert taken.epoch == 1
    assert database.transact_now(theirs.take) is None
    assert database.transact_now(theirs.look) == Look(False, 0)
    shift(database, -SHORT)
    followed = database.transact_now(theirs.take)
    assert followed is not None
    assert (followed.epoch, 1 <= followed.silence < 2) == (2, True)
    assert database.transact_now(lambda connection: mine.extend(connection, 1)) is None
    assert database.transact_now(lambda connection: theirs.extend(connection, 2)) is not None


def test_a_lease_that_ended_is_not_extended_even_by_its_holder(database: Database, clock: Clock) -> None:
    mine = here(clock)
    database.transact_now(mine.take)
    assert database.transact_now(lambda connection: mine.extend(connection, 1)) is not None
    shift(database, -SHORT)
    assert database.transact_now(lambda connection: mine.extend(connection, 1)) is None


def test_the_same_holder_of_another_epoch_is_somebody_else(database: Database, clock: Clock) -> None:
    mine = here(clock)
    database.transact_now(mine.take)
    assert database.transact_now(lambda connection: mine.extend(connection, 2)) is None


def test_a_clock_that_was_set_back_an_hour_locks_nobody_out(database: Database, clock: Clock) -> None:
    database.transact_now(here(clock).take)
    shift(database, timedelta(hours=1))
    assert database.transact_now(here(clock, "there").take) is not None


def test_a_clock_that_runs_back_a_little_takes_nothing_away(database: Database, clock: Clock) -> None:
    database.transact_now(here(clock).take)
    shift(database, timedelta(seconds=0.5))
    assert database.transact_now(here(clock, "there").take) is None


def test_a_rest_is_never_shortened_and_what_was_switched_off_is_asked_anew_by_the_next(
    database: Database, clock: Clock
) -> None:
    mine = here(clock, length=timedelta(seconds=100))
    database.transact_now(mine.take)
    for delay in (50.0, 10.0):
        database.transact_now(lambda connection: mine.pause(connection, delay, "429"))  # noqa: B023  # over before the next round
    database.transact_now(lambda connection: mine.switch_off(connection, {"telegram": "why"}))
    database.transact_now(lambda connection: mine.switch_off(connection, {"other": "too"}))
    extended = database.transact_now(lambda connection: mine.extend(connection, 1))
    assert extended is not None
    assert 49 < extended.rest <= 50
    assert extended.off == {TELEGRAM: {"telegram": "why", "other": "too"}}
    database.transact_now(lambda connection: mine.give_back(connection, 1))
    assert database.transact_now(here(clock, "there").take) is not None
    assert rows(database, Lane)[0].off == {}


def takers(database: Database, clock: Clock) -> list[object]:
    """What two nodes get that look at the same free lane, and only then take it."""
    database.transact_now(here(clock, "before").take)
    shift(database, -2 * SHORT)
    together = threading.Barrier(2)

    def take(holder: str) -> object:
        def looked_first(connection: Connection) -> object:
            lease = here(clock, holder)
            assert lease.look(connection).free
            together.wait(5)
            return lease.take(connection)

        return database.transact_now(looked_first)

    async def both() -> list[object]:
        return await asyncio.gather(*(asyncio.to_thread(take, name) for name in ("a", "b")))

    return asyncio.run(both())


def test_of_two_who_see_a_free_lane_one_gets_it(postgresql_only: Database, clock: Clock) -> None:
    found = takers(postgresql_only, clock)
    assert sum(taken is not None for taken in found) == 1


def test_control_without_its_condition_both_would_have_it(
    postgresql_only: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = lease_module._Timed(
        "UPDATE lane SET holder = :holder, epoch = epoch + 1, until = NOW+lease "
        "WHERE account = :account RETURNING epoch"
    )
    monkeypatch.setattr(lease_module, "_TAKE", bare)
    assert None not in takers(postgresql_only, clock)


async def test_two_nodes_never_send_side_by_side(yard: Yard) -> None:
    yard.on_telegram(150)
    yard.queue(range(1, 151))
    yard.platform.seconds = 0.02
    nodes = [yard.lane(holder=name, window=5, lease=SHORT) for name in ("a", "b")]
    both = [0]

    async def watch() -> None:
        while True:
            both[0] += all(node.held for node in nodes)
            await asyncio.sleep(0.005)

    watching = asyncio.create_task(watch())
    await yard.send_all(*nodes)
    watching.cancel()
    assert both == [0]
    assert Counter(message.to for message in yard.platform.took).most_common(1)[0][1] == 1


async def test_a_free_lane_goes_to_the_node_that_has_fewest(yard: Yard) -> None:
    """In ten seconds of a lease nobody else could come between."""
    long = timedelta(seconds=10)
    rich, poor = (yard.lane(TELEGRAM, holder=name, lease=long) for name in ("rich", "poor"))
    others = [yard.lane(account, holder="rich", lease=long) for account in (WECHAT, MAIL)]
    async with running(*others):
        await eventually(lambda: all(lane.held for lane in others))
        async with running(rich, poor):
            await eventually(lambda: rich.held or poor.held)
            assert poor.held


async def test_one_node_alone_has_all_lanes_within_a_second(yard: Yard) -> None:
    lanes = [yard.lane(account, lease=timedelta(minutes=1)) for account in (WECHAT, TELEGRAM, MAIL)]
    async with running(*lanes):
        await eventually(lambda: all(lane.held for lane in lanes))


# The holder dies


async def test_a_dead_holder_is_followed_and_what_it_was_sending_stays_unconfirmed(yard: Yard) -> None:
    yard.on_telegram(60)
    yard.queue(range(1, 61))
    yard.platform.seconds = 0.05
    async with killed(yard.lane(holder="dead", window=10, lease=SHORT)):
        await eventually(lambda: len(yard.platform.took) >= 20 and yard.platform.busy)
    lane = yard.lane(holder="next", window=10, lease=SHORT)
    async with running(lane, *(yard.lane(account, holder="next") for account in (WECHAT, MAIL))):
        await eventually(lambda: lane.held)
        await eventually(yard.all_are("sent", "unconfirmed"))
    found = statuses(yard.database)
    assert found["sent"] + found["unconfirmed"] == 60
    assert 0 < found["unconfirmed"] <= 10
    assert max(Counter(message.to for message in yard.platform.asked).values()) == 1
    assert {row.error for row in yard.deliveries() if row.status == "unconfirmed"} == {leftovers.INTERRUPTED}
    assert {row.epoch for row in yard.deliveries()} == {1, 2}


async def test_control_who_queues_again_what_was_being_sent_sends_twice(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(connection: Connection, account: str, silence: float, now: Any) -> None:
        connection.exec_driver_sql("UPDATE delivery SET status = 'queued' WHERE status = 'sending'")

    monkeypatch.setattr(leftovers, "settle", again)
    yard.on_telegram(60)
    yard.queue(range(1, 61))
    yard.platform.seconds = 0.05
    async with killed(yard.lane(holder="dead", window=10, lease=SHORT)):
        await eventually(lambda: len(yard.platform.took) >= 20 and yard.platform.busy)
    await yard.send_all(yard.lane(holder="next", lease=SHORT))
    assert max(Counter(message.to for message in yard.platform.asked).values()) == 2


async def test_what_comes_late_from_a_holder_who_was_followed_is_still_believed(yard: Yard) -> None:
    """Somebody else has the lane and said that nobody knows; then the answers come after all."""
    yard.on_telegram(3)
    yard.queue([1, 2, 3])
    answers = asyncio.Event()

    async def send(to: Address | str, outgoing: Outgoing, route: str) -> str:
        receipt = await yard.platform.send(to, outgoing, route)
        await answers.wait()
        if isinstance(to, Address) and to.user_id == "3":
            raise TimeoutError
        return receipt

    late = yard.lane(holder="late", send=send, lease=timedelta(minutes=1))
    async with running(late):
        await eventually(lambda: len(yard.platform.asked) == 3)
        shift(yard.database, timedelta(seconds=-70))
        async with running(yard.lane(holder="next", lease=timedelta(seconds=10))):
            await eventually(yard.all_are("unconfirmed"))
            answers.set()
            await eventually(lambda: statuses(yard.database) == {"sent": 2, "unconfirmed": 1})
            await eventually(lambda: yard.deliveries()[2].error == "no answer in time")
    assert {row.attempts for row in yard.deliveries()} == {1}
    assert len(yard.platform.asked) == 3


async def test_what_a_late_holder_had_not_begun_is_sent_by_the_next(yard: Yard) -> None:
    yard.on_telegram(12)
    yard.queue(range(1, 13))
    slow = yard.lane(holder="slow", rate=4.0, lease=timedelta(seconds=10))
    async with running(slow):
        await eventually(lambda: len(yard.platform.took) == 2)
        shift(yard.database, timedelta(seconds=-20))
        async with running(yard.lane(holder="next", lease=timedelta(seconds=10))):
            await eventually(lambda: statuses(yard.database) == {"sent": 12})
    assert max(Counter(message.to for message in yard.platform.asked).values()) == 1


async def test_nothing_is_begun_past_the_deadline_whatever_holds_the_process_up(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine sleeps between the commit and the sends: half of the lease and a margin must be left."""
    yard.on_telegram(5)
    yard.queue(range(1, 6))
    slept = [0.0]
    for module in ("hold", "lane", "sender"):
        boot = __import__(f"bot.delivery.{module}", fromlist=["x"]).boot_seconds
        monkeypatch.setattr(f"bot.delivery.{module}.boot_seconds", lambda boot=boot: boot() + slept[0])
    lane = yard.lane(lease=timedelta(seconds=10))
    launch = lane._sender.launch

    def late(flown: Any) -> None:
        slept[0] += 4.1 if flown.attempts and not slept[0] else 0
        launch(flown)

    monkeypatch.setattr(lane._sender, "launch", late)
    async with running(lane):
        await eventually(lambda: slept[0])
        await eventually(yard.all_are("sent"))
    assert {row.attempts for row in yard.deliveries()} == {1}
    assert len(yard.platform.asked) == 5
    assert lane._sender._deadline < 1e9
