"""The export: every field of the contract, nothing that runs in a spreadsheet, no user id of who unfollowed."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import true

from bot.content.form import RESERVED
from bot.message import Kind
from bot.registration.export import FIELDS, as_csv, as_jsonl, as_xlsx, by_status, own_columns, rows
from bot.registration.register import COLUMNS
from bot.store.tables import Registration
from tests.chat import FORM, Town
from tests.edits import edited

ZONE = ZoneInfo("Asia/Shanghai")


def exported(town: Town) -> list[dict[str, object]]:
    return town.database.read_now(lambda session: list(rows(session, true(), ZONE)))


async def test_the_fields_are_those_of_the_contract_in_their_order(town: Town) -> None:
    await town.chat("u1").registers()
    (record,) = exported(town)
    assert tuple(record) == FIELDS
    assert FIELDS == (
        "reference", "status", "category", "programme", "organization", "name", "title", "phone", "email", "language",
        "channel", "user_id", "registered_by", "source", "consent_version", "created_at", "decided_at", "checked_in_at",
    )  # fmt: skip
    assert str(record["created_at"]).startswith("2019-10-08T09:0")
    assert str(record["created_at"]).endswith("+08:00")
    assert (record["phone"], record["user_id"], record["registered_by"]) == ("+8613800138000", "u1", None)


async def test_each_line_of_json_is_one_registration(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名", "同意", "1", "李四", "跳过", "13900139000", "lisi@example.com", "确认")
    lines = [json.loads(line) for line in as_jsonl(iter(exported(town)))]
    assert [line["name"] for line in lines] == ["王芳", "李四"]
    assert lines[1]["registered_by"] == lines[0]["reference"]


OWN = """
[[question]]
id = "{id}"
kind = "text"
optional = true
label = {{ zh = "{id}", en = "{id}" }}
prompt = {{ zh = "{id}？", en = "{id}?" }}
"""


async def test_the_organizers_own_questions_are_columns_behind_the_contracts(town: Town, tmp_path: Path) -> None:
    own = "".join(OWN.format(id=name) for name in ("dish", "arrival"))
    town.use(edited(tmp_path, "form.toml", ('\n[[question]]\nid = "email"', f'{own}\n[[question]]\nid = "email"')))
    await town.chat().registers(*FORM[:7], "=1+1", "10点", FORM[7])
    await town.chat("u2").registers(*FORM[:7], "跳过", "跳过", FORM[7])
    asked = [question.id for question in town.content.form.questions]
    columns = town.database.read_now(lambda session: own_columns(session, true(), asked))
    assert columns == ("dish", "arrival")
    assert town.database.read_now(lambda session: own_columns(session, true(), [])) == ("arrival", "dish")
    records = exported(town)
    first, second = csv.DictReader(io.StringIO(b"".join(as_csv(iter(records), columns)).decode("utf-8-sig")))
    assert tuple(first) == (*FIELDS, "dish", "arrival")
    assert (first["dish"], first["arrival"], second["dish"]) == ("'=1+1", "10点", "")
    book = zipfile.ZipFile(io.BytesIO(b"".join(as_xlsx(iter(records), columns))))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<t>dish</t>" in sheet
    assert "<t>=1+1</t>" in sheet
    assert "<f>" not in sheet


async def test_who_unfollowed_has_no_user_id_in_the_export(town: Town) -> None:
    chat = town.chat("u-of-wang")
    await chat.registers()
    await chat.does(Kind.LEAVE)
    assert exported(town)[0]["user_id"] is None


async def test_nothing_that_people_typed_runs_in_a_spreadsheet(town: Town) -> None:
    evil = '=HYPERLINK("http://127.0.0.1","x")'
    await town.chat().registers(*FORM[:3], evil, "@SUM(A1)", "-2+3", *FORM[6:])
    records = exported(town)
    body = b"".join(as_csv(iter(records)))
    assert body.startswith("\ufeffreference,status,".encode())
    (row,) = csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
    assert (row["organization"], row["name"], row["title"]) == (f"'{evil}", "'@SUM(A1)", "'-2+3")
    assert row["phone"] == "+8613800138000"
    book = zipfile.ZipFile(io.BytesIO(b"".join(as_xlsx(iter(records)))))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert (
        "@SUM(A1)" in sheet + book.read("xl/sharedStrings.xml").decode()
        if "xl/sharedStrings.xml" in book.namelist()
        else sheet
    )


async def test_every_status_is_counted_also_those_with_nobody(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("取消报名", "确定取消")
    await town.chat("u2").registers()
    counts = town.database.read_now(by_status)
    assert counts == {"pending": 1, "confirmed": 0, "waitlisted": 0, "declined": 0, "cancelled": 1}


def test_no_question_can_take_the_name_of_another_column() -> None:
    columns = {*FIELDS, *Registration.__table__.columns.keys()}
    assert columns - set(COLUMNS) == RESERVED
