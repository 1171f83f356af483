"""What is logged holds ids of our own and nothing of people."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import text

import handlers
from bot.message import Kind
from tests.chat import FORM, Town

PERSONAL = ("u-of-wang", FORM[3], FORM[4], FORM[5], FORM[6], "138 0013 8000", FORM[7], "能带狗吗", "请给我回电话")


async def test_no_record_of_a_whole_talk_holds_name_phone_address_id_or_text(
    town: Town, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    chat = town.chat("u-of-wang")
    await chat.does(Kind.START, source="mail")
    await chat.says(
        "能带狗吗", "人工", "请给我回电话", "报名", "1380013800", *FORM, "修改", "姓名", "王芳", "确认", "我的数据"
    )
    await chat.repeats(chat.sent[-1])
    await chat.does(Kind.PHONE, phone="+8613800138000")
    monkeypatch.setitem(handlers.router.words, "王芳", lambda turn: turn.no_such_thing)
    await chat.says("王芳")
    monkeypatch.setitem(handlers.router.words, "王芳", _breaks_a_rule)
    await chat.says("王芳")
    await chat.says("删除我的信息", "确定删除")
    await chat.does(Kind.LEAVE)
    faults = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.fault for record in faults] == ["AttributeError", "IntegrityError"]
    written = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert [piece for piece in PERSONAL if piece in written] == []


def _breaks_a_rule(turn: object) -> None:
    """The database refuses this, and quotes what it refuses."""
    turn.connection.execute(text("INSERT INTO conversation (contact_id, state) VALUES (-1, '王芳')"))
