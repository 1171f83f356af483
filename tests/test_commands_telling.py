"""The commands that decide, tell people, and show what became of it: what they print, and what stands afterwards."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from sqlmodel import col, select

from bot.store.database import Database
from bot.store.tables import Event, Registration
from tests.command import Here
from tests.delivery.crowd import announcements
from tests.emptied import database, kept_open
from tests.seven import (
    BLOCKED,
    CLOSED,
    GONE,
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
from tests.stored import rows

__all__ = ["database", "kept_open", "settings"]


# plan


def test_the_plan_says_when_to_how_many_and_where_each_reminder_stands(here: Here, settings: dict[str, str]) -> None:
    scheduled = [
        ("two-weeks", "2019-10-08T10:00:00+08:00", 5),
        ("one-week", "2019-10-15T10:00:00+08:00", 5),
        ("day-before", "2019-10-21T10:00:00+08:00", 5),
        ("morning", "2019-10-22T07:30:00+08:00", 5),
        ("finish-form", None, 0),
        ("thank-you", "2019-10-22T17:00:00+08:00", 0),
    ]
    shown = here("plan", "--json", **settings)
    assert shown.code == 0
    assert json.loads(shown.out) == [
        {"id": name, "due_at": due, "audience": count, "state": "scheduled"} for name, due, count in scheduled
    ]
    told = here("plan", **settings).out.splitlines()
    assert told[0] == "two-weeks: 2019-10-08T10:00:00+08:00, 5 people now, scheduled"
    assert told[4] == "finish-form: after each draft, 0 people now, scheduled"


def test_what_was_missed_and_what_nobody_can_send_says_so(here: Here, settings: dict[str, str]) -> None:
    def states(**changed: str) -> dict[str, str]:
        plan = json.loads(here("plan", "--json", **settings | changed).out)
        return {row["id"]: row["state"] for row in plan}

    after = states(NOW="2019-10-25T09:00:00+08:00")
    assert set(after.values()) == {"missed"}
    none = dict.fromkeys(("WECHAT_APP_ID", "WECHAT_APP_SECRET", "WECHAT_TOKEN", "WECHAT_AES_KEY", "TELEGRAM_TOKEN"), "")
    off = states(**none, SMTP_URL="", MAIL_FROM="")
    assert set(off.values()) == {"off"}


# venue set


def test_a_venue_is_published_for_every_process_at_once(
    here: Here, settings: dict[str, str], database: Database
) -> None:
    ended = here("venue", "set", *VENUE, "--directions-zh", "坐地铁", "--directions-en", "by metro", **settings)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[0] == "published: 示例大厦 / Example Tower"
    (event,) = rows(database, Event)
    assert event.venue
    assert event.venue["directions"] == {"zh": "坐地铁", "en": "by metro"}
    assert (event.venue["latitude"], event.venue["longitude"]) == (22.5431, 114.0579)
    assert here("venue", "set", *VENUE, **settings).code == 0  # again, without directions
    (event,) = rows(database, Event)
    assert event.venue
    assert "directions" not in event.venue


def test_who_asks_by_command_hears_of_the_published_venue_as_in_the_chat(here: Here, settings: dict[str, str]) -> None:
    asked = ("ask", "会场在哪里")
    before = here(*asked, **settings)
    assert before.code == 0
    assert "示例大厦" not in before.out
    here("venue", "set", *VENUE, **settings)
    assert "示例大厦\n深圳市示例路1号" in here(*asked, **settings).out
    assert "Example Tower\n1 Example Road, Shenzhen" in here(*asked, "--lang", "en", **settings).out


# deliveries and calls


def test_deliveries_of_an_announcement_that_there_is_not_are_a_fault(here: Here, settings: dict[str, str]) -> None:
    assert listed(here("deliveries", **settings)) == []
    assert one_line(here("deliveries", "--announcement", "B-0", **settings)) == "B-0: no such announcement"


def test_the_call_list_names_everybody_whom_no_route_reaches(
    here: Here, settings: dict[str, str], tmp_path: Path
) -> None:
    assert called(here("calls", **settings)) == []
    name = announced(here("broadcast", *TEXTS, **settings))
    expected = [
        {"name": "'=1+1", "phone": "+8613800000004", "reason": CLOSED, "reference": SILENT, "announcement": name},
        {"name": "人5", "phone": "+8613800000005", "reason": GONE, "reference": BLOCKED, "announcement": name},
    ]
    assert called(here("calls", **settings)) == expected
    ended = here("calls", "-o", "calls.csv", **settings)
    assert (ended.code, ended.out) == (0, "")
    text = (tmp_path / "calls.csv").read_text(encoding="utf-8-sig")
    assert list(csv.DictReader(io.StringIO(text))) == expected
    (tmp_path / "folder").mkdir()
    assert "folder/calls.csv/x: cannot be written" in one_line(here("calls", "-o", "folder/calls.csv/x", **settings))


# confirm and decline


def decided(database: Database) -> dict[str, str]:
    """The status of everybody."""
    found = select(col(Registration.reference), col(Registration.status))
    return dict(database.read_now(lambda session: session.execute(found).all()))


def test_who_is_confirmed_is_told_in_both_ways_and_once(
    here: Here, settings: dict[str, str], database: Database
) -> None:
    typed = PENDING.lower().removeprefix("ffs-")
    assert here("confirm", typed, **settings).out == f"{PENDING}: confirmed, was pending\n"
    lines = listed(here("deliveries", "--announcement", f"D-{PENDING}-1", **settings))
    assert [(line["way"], line["route"], line["status"], line["kind"]) for line in lines] == [
        ("chat", "telegram", "queued", "decision"),
        ("mail", "email", "queued", "decision"),
    ]
    assert here("confirm", PENDING, **settings).out == f"{PENDING}: confirmed already, nobody is told again\n"
    assert list(announcements(database)) == [f"D-{PENDING}-1"]


def test_all_who_wait_are_confirmed_in_the_order_of_registration(here: Here, settings: dict[str, str]) -> None:
    ended = here("confirm", "--all-pending", **settings)
    assert ended.out == f"{PENDING}: confirmed, was pending\n{SECOND}: confirmed, was pending\n"
    again = here("confirm", "--all-pending", **settings)
    assert (again.code, again.out, again.err) == (0, "nobody waits for a decision\n", "")


def test_who_is_declined_is_told_and_may_be_confirmed_after_all(
    here: Here, settings: dict[str, str], database: Database
) -> None:
    ended = here("decline", OPEN, PENDING, **settings)
    assert ended.out == f"{OPEN}: declined, was confirmed\n{PENDING}: declined, was pending\n"
    assert here("confirm", OPEN, **settings).out == f"{OPEN}: confirmed, was declined\n"
    lines = listed(here("deliveries", **settings))
    by_status = {(line["announcement"], line["status"]) for line in lines}
    assert by_status == {(f"D-{OPEN}-1", "skipped"), (f"D-{OPEN}-2", "queued"), (f"D-{PENDING}-1", "queued")}


def test_one_wrong_reference_changes_nothing(here: Here, settings: dict[str, str], database: Database) -> None:
    before = decided(database)
    for command in ("confirm", "decline"):
        assert one_line(here(command, PENDING, "FFS-ZZZZZZ", **settings)) == (
            "FFS-ZZZZZZ: no such registration; expected a reference such as FFS-7K2M9Q"
        )
    assert (decided(database), announcements(database)) == (before, {})


# Ways to end

WRONG_USAGE = [
    ("plan", "now"),
    ("venue",),
    ("venue", "set", *VENUE[2:]),
    ("venue", "set", *VENUE[:-1], "east"),
    ("broadcast",),
    ("broadcast", *TEXTS[:2]),
    ("broadcast", *TEXTS, "--at", "tomorrow"),
    ("broadcast", *TEXTS, "--at", "2019-10-20T10:00:00"),
    ("deliveries", "--format", "csv"),
    ("calls", "--format", "csv"),
    ("confirm",),
    ("confirm", PENDING, "--all-pending"),
    ("decline",),
]


@pytest.mark.parametrize("words", WRONG_USAGE, ids=" ".join)
def test_wrong_usage_ends_with_2_and_prints_nothing_for_a_script_to_read(here: Here, words: tuple[str, ...]) -> None:
    ended = here(*words)
    assert (ended.code, ended.out) == (2, "")
    assert "Usage: usher" in ended.err


def test_a_venue_that_cannot_be_is_a_fault_that_names_all_of_it(
    here: Here, settings: dict[str, str], database: Database
) -> None:
    ended = here("venue", "set", "--name-zh", " ", *VENUE[2:-3], "91", "--lon", "nan", **settings)
    fault = one_line(ended)
    for part in ("name zh: missing", "latitude: 91.0, expected a number from -90 to 90", "longitude: nan"):
        assert part in fault
    assert rows(database, Event) == []


COMMANDS = [
    *(("plan",), ("venue", "set", *VENUE), ("broadcast", *TEXTS), ("broadcast", *TEXTS, "--dry-run")),
    *(("deliveries",), ("calls",), ("confirm", PENDING), ("confirm", "--all-pending"), ("decline", PENDING)),
]


@pytest.mark.parametrize("words", COMMANDS, ids=[f"{words[0]} {words[-1]}" for words in COMMANDS])
def test_whatever_is_wrong_around_it_is_one_line(here: Here, words: tuple[str, ...]) -> None:
    away = one_line(here(*words, DATABASE_URL="postgresql://usher:hidden@127.0.0.1:1/usher"))
    assert "the database did not answer" in away
    assert "hidden" not in away
    if words[0] not in ("venue", "calls"):
        assert "/no/such: no such folder" in one_line(here(*words, DATABASE_URL="", CONTENT="/no/such"))
    assert "USHER_TELEGRM_TOKEN: no such setting" in one_line(here(*words, DATABASE_URL="", TELEGRM_TOKEN="1:a"))
