"""The commands that decide, tell people, and show what became of it: what they print, and what stands afterwards."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select, update

from bot.store.database import Database
from bot.store.outbox import Delivery, State
from bot.store.tables import Event, Registration
from tests.command import Ended, Here
from tests.conftest import NOW
from tests.delivery.crowd import APP, BOT, announcements, deliveries, registered, settle, telegram, wechat
from tests.emptied import database, kept_open
from tests.stored import rows

__all__ = ["database", "kept_open"]
TEXTS = ("--zh", "{name}您好，请走东门。", "--en", "Hello {name}, the east gate please.")
VENUE = (
    *("--name-zh", "示例大厦", "--name-en", "Example Tower"),
    *(
        "--address-zh",
        "深圳市示例路1号",
        "--address-en",
        "1 Example Road, Shenzhen",
        "--lat",
        "22.5431",
        "--lon",
        "114.0579",
    ),
)
ACCOUNTS = {
    "WECHAT_APP_ID": APP,
    "WECHAT_APP_SECRET": "a secret of the tests",
    "WECHAT_TOKEN": "token",
    "WECHAT_AES_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "TELEGRAM_TOKEN": f"{BOT}:AAtest",
    "SMTP_URL": "smtp://127.0.0.1:1",
    "MAIL_FROM": "usher@example.org",
    "NOW": NOW.isoformat(),
}
OPEN, ENGLISH, MAILED, SILENT, BLOCKED, PENDING, SECOND = (f"FFS-{number:06}" for number in range(1, 8))
NO_WINDOW = {"message_until": None, "message_left": 0}
FIELDS = ["announcement", "kind", "reference", "way", "route", "status", "attempts", "error", "due_at", "sent_at"]
CLOSED = "WeChat window closed, no template; no e-mail address"
GONE = "unfollowed, or blocked the bot; no e-mail address"


@pytest.fixture
def settings(database: Database) -> dict[str, str]:
    """Settings under which a command finds seven people, five of them confirmed, each to be reached in another way."""
    chats = [
        *(wechat(1, NOW), telegram(2, NOW, language="en"), wechat(3, NOW, **NO_WINDOW), wechat(4, NOW, **NO_WINDOW)),
        *(telegram(5, NOW, blocked_at=NOW), telegram(6, NOW), telegram(7, NOW)),
    ]
    undecided = {"status": "pending", "decided_at": None}
    people = [
        registered(1, NOW, email="p1@example.com"),
        registered(2, NOW, name="=Ann", language="en"),
        registered(3, NOW, email="p3@example.com"),
        registered(4, NOW, name="=1+1"),
        registered(5, NOW),
        registered(6, NOW, **undecided, email="p6@example.com"),
        registered(7, NOW, **undecided),
    ]
    settle(database, chats, people)
    return {"DATABASE_URL": database.url.render_as_string(hide_password=False), **ACCOUNTS}


def listed(ended: Ended) -> list[dict[str, Any]]:
    """The lines of a command that prints JSON."""
    assert (ended.code, ended.err) == (0, "")
    return [json.loads(line) for line in ended.out.splitlines()]


def announced(ended: Ended) -> str:
    """The id that a broadcast prints, and nothing else."""
    assert (ended.code, ended.err) == (0, "")
    found = re.fullmatch(r"(B-[0-9A-F]{8})\n", ended.out)
    assert found, ended.out
    return found[1]


def one_line(ended: Ended) -> str:
    """What is said of a fault."""
    assert (ended.code, ended.out) == (1, "")
    found = re.fullmatch(r"usher: (.+)\n", ended.err)
    assert found, ended.err
    return found[1]


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


# broadcast


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
        f"the same texts went to the same audience less than 10 minutes ago as {before}; "
        "expected --again if that is meant"
    )
    later, earlier = NOW + timedelta(minutes=9, seconds=59), NOW - timedelta(minutes=9)
    for moment in (later, earlier):
        assert here("broadcast", *TEXTS, *turned, **settings | {"NOW": moment.isoformat()}).code == 1
    again = announced(here("broadcast", *TEXTS, *turned, "--again", **settings))
    assert again != before
    announced(here("broadcast", *TEXTS, "--where", "status=confirmed", **settings))  # to others
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
    assert listed(here("deliveries", "--announcement", name, **settings)) == []


def test_a_time_that_is_over_means_now(here: Here, settings: dict[str, str], database: Database) -> None:
    name = announced(here("broadcast", *TEXTS, "--at", "2019-09-01T10:00:00+08:00", **settings))
    assert len(deliveries(database, name)) == 7
    assert announcements(database)[name].due_at >= NOW


WRONG_TEXTS = {
    "unknown": (("--zh", "{nmae}您好", "--en", "Hello"), "broadcast: zh: {nmae} is not known, expected one of "),
    "stray": (("--zh", "您好", "--en", "Hello {name"), "broadcast: en: { belongs to no placeholder"),
    "empty": (("--zh", " ", "--en", ""), "broadcast: expected --zh TEXT and --en TEXT"),
    "half": (("--zh", "您好", "--en", " "), "broadcast: en: is missing or empty, expected the text"),
    "long": (("--zh", "长" * 700, "--en", "Hello"), "bytes on WeChat"),
    "filter": ((*TEXTS, "--where", "colour=red"), "filter: 'colour=red' is not known; expected FIELD=VALUE"),
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


# deliveries and calls


def test_deliveries_of_an_announcement_that_there_is_not_are_a_fault(here: Here, settings: dict[str, str]) -> None:
    assert listed(here("deliveries", **settings)) == []
    assert one_line(here("deliveries", "--announcement", "B-0", **settings)) == "B-0: no such announcement"


def called(ended: Ended) -> list[dict[str, str]]:
    """The rows of a call list."""
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("\ufeffname,phone,reason,reference,announcement\r\n")
    return list(csv.DictReader(io.StringIO(ended.out.removeprefix("\ufeff"))))


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
