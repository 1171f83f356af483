"""Two processes on one PostgreSQL at Telegram's pace; the one that holds the lane is killed, or frozen and thawed.

pytest -m long tests/long/test_lane_takeover.py: five kills and five freezes with the real lease of 10 seconds. A frozen
holder is thawed a second after the other took over, and does not know that it stood still.

What this proves: nothing arrives twice, no second holds more than 30 messages wherever it begins, the pace is kept
while somebody holds the lane, and the other takes over within the lease and a second. In the short form whoever is
thawed cannot ask the database at once (slow_thaw.py): what it took up before must not leave all the same. The control
arm has no deadline there, and sends beside the other (without_deadline.py).
"""

from __future__ import annotations

import pytest

from bot.store.database import STALLED_SECONDS
from tests.conftest import postgresql_url
from tests.long.duel import Report, duel

MOST = 30  # in any second
PATIENT = 0.1, 10.0  # where other tests run beside it: pace and takeover are measured by the long form


def look(report: Report, kept: float, late: float, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints it, and looks at it: at least this share of the pace, and taken over so many seconds after the lease."""
    with capsys.disabled():
        print(f"\npostgresql: {report}")
    assert report.post.twice == []
    assert report.post.most_in_a_second <= MOST
    assert report.kept > kept
    assert max(report.takeovers) < max(report.lease, STALLED_SECONDS) + late
    assert set(report.statuses) <= {"sent", "unconfirmed", "queued"}
    assert report.statuses["unconfirmed"] <= 30 * report.blows


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_killed_and_frozen_five_times_each(postgresql: str, capsys: pytest.CaptureFixture[str]) -> None:
    look(await duel(postgresql_url(postgresql), 10.0, [False, True] * 5, 10.0), 0.99, 1.0, capsys)


async def test_killed_and_frozen_once_each(postgresql: str, capsys: pytest.CaptureFixture[str]) -> None:
    look(await duel(postgresql_url(postgresql), 2.0, [False, True], 1.5, "tests.long.slow_thaw"), *PATIENT, capsys)


async def test_control_a_frozen_holder_without_a_deadline_sends_beside_the_other(postgresql: str) -> None:
    report = await duel(postgresql_url(postgresql), 2.0, [True], 1.5, "tests.long.without_deadline")
    assert report.post.most_in_a_second > MOST, str(report)
