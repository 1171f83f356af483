"""The `usher` commands as people and scripts run them: what they print, where, and how they end."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.content.facts import fill
from bot.content.records import Content
from tests.command import Here, new_database, outside, usher
from tests.conftest import ROOT

# Ways to end


def test_what_went_well_ends_with_0_a_fault_with_1_and_one_line_wrong_usage_with_2(tmp_path: Path) -> None:
    """The command itself, as somebody types it."""
    new_database(tmp_path)
    typed = (("ask", "几点开始", "--lang", "en"), ("forget", "FFS-7K2M9Q"), ("forget",))
    with ThreadPoolExecutor() as at_once:
        good, fault, usage = at_once.map(lambda words: usher(tmp_path, *words), typed)
    assert (good.code, good.err) == (0, "")
    assert good.out.startswith("Tuesday 22 October 2019, 9:30 to 16:00")
    assert (fault.code, fault.out) == (1, "")
    assert fault.err == "usher: FFS-7K2M9Q: no such registration; expected a reference such as FFS-7K2M9Q\n"
    assert (usage.code, usage.out) == (2, "")
    assert "Missing argument 'REFERENCE'" in usage.err


WRONG_USAGE = [
    (),
    ("registr",),
    ("ask",),
    ("ask", "几点", "--jsonl"),
    ("ask", "几点", "--lang", "de"),
    ("demo", "--port", "0"),
    ("demo", "--port", "eighty"),
    ("registrations", "--format", "pdf"),
    ("status", "--yaml"),
    ("backup",),
    ("serve", "now"),
]


@pytest.mark.parametrize("words", WRONG_USAGE, ids=" ".join)
def test_wrong_usage_ends_with_2_and_prints_nothing_for_a_script_to_read(here: Here, words: tuple[str, ...]) -> None:
    ended = here(*words)
    assert (ended.code, ended.out) == (2, "")
    assert "Usage: usher" in ended.err


def test_help_names_every_command(here: Here) -> None:
    ended = here("--help")
    assert ended.code == 0
    for name in ("serve", "demo", "check", "ask", "registrations", "forget", "status", "backup", "questions"):
        assert re.search(rf"^  {name} +\S", ended.out, re.MULTILINE)


def _no_database(folder: Path) -> dict[str, str]:
    (folder / "usher.db").write_bytes(b"this is no database " * 500)
    return {}


def _empty_database(folder: Path) -> dict[str, str]:
    new_database(folder)
    return {}


def _newer_database(folder: Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(folder / "usher.db")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()
    return {}


def _folder_in_place_of_a_file(folder: Path) -> dict[str, str]:
    (folder / "usher.db").mkdir()
    return {}


FAULTS: dict[str, tuple[tuple[str, ...], dict[str, str] | Callable[[Path], dict[str, str]], str]] = {
    "no content": (("registrations",), {"CONTENT": "/no/such/folder"}, "/no/such/folder: no such folder; expected"),
    "no content to check": (("check", "--content", "nowhere"), {}, "1 fault(s)"),
    "no content to ask": (("ask", "几点"), {"CONTENT": "/no/such/folder"}, "/no/such/folder: no such folder"),
    "no folder": (("status",), {"DATABASE_URL": "sqlite:////no/such/usher.db"}, "/no/such: no such folder; expected"),
    "no database": (("status",), _no_database, "file is not a database"),
    "a newer database": (("status",), _newer_database, "tables of another version"),
    "a folder": (("questions",), _folder_in_place_of_a_file, "unable to open database file"),
    "no server": (("status",), {"DATABASE_URL": "postgresql://a:hidden@127.0.0.1:1/a"}, "Connection refused"),
    "no number": (("status",), {"DATABASE_URL": "postgresql://a:hidden@db:port/a"}, "USHER_DATABASE_URL: expected"),
    "unknown setting": (("status",), {"TELEGRM_TOKEN": "1:a"}, "USHER_TELEGRM_TOKEN: no such setting"),
    "wrong settings": (("status",), {"PORT": "x", "LOG": "y"}, "USHER_PORT: expected a whole number; USHER_LOG:"),
    "half a channel": (("serve",), {"WECHAT_APP_ID": "wx1"}, "USHER_WECHAT_TOKEN: missing"),
    "no secret": (("serve",), {}, "USHER_SECRET: missing, expected a long random text"),
    "no such host": (
        ("serve",),
        {"SECRET": "s" * 16, "HOST": "a..b"},
        "USHER_HOST, USHER_PORT: a..b:8000 cannot be used",
    ),
    "unknown filter": (("registrations", "--where", "colour=red"), {}, "'colour=red' is not known; expected FIELD="),
    "no status": (("registrations", "--where", "status=maybe"), {}, "'maybe' is no status; expected one of pending"),
    "no such place": (("registrations", "-o", "/no/such/file"), _empty_database, "/no/such/file: cannot be written"),
    "nobody": (("forget", "ffs-000000"), _empty_database, "ffs-000000: no such registration; expected a reference"),
    "nothing to copy": (("backup", "copy.db"), {}, "usher.db does not exist; expected the database that serve uses"),
    "no sqlite": (("backup", "copy.db"), {"DATABASE_URL": "postgresql://a:hidden@db/a"}, "run pg_dump"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_and_ends_with_1(here: Here, apart: Here, tmp_path: Path, name: str) -> None:
    words, given, expected = FAULTS[name]
    given = given(tmp_path) if callable(given) else given
    ended = (apart if words == ("serve",) else here)(*words, **given)  # serve starts the log
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("usher: ")
    assert expected in ended.err
    assert "Traceback" not in ended.err
    assert "hidden" not in ended.err  # a password


def test_a_fault_of_our_own_is_one_line_that_says_where(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("王芳")

    monkeypatch.setattr("bot.commands.state.status", broken)
    ended = here("status")
    assert (ended.code, ended.out) == (1, "")
    assert re.fullmatch(r"usher: a fault of Usher itself, please report it: KeyError at test_cli\.py:\d+\n", ended.err)


def test_settings_come_from_the_file_in_this_folder_and_a_wrong_one_is_named(apart: Here, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("USHER_DATABASE_URL=sqlite:///mine.db\nUSHER_PROT=1\n")
    assert apart("status").err == "usher: USHER_PROT: no such setting\n"
    (tmp_path / ".env").write_text("USHER_DATABASE_URL=sqlite:///mine.db\n")
    assert apart("status").err.startswith("usher: mine.db does not exist")
    new_database(tmp_path, "mine.db")
    assert apart("status").code == 0


# check


def test_the_shipped_content_is_sound(here: Here) -> None:
    ended = here("check")
    assert (ended.code, ended.out, ended.err) == (0, "the content is sound\n", "")


def test_every_fault_of_the_content_is_a_line_with_its_place(apart: Here, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "content", tmp_path / "mine")
    _edit(tmp_path / "mine/event.toml", 'starts = "9:30"', 'starts = "half past nine"')
    _edit(tmp_path / "mine/agenda.toml", "\n[[item]]", "\n[[item]", 1)
    _edit(tmp_path / "mine/faq/where.md", "{event.city}", "{event.town}")
    (tmp_path / "mine/reminders.toml").unlink()
    ended = apart("check", "--content", "mine")
    places = [line.partition(": ")[0] for line in ended.out.splitlines()]
    assert ended.code == 1
    assert ended.err == f"usher: {len(places)} fault(s) in the content\n"
    assert "event.toml:starts" in places
    assert "reminders.toml" in places
    assert any(re.fullmatch(r"agenda\.toml:\d+", place) for place in places)
    assert {"faq/where.md:## zh", "faq/where.md:## en"} & set(places)
    assert all("expected" in line for line in ended.out.splitlines())


def test_a_question_too_long_for_wechat_is_a_fault(here: Here, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "content", tmp_path / "mine")
    _edit(tmp_path / "mine/form.toml", 'prompt.zh = "您代表："', f'prompt.zh = "{"您代表" * 400}"')
    ended = here("check", "--content", "mine")
    assert ended.code == 1
    assert ended.out.startswith("form.toml:question.category.prompt.zh: ")


def test_check_reports_how_well_each_entry_is_found(here: Here) -> None:
    ended = here("check", "--answers")
    rows = re.findall(r"^(\w+): (\d+) of (\d+) answered, (\d+) suggested", ended.out, re.MULTILINE)
    assert ended.code == 0
    assert {row[0] for row in rows} == {path.stem for path in (ROOT / "content/faq").glob("[!_]*.md")}
    assert all(int(answered) + int(suggested) <= int(asked) for _, answered, asked, suggested in rows)


def _edit(file: Path, old: str, new: str, count: int = -1) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, count), encoding="utf-8")


# ask


def test_ask_answers_as_a_person_would_read_it(here: Here, content: Content) -> None:
    assert here("ask", "几点开始？").out.startswith("2019年10月22日（周二）9:30–16:00")
    assert "free" in here("ask", "what does it cost", "--lang", "en").out.lower()
    not_ours = fill(content.texts["unknown.not_ours"].zh, content.known["zh"])
    assert here("ask", "广交会几号开始").out == f"{not_ours}\n"


def test_asking_needs_no_database_and_makes_none(here: Here, tmp_path: Path) -> None:
    assert "深圳" in here("ask", "会场在哪里").out
    assert [path.name for path in tmp_path.iterdir()] == ["usher.db-cache"]  # what the matcher learnt
    (tmp_path / "usher.db").touch()  # one in which nothing was ever stored
    assert "深圳" in here("ask", "会场在哪里").out


def test_each_line_of_questions_has_its_line_of_answers_in_order(apart: Here) -> None:
    asked = [
        {"text": "几点开始？"},
        {"text": "When does it start?"},
        {"text": "几点开始？", "lang": "en"},
        {"text": "广交会几号开始", "lang": None},
        {"text": ""},
        {"text": "\ud83d half a smile"},
    ]
    lines = "\n\n".join(json.dumps(row) for row in asked)
    ended = apart("ask", "--jsonl", stdin=lines.encode())
    answers = [json.loads(line) for line in ended.out.splitlines()]
    assert (ended.code, ended.err) == (0, "")
    assert [row["text"] for row in answers] == [row["text"] for row in asked]
    assert [row["lang"] for row in answers] == ["zh", "en", "en", "zh", "zh", "en"]
    assert [row["entry"] for row in answers[:4]] == ["when", "when", "when", None]
    for row in answers:
        assert list(row) == ["text", "lang", "outcome", "entry", "suggestions", "score", "ms"]
        assert row["outcome"] in ("answer", "suggest", "unknown")
        assert (row["entry"] is not None) == (row["outcome"] == "answer")
        assert bool(row["suggestions"]) == (row["outcome"] == "suggest")
        assert 0 <= row["score"] <= 1
        assert row["ms"] >= 0


@pytest.mark.parametrize("words", [("confirm",), ("forget",), ("deliveries", "--announcement")])
def test_bytes_that_are_no_text_are_one_clear_line(here: Here, tmp_path: Path, words: tuple[str, ...]) -> None:
    new_database(tmp_path)
    ended = here(*words, b"\xff".decode("utf-8", "surrogateescape"))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "usher: the command line holds bytes that are no UTF-8, expected text in UTF-8\n"


MALFORMED = [
    b"when",
    b'["when"]',
    b'"when"',
    b"null",
    b'{"lang": "zh"}',
    b'{"text": 3}',
    b'{"text": "x", "lang": "de"}',
    b'{"text": "\xff"}',
]


def test_a_line_that_is_no_question_is_named_after_the_answers_before_it(apart: Here) -> None:
    ended = apart("ask", "--jsonl", stdin=b'{"text": "a"}\n\n{"text": "b"}\nno\n{"text": "c"}\n')
    assert ended.code == 1
    assert [json.loads(line)["text"] for line in ended.out.splitlines()] == ["a", "b"]
    assert re.fullmatch(r"usher: line 4: expected .*\n", ended.err)


@pytest.mark.parametrize("line", MALFORMED)
def test_what_is_no_question_is_a_fault(here: Here, monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line)))
    ended = here("ask", "--jsonl")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("usher: line 1: expected ")


def test_an_answer_comes_before_the_next_question_is_asked(tmp_path: Path) -> None:
    """Somebody who asks one question after the other over a pipe is not kept waiting."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "ask", "--jsonl"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path, env=outside(),
    )  # fmt: skip
    with process:
        assert process.stdin
        assert process.stdout
        for text in ("when", "where"):
            process.stdin.write(json.dumps({"text": text}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == text
    assert process.returncode == 0
