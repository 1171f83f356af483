"""kill -9 under load: nothing that was acknowledged is lost, and nobody is registered twice.

pytest -m long tests/long/test_kills.py: 200 kills on each database, at random moments 20 to 400 ms after the server is
ready (TEST_KILLS and TEST_SEED change number and seed; both are printed). People on WeChat in safe mode and on
Telegram's webhook register all the while; the platforms repeat what was not acknowledged, by their own rules.

What this proves: a 200 comes only after the commit was handed to the operating system, whatever moment the process
dies at, and what comes back to life goes on from there: a repeated message has one effect and gets its reply. What it
does not prove: that the disk has it. A killed process leaves to the kernel what it wrote; only a power cut takes that
away, and against it stand `synchronous=FULL` on SQLite and PostgreSQL's own `fsync`, which no test here can switch off.

The control arm is the same server with one fault put in, early_ack.py: it answers before the commit.
"""

from __future__ import annotations

import os
import pathlib

import pytest

from tests.conftest import postgresql_url, sqlite_url
from tests.long.siege import Siege
from tests.nursery import Nursery

KILLS = int(os.environ.get("TEST_KILLS", "200"))
SEED = int(os.environ.get("TEST_SEED", "20191022"))
COLD = 20  # starts of the command itself, which give the start-up time; the others are forked behind the imports
EARLY_ACK = "tests.long.early_ack"


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_nothing_acknowledged_is_lost(
    nursery: Nursery, database_url: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = await Siege(nursery, database_url, tmp_path, SEED, cold=COLD).run(KILLS, wechat=20, telegram=20)
    with capsys.disabled():
        print(f"\n{database_url.partition(':')[0]}: {report}")
    assert not report.faults, report.faults
    assert report.exit_code == 0


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_server_that_answers_before_the_commit_loses_answers(
    nursery: Nursery, database_url: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    siege = Siege(nursery, database_url, tmp_path, SEED, variant=EARLY_ACK)
    report = await siege.run(max(KILLS // 5, 4), wechat=20, telegram=0)
    with capsys.disabled():
        print(f"\n{database_url.partition(':')[0]}, control: {report}")
    assert report.lost, "the control arm lost nothing: this test cannot fail"


async def test_ten_kills_on_sqlite(nursery: Nursery, tmp_path: pathlib.Path) -> None:
    report = await Siege(nursery, sqlite_url(tmp_path), tmp_path, SEED).run(10, wechat=16, telegram=0)
    assert not report.faults, (str(report), report.faults)
    assert report.tally.acknowledged.total() > 20, str(report)


async def test_five_kills_on_postgresql(nursery: Nursery, postgresql: str, tmp_path: pathlib.Path) -> None:
    report = await Siege(nursery, postgresql_url(postgresql), tmp_path, SEED).run(5, wechat=16, telegram=0)
    assert not report.faults, (str(report), report.faults)
    assert report.tally.acknowledged.total() > 20, str(report)


async def test_the_control_arm_loses_answers(nursery: Nursery, tmp_path: pathlib.Path) -> None:
    siege = Siege(nursery, sqlite_url(tmp_path), tmp_path, SEED, variant=EARLY_ACK)
    report = await siege.run(15, wechat=8, telegram=0, until_lost=True)
    assert report.lost, (str(report), "the control arm lost nothing: this test cannot fail")
