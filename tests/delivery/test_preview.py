"""What an organizer sees before anything is sent is what then is planned."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from bot.delivery.announcements import announce
from bot.delivery.audience import WrongFilter
from bot.delivery.preview import preview
from bot.delivery.queueing import queue_slice
from bot.store.database import Database
from bot.store.outbox import Kind, Way
from tests.conftest import NOW
from tests.delivery.crowd import ALL, announcements, deliveries, registered, settle, telegram, wechat

HOUR = timedelta(hours=1)
TEXTS = {"zh": {"text": "会场定了", "short": "会场定了"}}
BOTH = (Way.CHAT, Way.MAIL)


def a_mixed_crowd(database: Database, people: int) -> None:
    """People in every kind of standing, the same ones at each run."""
    dice, chats, rows = random.Random(7), [], []
    for number in range(1, people + 1):
        make = dice.choice((wechat, telegram))
        chats.append(
            make(
                number,
                NOW,
                language=dice.choice(("zh", "en")),
                message_until=NOW + HOUR * dice.randint(-5, 40),
                message_left=dice.randint(0, 2),
                blocked_at=dice.choice((None, None, NOW)),
                stopped_at=dice.choice((None, None, None, NOW)),
            )
        )
        rows.append(
            registered(
                number,
                NOW,
                email=dice.choice((None, f"p{number}@example.com")),
                registered_by=dice.choice((None, None, "FFS-000000")),
                status=dice.choice(("confirmed", "confirmed", "pending", "cancelled")),
            )
        )
    settle(database, chats, rows)


@pytest.mark.parametrize("ways", [(Way.CHAT,), (Way.MAIL,), BOTH])
@pytest.mark.parametrize("kind", [Kind.BROADCAST, Kind.REMINDER])
def test_it_is_what_then_is_planned(database: Database, kind: Kind, ways: tuple[Way, ...]) -> None:
    a_mixed_crowd(database, 150)
    seen = database.read_now(lambda session: preview(session, "status=confirmed", TEXTS, ALL, NOW, ways, kind))
    fields = {"id": "X", "kind": kind, "texts": TEXTS, "audience": "status=confirmed", "ways": ways}
    database.transact_now(lambda connection: announce(connection, accounts=ALL, now=NOW, **fields))
    database.transact_now(partial(queue_slice, announcement_id="X", accounts=ALL, now=NOW))
    rows = deliveries(database)
    assert seen.people * len(ways) == len(rows) > 60
    assert seen.routes == Counter(row.route for row in rows if row.status == "queued")
    planned = [(f"FFS-{int(row.person[1:]):06}", row.way, row.status, row.error) for row in rows if row.route is None]
    assert [(row.reference, row.way, row.status, row.reason) for row in seen.missed] == planned
    assert sum(seen.reasons.values()) == len(seen.missed)


def test_it_says_until_when_windows_are_open_and_writes_nothing(database: Database) -> None:
    windows = [3, 48, 20]
    chats = [wechat(number, NOW, message_until=NOW + HOUR * hours) for number, hours in enumerate(windows, 1)]
    settle(database, [*chats, telegram(4, NOW, language="en")], [registered(number, NOW) for number in range(1, 5)])
    seen = database.read_now(lambda session: preview(session, "", TEXTS, ALL, NOW))
    assert seen.windows == (NOW + 3 * HOUR, NOW + 48 * HOUR)
    assert seen.routes == {"wechat_message": 3, "telegram": 1}
    assert seen.languages == {"zh": 3, "en": 1}
    assert announcements(database) == {}


def test_nobody_is_meant(database: Database) -> None:
    seen = database.read_now(lambda session: preview(session, "status=confirmed", TEXTS, ALL, NOW))
    assert (seen.people, seen.routes, seen.missed, seen.windows) == (0, {}, [], None)
    with pytest.raises(WrongFilter):
        database.read_now(lambda session: preview(session, "colour=red", TEXTS, ALL, NOW))
