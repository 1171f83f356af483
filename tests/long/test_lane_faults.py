"""Three calls in ten fail, in ten ways and more: every delivery comes to an end, and the end is explained.

pytest -m long tests/long/test_lane_faults.py: 20,000 deliveries on each database, through three lanes at once; one
transaction in a hundred fails as well (TEST_SEED changes which; it is printed). The platforms in moods.py remember each
call; afterwards every row is held against them: what is `sent` was taken once and by the route the row names, what
is not has a reason, and that reason is how its last call ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import random
import time
from collections import Counter
from datetime import timedelta

import pytest

from bot.delivery.leftovers import INTERRUPTED
from bot.store.outbox import Delivery, Kind, Route
from tests.conftest import NOW, postgresql_url, sqlite_url
from tests.delivery.crowd import registered, settle, telegram, wechat
from tests.delivery.flights import MAIL, TELEGRAM, WECHAT, Yard, eventually, running
from tests.emptied import opened
from tests.long.moods import HANG, OK, TEMPLATE_FAILED, Call, Fast, Moody, Shaky

SEED = int(os.environ.get("TEST_SEED", "20191022"))
LATER = ("connection refused", "busy")
NOBODY_KNOWS = ("502", "cut", HANG)
FOR_GOOD = ("wrong message", "fault of ours", "moved")
NEXT_ROUTE = ("unknown person", "outside the window", "count used up", TEMPLATE_FAILED)
MOST_TRIES = 5


def crowd(yard: Yard, count: int) -> None:
    """Half on Telegram, half on WeChat, there half with an open window; every third with an e-mail address."""
    now, numbers = yard.clock.now(), range(1, count + 1)
    chats = [
        telegram(number, now) if number % 2 else wechat(number, now, message_left=5 if number % 4 else 0)
        for number in numbers
    ]
    mail = {number: f"p{number}@example.com" if number % 3 == 0 else None for number in numbers}
    settle(yard.database, chats, [registered(number, now, email=mail[number]) for number in numbers])
    yard.queue([n for n in numbers if n % 2], "morning", Kind.REMINDER, TELEGRAM, Route.TELEGRAM)
    yard.queue([n for n in numbers if not n % 2], "noon", Kind.REMINDER, WECHAT, Route.WECHAT_MESSAGE)


def fault(row: Delivery, calls: list[Call]) -> str:
    """What does not fit between a row and the calls that were made for it; empty: everything does."""
    last, taken = calls[-1] if calls else None, [call for call in calls if call.ended == OK]
    counted = [call for call in calls if call.ended != "429"]
    moved = sum(call.ended == "moved" for call in calls[:-1])  # and sent once more in the same attempt
    if len(taken) > 1:
        return "taken twice"
    if row.attempts != len(counted) - moved:
        return f"{row.attempts} attempts, {len(counted)} calls"
    if (row.error == "") != (row.status == "sent"):
        return f"{row.status} with the reason {row.error!r}"
    ends = {
        "sent": last is not None and last == Call(str(row.route), OK),
        "unconfirmed": last is not None and last.ended in NOBODY_KNOWS,
        "failed": last is not None and (last.ended in FOR_GOOD or _tried_often(calls)),
        "unreachable": last is None or last.ended in NEXT_ROUTE,
        "waiting": last is None or last.ended in NEXT_ROUTE,
    }
    if not ends.get(row.status):
        return f"{row.status} after {last}"
    given_up = [call.route for call in calls if call.ended in NEXT_ROUTE]
    return "" if [step["route"] for step in row.tried] == given_up else f"tried {row.tried}"


def _tried_often(calls: list[Call]) -> bool:
    return calls[-1].ended in LATER and sum(call.ended in (*LATER, "moved") for call in calls) >= MOST_TRIES


async def trouble(url: str, deliveries: int) -> tuple[str, list[str], float]:
    """Sends so many; what is to be printed, what does not fit, and calls a delivery."""
    began, choose = time.monotonic(), random.Random(SEED)
    with contextlib.closing(opened(url)) as database:
        yard = Yard(database, Fast(NOW))
        crowd(yard, deliveries)
        moody, shaky = Moody(database, yard.clock, choose), Shaky(database, choose)
        lanes = [
            yard.lane(account, database=shaky, send=moody.send, lease=timedelta(seconds=2), rate=rate)
            for account, rate in ((TELEGRAM, 1000.0), (WECHAT, None), (MAIL, None))
        ]
        final = yard.all_are("sent", "failed", "unreachable", "waiting", "unconfirmed", "skipped")
        async with running(*lanes):
            while not await asyncio.to_thread(final):
                await asyncio.sleep(0.2)
        await eventually(lambda: len(asyncio.all_tasks()) == 1)  # reports that are still on their way
        rows = yard.deliveries()
    calls = {f"{row.announcement_id}/{row.person}/{row.way}": row for row in rows}
    faults = [f"{key}: {found}" for key, row in calls.items() if (found := fault(row, moody.calls[key]))]
    each = moody.count / deliveries
    statuses = dict(Counter(row.status for row in rows))
    seconds = time.monotonic() - began
    report = (
        f"{deliveries} deliveries in {seconds:.0f} s (seed {SEED}), {each:.3f} calls each, {shaky.failed} transactions"
        f" failed: {statuses}; {len(faults)} do not fit"
    )
    return report, faults, each


async def look(url: str, deliveries: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints it, and looks at it."""
    report, faults, each = await trouble(url, deliveries)
    with capsys.disabled():
        print(f"\n{url.partition(':')[0]}: {report}")
    assert faults == []
    assert 1.1 < each < 1.6


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_twenty_thousand_deliveries_come_to_an_end(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    await look(database_url, 20_000, capsys)


async def test_five_hundred_on_sqlite(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    await look(sqlite_url(tmp_path), 500, capsys)


async def test_five_hundred_on_postgresql(postgresql: str, capsys: pytest.CaptureFixture[str]) -> None:
    await look(postgresql_url(postgresql), 500, capsys)


def test_control_a_row_that_does_not_fit_is_found() -> None:
    row = Delivery(announcement_id="A", person="r1", way="chat", priority=1, due_at=NOW, attempts=1, route="telegram")
    good = [Call("telegram", OK)]
    row.status = "sent"
    assert fault(row, good) == ""
    assert fault(row, []) != ""
    assert fault(row, good * 2) == "taken twice"
    assert fault(row, [Call("telegram", "cut")]) == "sent after Call(route='telegram', ended='cut')"
    row.status, row.error = "unconfirmed", INTERRUPTED
    assert fault(row, good) != ""
    row.status = "queued"
    assert fault(row, [Call("telegram", "busy")]) != ""
