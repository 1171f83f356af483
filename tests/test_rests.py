"""A lane's rest ends with the settings that it was for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.clock import Clock
from bot.content.records import Content
from bot.lanes import Lanes
from bot.settings import read
from bot.store.database import Database
from bot.store.outbox import Lane
from bot.store.tables import Setting
from tests.stored import rows

TELEGRAM, MAIL = "telegram:123456", "email"
AT_FIRST = {
    "USHER_SECRET": "a secret of the tests",
    "USHER_TELEGRAM_TOKEN": "123456:the-first-token-of-the-tests",
    "USHER_TELEGRAM_SECRET": "hook",
    "USHER_SMTP_URL": "smtp://usher:wrong-password@127.0.0.1:2525",
    "USHER_MAIL_FROM": "usher@example.org",
}


def starts(database: Database, content: Content, clock: Clock, **changed: str) -> None:
    """What serve does before its lanes send."""
    lanes = Lanes(database, clock, lambda: content, read(AT_FIRST | changed), {})
    database.transact_now(lanes.mended)


def rest(database: Database, clock: Clock) -> None:
    """Both lanes rest, and one has lost a route."""
    until = clock.real() + timedelta(minutes=10)
    common = {"holder": "", "epoch": 1, "until": clock.real(), "paused_until": until}
    lanes = [Lane(account=account, reason="401", off={"x": "y"}, **common) for account in (TELEGRAM, MAIL)]
    database.write_now(lambda session: session.add_all(lanes))


def resting(database: Database) -> set[str]:
    return {row.account for row in rows(database, Lane) if row.paused_until or row.reason or row.off}


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        ({}, {TELEGRAM, MAIL}),
        ({"USHER_TELEGRAM_TOKEN": "123456:another-token-of-the-tests"}, {MAIL}),
        ({"USHER_SMTP_URL": "smtp://usher:right-password@127.0.0.1:2525"}, {TELEGRAM}),
    ],
)
def test_a_changed_setting_ends_the_rest_of_its_lane(
    database: Database, content: Content, clock: Clock, changed: dict[str, Any], left: set[str]
) -> None:
    starts(database, content, clock)
    rest(database, clock)
    starts(database, content, clock, **changed)
    assert resting(database) == left
    database.write_now(lambda session: session.execute(update(Lane).values(reason="again")))
    starts(database, content, clock, **changed)
    assert resting(database) == {TELEGRAM, MAIL}


def test_no_setting_is_stored(database: Database, content: Content, clock: Clock) -> None:
    starts(database, content, clock)
    stored = " ".join(f"{row.name} {row.value}" for row in rows(database, Setting))
    assert "lane email" in stored
    assert "password" not in stored
    assert "token" not in stored
