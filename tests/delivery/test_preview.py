"""What an organizer sees before anything is sent is what then is planned."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bot.clock import Clock
from bot.delivery.announcements import announce
from bot.delivery.audience import WrongFilter
from bot.delivery.preview import Rest, preview
from bot.delivery.queueing import queue_slice
from bot.store.database import Database
from bot.store.outbox import Kind, Lane, Way
from tests.conftest import NOW
from tests.delivery.crowd import ALL, APP, BOT, announcements, deliveries, registered, settle, telegram, wechat

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


def test_people_who_share_a_chat_share_its_count(database: Database) -> None:
    own = registered(1, NOW)
    rows = [own, *(registered(number, NOW, contact_id=1, registered_by=own["reference"]) for number in range(2, 5))]
    settle(database, [wechat(1, NOW, message_left=2)], rows)
    accounts = replace(ALL, template_reminder="")
    seen = database.read_now(lambda session: preview(session, "", TEXTS, accounts, NOW))
    assert seen.routes == {"wechat_message": 2}
    assert [row.status for row in seen.missed] == ["waiting", "waiting"]


def test_it_says_which_lanes_rest_and_which_routes_are_off(database: Database) -> None:
    settle(database, [wechat(1, NOW), telegram(2, NOW)], [registered(1, NOW), registered(2, NOW)])
    real = Clock().real()
    common = {"holder": "", "epoch": 1, "until": real}
    used_up = {"wechat_message": {"why": "45009", "until": (NOW + HOUR).isoformat()}}
    over = {"telegram": {"why": "45009", "until": (NOW - HOUR).isoformat()}}
    lanes = [
        Lane(account=f"wechat:{APP}", off=used_up, paused_until=real - HOUR, reason="45011", **common),
        Lane(account=f"telegram:{BOT}", off=over, paused_until=real + HOUR, reason="429", **common),
    ]
    database.write_now(lambda session: session.add_all(lanes))
    seen = database.read_now(lambda session: preview(session, "", TEXTS, ALL, NOW))
    assert seen.routes == {"wechat_template": 1, "telegram": 1}
    assert seen.rests == {"telegram": Rest(real + HOUR, "429")}
    (off,) = seen.off.items()
    assert off[0] == f"wechat:{APP} wechat_message"
    assert off[1].startswith("45009; until 2019-")
