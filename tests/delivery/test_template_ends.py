"""A template message is final when the platform reports its end, whoever holds the lane by then."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection
from sqlmodel import col, update

from bot.clock import Clock
from bot.delivery.templates import give_up, template_ended
from bot.errors import Unreachable
from bot.store.database import Database
from bot.store.outbox import Delivery, Kind, Route, TemplateEnd
from tests.conftest import NOW
from tests.delivery.flights import SHORT, WECHAT, Yard, eventually, killed, running, shift, statuses
from tests.stored import rows


def template(yard: Yard, count: int = 1) -> None:
    yard.on_wechat(count, message_left=0)
    yard.queue(range(1, count + 1), "morning", Kind.REMINDER, WECHAT, Route.WECHAT_TEMPLATE)


def ended(yard: Yard, receipt: str, status: str = "success") -> None:
    yard.database.transact_now(lambda connection: template_ended(connection, receipt, status, yard.clock.now()))


async def test_a_template_is_final_when_the_platform_says_so(yard: Yard) -> None:
    template(yard, 2)
    for number in (1, 2):
        yard.platform.says[f"o{number}"] = [f"m{number}"]
    async with running(yard.lane(WECHAT)):
        await eventually(lambda: {row.receipt for row in yard.deliveries()} == {"m1", "m2"})
        assert statuses(yard.database) == {"sending": 2}
        ended(yard, "m1")
        ended(yard, "m2", "failed:user block")
        await eventually(lambda: statuses(yard.database)["sending"] == 0)
        await eventually(lambda: statuses(yard.database)["queued"] == 0)
    good, bad = yard.deliveries()
    assert (good.status, good.route, good.attempts, good.error) == ("sent", "wechat_template", 1, "")
    assert bad.status == "waiting"
    assert [(step["route"], step["error"]) for step in bad.tried] == [("wechat_template", "failed:user block")]
    assert len(yard.platform.asked) == 2
    assert rows(yard.database, TemplateEnd) == []


async def test_the_report_may_come_before_our_own_result_is_written(yard: Yard) -> None:
    template(yard, 2)

    async def send(address: Any, outgoing: Any, route: str) -> str:
        receipt = f"m{address.user_id}"
        ended(yard, receipt, "success" if address.user_id == "o1" else "failed: system failed")
        return receipt

    await yard.send_all(yard.lane(WECHAT, send=send))
    assert [row.status for row in yard.deliveries()] == ["sent", "waiting"]
    assert rows(yard.database, TemplateEnd) == []


def test_a_report_and_our_own_result_in_the_same_moment_find_each_other(
    postgresql_only: Database, clock: Clock
) -> None:
    """Neither transaction sees the other's row: whoever comes second has to wait for the first."""
    from bot.delivery import templates

    yard = Yard(postgresql_only, clock)
    template(yard)
    yard.change(Delivery, status="sending")
    looked, reported = threading.Event(), threading.Event()

    def result(connection: Connection) -> None:
        connection.execute(update(Delivery).values(receipt="m1"))
        templates.received(connection, ["m1"], clock.now())
        looked.set()
        reported.wait(0.5)  # the other cannot come through before our commit

    def report(connection: Connection) -> None:
        looked.wait(5)
        template_ended(connection, "m1", "success", clock.now())
        reported.set()

    async def both() -> None:
        await asyncio.gather(*(asyncio.to_thread(postgresql_only.transact_now, work) for work in (result, report)))

    asyncio.run(both())
    assert yard.delivery.status == "sent"
    assert rows(postgresql_only, TemplateEnd) == []


async def test_a_template_that_was_interrupted_goes_again_with_the_same_key_and_once_only(yard: Yard) -> None:
    template(yard)
    for holder, count in (("a", 1), ("b", 2)):
        yard.platform.says["o1"] = [30.0]
        async with killed(yard.lane(WECHAT, holder=holder, lease=SHORT)):
            await eventually(lambda: len(yard.platform.asked) == count)  # noqa: B023  # over before the next round
    async with running(yard.lane(WECHAT, holder="c", lease=SHORT)):
        await eventually(yard.all_are("unconfirmed"))
    assert len({message.key for message in yard.platform.asked}) == 1
    assert len(yard.platform.asked) == 2


async def test_a_template_found_after_ten_minutes_is_not_sent_again(yard: Yard) -> None:
    template(yard)
    yard.platform.says["o1"] = [30.0]
    async with killed(yard.lane(WECHAT, holder="a", lease=SHORT)):
        await eventually(lambda: len(yard.platform.asked) == 1)
    shift(yard.database, -timedelta(minutes=10))
    await yard.send_all(yard.lane(WECHAT, holder="b"))
    assert yard.delivery.status == "unconfirmed"
    assert len(yard.platform.asked) == 1


async def test_a_template_that_awaits_its_end_survives_its_holder(yard: Yard) -> None:
    template(yard)
    yard.platform.says["o1"] = ["m1"]
    async with running(yard.lane(WECHAT)):
        await eventually(lambda: yard.delivery.receipt)
    async with running(lane := yard.lane(WECHAT, holder="next")):
        await eventually(lambda: lane.held)
        assert yard.delivery.status == "sending"
        ended(yard, "m1")
    assert yard.delivery.status == "sent"


def test_an_end_that_is_not_reported_within_an_hour_is_not_waited_for(yard: Yard) -> None:
    template(yard, 3)
    long_ago = NOW - timedelta(minutes=61)
    yard.change(Delivery, status="sending", receipt="m1", sent_at=long_ago)
    yard.database.write_now(
        lambda session: session.execute(
            update(Delivery).where(col(Delivery.id) == yard.deliveries()[0].id).values(sent_at=NOW)
        )
    )
    yard.database.transact_now(lambda connection: give_up(connection, WECHAT, NOW))
    assert [row.status for row in yard.deliveries()] == ["sending", "unconfirmed", "unconfirmed"]
    ended(yard, "m1")  # late, and believed
    assert statuses(yard.database) == {"sent": 3}


def test_an_unknown_report_is_kept(yard: Yard) -> None:
    ended(yard, "m9", "failed:user block")
    ended(yard, "m9", "success")
    assert [(row.receipt, row.status) for row in rows(yard.database, TemplateEnd)] == [("m9", "success")]


async def test_a_person_who_unfollowed_is_not_asked_by_template_again(yard: Yard) -> None:
    template(yard)
    yard.platform.says["o1"] = [Unreachable("43004")]
    await yard.send_all(yard.lane(WECHAT))
    assert (yard.delivery.status, len(yard.platform.asked)) == ("unreachable", 1)
