"""What the commands do with the database: export, count, list, erase and copy."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bot.clock import Clock
from bot.content.records import Content
from bot.message import Kind
from bot.registration.export import FIELDS
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.outbox import DeliveryStatus
from tests.chat import FORM, Town
from tests.command import Here, new_database, outside, writing
from tests.conftest import NOW, ROOT, sqlite_url

NO_DELIVERIES = {status.value: 0 for status in DeliveryStatus}
CELL = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

# registrations, status, questions, forget


@pytest.fixture
async def town(database: Database, content: Content, clock: Clock) -> Town:
    """A factory's manager with a colleague, a brand's officer with a dangerous name, and a question."""
    town = Town(database, content, clock)
    wang, ann = town.chat("u1"), town.chat("u2")
    await wang.does(Kind.START, source="supplier-mail")
    await wang.registers()
    await wang.says("替同事报名", "1", "1", "李雷", "跳过", "13900139000", "lilei@example.com", "确认")
    await ann.registers("1", "2", "2", "+Brands, Ltd\t", "=1+1", "@SUM(A1)", "+85261234567", "ann@example.com")
    await ann.says("车票能报销吗我想知道一下具体的流程和金额上限")
    return town


@pytest.fixture
def settings(town: Town, database_url: str) -> dict[str, str]:
    """Settings under which a command finds that town."""
    return {"DATABASE_URL": database_url}


def exported(out: str) -> list[dict[str, str | None]]:
    """The lines of an export."""
    return [json.loads(line) for line in out.splitlines()]


def test_registrations_are_exported_in_the_order_they_were_made(here: Here, settings: dict[str, str]) -> None:
    wang, colleague, ann = exported(here("registrations", **settings).out)
    assert list(wang) == list(FIELDS)
    assert wang == {
        **dict.fromkeys(("registered_by", "decided_at", "checked_in_at")),
        "reference": wang["reference"],
        "status": "pending",
        "category": "factory",
        "programme": "in_programme",
        "organization": "东莞市欢乐玩具厂",
        "name": "王芳",
        "title": "人事经理",
        "phone": "+8613800138000",
        "email": "wangfang@example.com",
        "language": "zh",
        "channel": "memory",
        "user_id": "u1",
        "source": "supplier-mail",
        "consent_version": "1",
        "created_at": wang["created_at"],
    }
    assert re.fullmatch(r"FFS-[0-9A-HJKMNP-TV-Z]{6}", str(wang["reference"]))
    assert str(wang["created_at"]).startswith("2019-10-08T09:0")
    assert str(wang["created_at"]).endswith("+08:00")
    assert (colleague["registered_by"], colleague["name"], colleague["title"]) == (wang["reference"], "李雷", None)
    assert (ann["category"], ann["programme"], ann["phone"]) == ("brand", "new", "+85261234567")


FILTERS = {
    "category=factory": 2,
    "category=factory,brand": 3,
    "category=brand status=pending": 1,
    "status=confirmed": 0,
    "status=pending,cancelled language=zh": 3,
    "language=zh programme=new": 1,
    "channel=wechat": 0,
    "organization='OR'1'='1": 0,
}


def test_a_filter_says_who_is_exported(here: Here, settings: dict[str, str]) -> None:
    counted = {text: len(exported(here("registrations", "--where", text, **settings).out)) for text in FILTERS}
    assert counted == FILTERS


def test_a_spreadsheet_runs_nothing_of_what_people_typed(here: Here, settings: dict[str, str], tmp_path: Path) -> None:
    done = here("registrations", "--format", "csv", "-o", "people.csv", **settings)
    assert (done.code, done.out) == (0, "")
    text = (tmp_path / "people.csv").read_text(encoding="utf-8-sig")
    *_, ann = csv.DictReader(io.StringIO(text))
    assert tuple(ann) == FIELDS
    assert (ann["name"], ann["title"], ann["phone"]) == ("'=1+1", "'@SUM(A1)", "+85261234567")
    assert ann["organization"] == "'+Brands, Ltd"


def test_an_excel_file_holds_text_only(here: Here, settings: dict[str, str], tmp_path: Path) -> None:
    assert here("registrations", "--format", "xlsx", "-o", "people.xlsx", **settings).code == 0
    header, wang, colleague, ann = sheet(tmp_path / "people.xlsx")
    assert tuple(header) == FIELDS
    assert (wang[5], wang[7]) == ("王芳", "+8613800138000")
    assert colleague[12] == wang[0]
    assert (ann[4], ann[5], ann[6], ann[7]) == ("+Brands, Ltd", "=1+1", "@SUM(A1)", "+85261234567")


def sheet(file: Path) -> list[list[str]]:
    """The rows of an Excel file, each cell of which has to be text and no formula."""
    with zipfile.ZipFile(file) as book:
        page = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314  # our own file
    assert page.findall(f".//{CELL}f") == []
    rows = page.findall(f".//{CELL}row")
    assert {cell.get("t") for row in rows for cell in row} <= {"inlineStr"}
    return [["".join(part.text or "" for part in cell.iter(f"{CELL}t")) for cell in row] for row in rows]


def test_a_wrong_filter_leaves_the_last_export_as_it_was(here: Here, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("precious")
    assert here("registrations", "--format", "csv", "--where", "colour=red", "-o", "people.csv").code == 1
    assert (tmp_path / "people.csv").read_text() == "precious"


def test_an_export_into_a_pipe_that_closes_early_says_nothing(tmp_path: Path) -> None:
    new_database(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "registrations", "--format", "csv"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=outside(),
    )  # fmt: skip
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (1, b"")


def test_status_counts_registrations_and_questions(here: Here, settings: dict[str, str]) -> None:
    facts = json.loads(here("status", "--json", **settings).out)
    counts = dict.fromkeys(("pending", "confirmed", "waitlisted", "declined", "cancelled"), 0) | {"pending": 3}
    assert facts == {
        **{"registrations": counts, "deliveries": NO_DELIVERIES, "broadcasts": [], "lanes": []},
        **{"questions": 1, "content": None},
    }
    assert "registrations: pending 3, confirmed 0" in here("status", **settings).out


def test_questions_that_wait_for_a_person_are_listed(here: Here, settings: dict[str, str]) -> None:
    (row,) = json.loads(here("questions", "--json", **settings).out)
    assert row["examples"][0].startswith("车票能报销吗")
    assert "车票能报销吗" in here("questions", **settings).out


def test_who_is_forgotten_is_gone_and_a_receipt_is_printed(here: Here, settings: dict[str, str]) -> None:
    wang, colleague, ann = (str(row["reference"]) for row in exported(here("registrations", **settings).out))
    ended = here("forget", ann.lower().removeprefix("ffs-"), **settings)
    assert ended.code == 0
    assert re.search(r"^erased: 1 registrations, ", ended.out)
    assert re.search(r"^receipt E-[0-9A-F]{8}, \d{4}-\d\d-\d\dT", ended.out, re.MULTILINE)
    assert [row["reference"] for row in exported(here("registrations", **settings).out)] == [wang, colleague]
    assert here("forget", ann, **settings).code == 1
    assert here("forget", wang, **settings).code == 0
    (left,) = exported(here("registrations", **settings).out)
    assert (left["reference"], left["user_id"]) == (colleague, None)


async def test_what_was_forgotten_is_not_in_the_file_any_more(here: Here, tmp_path: Path, content: Content) -> None:
    with contextlib.closing(Database(sqlite_url(tmp_path))) as database:
        migrate(database)
        await Town(database, content, Clock(NOW)).chat().registers()
    assert lying_about(tmp_path) == set(PERSONAL)
    (row,) = exported(here("registrations").out)
    assert here("forget", str(row["reference"])).code == 0
    assert lying_about(tmp_path) == set()


PERSONAL = (*FORM[3:6], FORM[7])


def lying_about(folder: Path) -> set[str]:
    """What a look into the database's files, log and all, shows of a person: as UTF-8, or escaped in JSON."""
    found = b"".join(path.read_bytes() for path in folder.glob("usher.db*"))
    return {text for text in PERSONAL if text.encode() in found or text.encode("unicode_escape") in found}


# backup


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_backup_is_whole_while_somebody_writes(here: Here, town: Town, tmp_path: Path) -> None:
    with writing(tmp_path / "usher.db") as writer:
        writer.execute("UPDATE registration SET name = 'half done'")
        ended = here("backup", "copy.db")
    assert (ended.code, ended.out) == (0, "copied to copy.db\n")
    with contextlib.closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        names = [name for (name,) in copy.execute("SELECT name FROM registration ORDER BY id")]
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert names == ["王芳", "李雷", "=1+1"]
    restored = exported(here("registrations", DATABASE_URL="sqlite:///copy.db").out)
    assert [row["name"] for row in restored] == names


def test_a_backup_never_replaces_a_file(here: Here, tmp_path: Path) -> None:
    new_database(tmp_path)
    (tmp_path / "copy.db").write_text("precious")
    ended = here("backup", "copy.db")
    assert ended.code == 1
    assert "copy.db exists already" in ended.err
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_backup_that_fails_leaves_nothing_behind(here: Here, tmp_path: Path) -> None:
    (tmp_path / "usher.db").write_bytes(b"this is no database " * 500)
    assert here("backup", "copy.db").code == 1
    assert not (tmp_path / "copy.db").exists()


# While a content file is broken


BREAKS = {"faq/cost.md": "## fr", "texts.toml": "[", "form.toml": "x = ", "event.toml": "date = soon"}


@pytest.mark.parametrize("name", BREAKS)
def test_what_acts_on_the_database_works_while_a_content_file_is_broken(
    here: Here, settings: dict[str, str], tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "content"
    shutil.copytree(ROOT / "content", folder)
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(f"\n{BREAKS[name]}\n")
    settings["CONTENT"] = str(folder)
    wang, _, ann = exported(here("registrations", **settings).out)
    assert here("registrations", "--format", "csv", **settings).out.count("FFS-") == 4
    assert "3 pending" in here("status", **settings).out or "pending 3" in here("status", **settings).out
    assert here("deliveries", **settings).code == 0
    assert here("calls", **settings).code == 0
    assert here("questions", **settings).code == 0
    done = here("confirm", str(wang["reference"]), **settings)
    assert done.code == (name == "event.toml")
    assert ("event.toml" in done.err) == (name == "event.toml")
    assert len(done.err.splitlines()) == done.code
    done = here("plan", **settings)
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert name in done.err
    assert here("forget", str(ann["reference"]).lower(), **settings).code == 0
    assert len(exported(here("registrations", **settings).out)) == 2


@pytest.mark.parametrize(
    ("name", "told"), [("lunch.txt", True), ("LUNCH.MD", True), ("lunch.md~", False), (".x", False)]
)
def test_what_lies_among_the_entries_and_is_never_read_is_told(
    here: Here, tmp_path: Path, name: str, told: bool
) -> None:
    shutil.copytree(ROOT / "content", tmp_path / "content")
    (tmp_path / "content" / "faq" / name).write_text("an answer", encoding="utf-8")
    done = here("check")
    assert done.code == told
    assert (f"faq/{name}: is not read; expected only files whose names end with .md" in done.out) is told


# Files


def test_nobody_else_on_the_machine_may_read_what_is_made(here: Here, tmp_path: Path) -> None:
    new_database(tmp_path)
    assert here("backup", "copy.db").code == 0
    assert here("registrations", "--format", "csv", "-o", "people.csv").code == 0
    assert here("calls", "-o", "calls.csv").code == 0
    for name in ("usher.db", "copy.db", "people.csv", "calls.csv"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600, name


@pytest.mark.parametrize(
    "words", [("registrations",), ("status",), ("plan",), ("confirm", "--all-pending"), ("calls",)]
)
def test_no_command_makes_an_empty_database_where_there_is_none(
    here: Here, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = here(*words)
    assert done.code == 1
    assert done.err.startswith("usher: usher.db does not exist; expected the database that serve uses")
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_does_not_answer_is_named_by_its_setting(here: Here) -> None:
    done = here("status", DATABASE_URL="postgresql://a:hidden@127.0.0.1:1/a")
    assert done.err.startswith("usher: USHER_DATABASE_URL: the database did not answer: ")


def test_asked_for_a_word_that_the_bot_knows_it_says_what_the_bot_does(here: Here) -> None:
    done = here("ask", "报名")
    assert (
        done.out
        == "报名: a word that the bot knows. Begins, goes on where it stopped, or shows what is registered already.\n"
    )
