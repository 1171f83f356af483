"""Two whole `usher serve` on one PostgreSQL, and a broadcast on Telegram; the one that sends is killed, or frozen.

pytest -m long tests/long/test_serve_takeover.py: five kills and five freezes, the lease as it is (10 seconds). Both are
started from settings, as processes of their own; the platform is the strict stand-in, on loopback, in this process. A
frozen one is thawed a second after the other took over, and does not know that it stood still.

What this proves: nobody gets anything twice, what is said to be sent has arrived, no second holds more than 30 messages
wherever it begins, the pace is kept while somebody sends, and the other takes over within the lease and a second. The
short form has a lease of 2 seconds, and whoever is thawed cannot ask the database at once (short_lease.py); the
control arm, which runs with the long form, has no deadline there and sends beside the other.
"""

from __future__ import annotations

import pathlib
from functools import partial

import pytest

from tests.conftest import postgresql_url
from tests.long.nodes import Report, fight
from tests.nursery import Forked, Nursery
from tests.served import Process

MOST, WINDOW, LEASE, SHORT = 30, 30, 10.0, 2.0
PATIENT = 0.1, 10.0  # where other tests run beside it: pace and takeover are measured by the long form


def look(report: Report, kept: float, late: float, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints it, and looks at it: at least this share of the pace, and taken over so many seconds after the lease."""
    with capsys.disabled():
        print(f"\npostgresql: {report}")
    assert report.twice == report.lost == report.broken == []
    assert report.most <= MOST
    assert report.kept > kept
    assert max(report.takeovers) < report.lease + late
    assert set(report.statuses) == {"sent", "unconfirmed", "queued"}
    assert report.statuses["unconfirmed"] <= WINDOW * len(report.blows)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_killed_and_frozen_five_times_each(
    postgresql: str, nursery: Nursery, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blows = [False, True] * 5
    look(
        await fight(postgresql_url(postgresql), tmp_path, nursery, Process, lease=LEASE, blows=blows, calm=8.0),
        0.99,
        1.0,
        capsys,
    )


async def test_killed_and_frozen_once_each(
    postgresql: str, nursery: Nursery, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = partial(Forked, nursery, variant="tests.long.short_lease")
    look(
        await fight(postgresql_url(postgresql), tmp_path, nursery, new, lease=SHORT, blows=[False, True], calm=1.5),
        *PATIENT,
        capsys,
    )


@pytest.mark.long
async def test_control_who_is_thawed_and_has_no_deadline_sends_beside_the_other(
    postgresql: str, nursery: Nursery, tmp_path: pathlib.Path
) -> None:
    new = partial(Forked, nursery, variant="tests.long.short_lease_no_deadline")
    report = await fight(postgresql_url(postgresql), tmp_path, nursery, new, lease=SHORT, blows=[True], calm=1.5)
    assert report.most > MOST, str(report)
