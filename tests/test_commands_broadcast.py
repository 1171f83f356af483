"""`usher broadcast`: what it prints, whom it reaches, and what it refuses."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlmodel import update

from bot.store.database import Database
from bot.store.outbox import Delivery, State
from bot.store.tables import Registration
from tests.command import Here
from tests.conftest import NOW
from tests.delivery.crowd import announcements, deliveries
from tests.emptied import database, kept_open
from tests.seven import (
    BLOCKED,
    CLOSED,
    ENGLISH,
    GONE,
    MAILED,
    OPEN,
    PENDING,
    SECOND,
    SILENT,
    TEXTS,
    VENUE,
    announced,
    called,
    listed,
    one_line,
    settings,
)

__all__ = ["database", "kept_open", "settings"]

FIELDS = ["announcement", "kind", "reference", "way", "route", "status", "attempts", "error", "due_at", "sent_at"]


def test_a_dry_run_says_who_is_reached_how_and_who_is_not_and_sends_nothing(
    here: Here, settings: dict[str, str], database: Database
) -> None:
    ended = here("broadcast", *TEXTS, "--dry-run", **settings)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "7 people, 1 en, 6 zh",
        "now by telegram: 3",
        "now by wechat_message: 1",
        "now by email: 1",
        "open WeChat windows close at 2019-10-10 09:00+08:00",
        f"not now, waiting (shown when they next write): 1, {CLOSED}",
        f"not now, unreachable: 1, {GONE}",
        f"  {SILENT}: waiting, {CLOSED}",
        f"  {BLOCKED}: unreachable, {GONE}",
    ]
    assert announcements(database) == {}
    nobody = here("broadcast", *TEXTS, "--where", "category=retailer", "--dry-run", **settings)
    assert nobody.out == "nobody is meant\n"


def test_a_broadcast_that_means_nobody_says_so(here: Here, settings: dict[str, str], database: Database) -> None:
    nobody = ("broadcast", *TEXTS, "--where", "category=retailer")
    said = one_line(here(*nobody, **settings))
    assert said == "broadcast: nobody is meant, expected a filter that somebody meets; nothing was announced"
    assert announcements(database) == {}
    announced(here(*nobody, "--at", "2019-10-20T10:00:00+08:00", **settings))  # there may be somebody by then


def test_a_broadcast_prints_its_id_and_its_deliveries_are_as_the_dry_run_said(
    here: Here, settings: dict[str, str]
) -> None:
    name = announced(here("broadcast", *TEXTS, **settings))
    lines = listed(here("deliveries", "--format", "jsonl", "--announcement", name, **settings))
    assert [list(line) for line in lines] == [FIELDS] * 7
    assert {line["reference"]: (line["route"], line["status"], line["error"]) for line in lines} == {
        OPEN: ("wechat_message", "queued", None),
        ENGLISH: ("telegram", "queued", None),
        MAILED: ("email", "queued", None),
        SILENT: (None, "waiting", CLOSED),
        BLOCKED: (None, "unreachable", GONE),
        PENDING: ("telegram", "queued", None),
        SECOND: ("telegram", "queued", None),
    }
    first = lines[0]
    assert first.pop("due_at").startswith("2019-10-08T09:00:")
    assert first == {
        **{"announcement": name, "kind": "broadcast", "reference": OPEN, "way": "chat", "route": "wechat_message"},
        **{"status": "queued", "attempts": 0, "error": None, "sent_at": None},
    }


def test_the_same_again_within_ten_minutes_is_refused_unless_it_is_meant(here: Here, settings: dict[str, str]) -> None:
    """Each command is a process of its own: where USHER_NOW is set, its clock begins anew there."""
    before = announced(here("broadcast", *TEXTS, "--where", "status=confirmed category=factory", **settings))
    turned = ("--where", "category=factory  status=confirmed")
    assert one_line(here("broadcast", *TEXTS, *turned, **settings)) == (
        f"the same texts went to the same people less than 10 minutes ago as {before}; "
        "expected --again if that is meant"
    )
    later, earlier = NOW + timedelta(minutes=9, seconds=59), NOW - timedelta(minutes=9)
    for moment in (later, earlier):
        assert here("broadcast", *TEXTS, *turned, **settings | {"NOW": moment.isoformat()}).code == 1
    again = announced(here("broadcast", *TEXTS, *turned, "--again", **settings))
    assert again != before
    assert here("broadcast", *TEXTS, "--where", "status=confirmed", **settings).code == 1  # they are the same people
    announced(here("broadcast", *TEXTS, "--where", "status=pending", **settings))  # to others
    announced(here("broadcast", *TEXTS[:3], "Another text.", *turned, **settings))  # and other words
    half_an_hour_later = (NOW + timedelta(minutes=30)).isoformat()
    announced(here("broadcast", *TEXTS, *turned, **settings | {"NOW": half_an_hour_later}))


def test_who_was_decided_by_a_clock_that_is_ahead_gets_it_too(
    here: Here, settings: dict[str, str], database: Database
) -> None:
    """As while USHER_NOW is set: `serve` has run for hours since then, and the command has just begun."""
    ahead = {"decided_at": NOW + timedelta(hours=3), "created_at": NOW + timedelta(hours=3)}
    database.write_now(lambda session: session.execute(update(Registration).values(**ahead)))
    name = announced(here("broadcast", *TEXTS, **settings))
    assert len(deliveries(database, name)) == 7
    database.write_now(lambda session: session.execute(update(Delivery).values(due_at=NOW + timedelta(hours=3))))
    assert len(called(here("calls", **settings))) == 2


def test_a_broadcast_with_the_venue_is_for_the_confirmed(
    here: Here, settings: dict[str, str], database: Database
) -> None:
    venue = ("broadcast", *TEXTS, "--venue")
    assert one_line(here(*venue, **settings)) == "broadcast: no venue is published, expected `usher venue set` first"
    here("venue", "set", *VENUE, **settings)
    for more, audience in (
        ((), "status=confirmed"),
        (("--where", "language=zh"), "language=zh status=confirmed"),
        (("--where", "status=pending"), "status=pending"),
    ):
        name = announced(here(*venue, *more, **settings))
        row = announcements(database)[name]
        assert (row.audience, row.more["venue"]) == (audience, True)
    assert {row.registration_id for row in deliveries(database, name)} == {6, 7}


def test_a_broadcast_for_later_is_written_when_it_is_due(
    here: Here, settings: dict[str, str], database: Database
) -> None:
    name = announced(here("broadcast", *TEXTS, "--at", "2019-10-20T10:00:00+02:00", **settings))
    row = announcements(database)[name]
    assert (row.due_at.isoformat(), row.state, row.by) == ("2019-10-20T08:00:00+00:00", State.PLANNING, "command")
    shown = here("deliveries", "--announcement", name, **settings)
    assert (shown.code, shown.out) == (0, "")
    assert shown.err == f"{name} is scheduled for 2019-10-20T16:00:00+08:00: its deliveries are written then\n"
    (row,) = json.loads(here("status", "--json", **settings).out)["broadcasts"]
    assert row == {
        **{"announcement": name, "due_at": "2019-10-20T16:00:00+08:00", "state": "planning"},
        **{"done": 0, "total": 0},
    }
    assert f"announcement {name}, due_at 2019-10-20T16:00:00+08:00, state planning" in here("status", **settings).out


@pytest.mark.parametrize(
    ("at", "wrong"),
    [
        ("2019-10-08T08:49:00+08:00", "is over"),
        ("2018-10-08T09:00:00+08:00", "is over"),
        ("2020-11-13T09:00:00+08:00", "is too far ahead"),
        ("9999-12-31T23:59:59-23:00", "is too far ahead"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["", "dry run"])
def test_a_time_that_nobody_means_is_refused(
    here: Here, settings: dict[str, str], database: Database, at: str, wrong: str, more: tuple[str, ...]
) -> None:
    said = one_line(here("broadcast", *TEXTS, "--at", at, *more, **settings))
    assert said == f"broadcast: --at {at} {wrong}, expected a time within the next 400 days"
    assert announcements(database) == {}


def test_a_time_that_is_just_over_means_now(here: Here, settings: dict[str, str], database: Database) -> None:
    name = announced(here("broadcast", *TEXTS, "--at", "2019-10-08T08:55:00+08:00", **settings))
    assert len(deliveries(database, name)) == 7
    assert announcements(database)[name].due_at >= NOW


WRONG_TEXTS = {
    "unknown": (("--zh", "{nmae}您好", "--en", "Hello"), "broadcast: zh: {nmae} is not known, expected one of "),
    "stray": (("--zh", "您好", "--en", "Hello {name"), "broadcast: en: { belongs to no placeholder"),
    "empty": (("--zh", " ", "--en", ""), "broadcast: expected --zh TEXT and --en TEXT"),
    "half": (("--zh", "您好", "--en", " "), "broadcast: en: is missing or empty, expected the text"),
    "long": (("--zh", "长" * 700, "--en", "Hello"), "bytes on WeChat"),
    "filter": ((*TEXTS, "--where", "colour=red"), "filter: 'colour=red' is not known; expected FIELD=VALUE"),
    "category": ((*TEXTS, "--where", "category=factorys"), "filter: 'factorys' is no category; expected one of "),
    "channel": ((*TEXTS, "--where", "channel=Wechat"), "filter: 'Wechat' is no channel; expected one of wechat, "),
    "status": ((*TEXTS, "--where", "status=seated"), "filter: 'seated' is no status; expected one of pending, "),
}


@pytest.mark.parametrize("fault", WRONG_TEXTS)
@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["", "dry run"])
def test_what_could_not_be_sent_is_said_before_anything_is_queued(
    here: Here, settings: dict[str, str], database: Database, fault: str, more: tuple[str, ...]
) -> None:
    words, expected = WRONG_TEXTS[fault]
    assert expected in one_line(here("broadcast", *words, *more, **settings))
    assert announcements(database) == {}
