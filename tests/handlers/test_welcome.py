"""The first thing that is seen: after a follow, a scanned code, /start or a greeting."""

from __future__ import annotations

import pytest

from bot.content.records import Content
from bot.message import Kind
from tests.chat import FORM, Town
from tests.edits import sentence
from tests.stored import contact, registered


async def test_a_follow_is_welcomed(town: Town) -> None:
    chat = town.chat()
    assert (await chat.does(Kind.START, source="supplier-mail")).split("\n") == [
        "您好！这里是「家庭友好空间分享会」报名助手。",
        "2019年10月22日（周二）9:30–16:00 · 深圳 · 免费",
        "有问题直接打字问我就行。",
        "English? Send EN.",
        "[1 我要报名]",
        "[2 看议程]",
        "[3 会场在哪]",
    ]
    assert (await chat.says("1")).startswith("好的，一共8步。")


async def test_a_start_in_english_has_one_line_in_chinese(town: Town) -> None:
    said = await town.chat(language="en").does(Kind.START)
    assert said.split("\n") == [
        "Welcome! I can sign you up for the Family-Friendly Spaces Sharing Conference 2019 and answer your questions "
        "about it.",
        "Tuesday 22 October 2019, 9:30 to 16:00 · Shenzhen · free. Language: Chinese.",
        "Just type your question whenever you have one.",
        "需要中文？请发送「中文」。",
        "[1 Register]",
        "[2 Agenda]",
        "[3 Venue]",
    ]


@pytest.mark.parametrize("greeting", ["你好", "您好", "hello", "Hi!", "在吗", "start"])
async def test_a_greeting_is_answered_like_a_start(town: Town, content: Content, greeting: str) -> None:
    assert (await town.chat().says(greeting)).startswith(sentence(content, "welcome.hello"))


async def test_the_line_in_the_other_language_goes_once_a_language_is_picked(town: Town) -> None:
    chat = town.chat()
    await chat.says("中文")
    assert "English?" not in await chat.does(Kind.START)


async def test_who_is_registered_is_not_asked_to_register(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    assert (await chat.does(Kind.START)).endswith("[1 我的报名]\n[2 看议程]\n[3 会场在哪]")


async def test_the_code_that_brought_a_person_is_kept_with_the_registration(town: Town) -> None:
    chat = town.chat()
    await chat.does(Kind.START, source="supplier-mail")
    await chat.registers()
    assert registered(town.database)[0].source == "supplier-mail"
    assert "来源 supplier-mail" in await chat.says("我的数据")


async def test_the_last_code_counts_and_a_start_without_one_takes_nothing_away(town: Town) -> None:
    chat = town.chat()
    for source in ("first", "second", ""):
        await chat.does(Kind.START, source=source)
    assert contact(town.database, "u1").source == "second"
    await chat.says("报名", *FORM)
    await chat.does(Kind.START, source="third")
    await chat.says("确认")
    assert registered(town.database)[0].source == "third"


async def test_who_came_by_no_code_has_no_source(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    assert registered(town.database)[0].source == ""
    assert "来源 –" in await chat.says("我的数据")


async def test_stop_and_resume(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    assert (await chat.says("退订")).startswith("已退订，不再给您发会前提醒和通知。报名不受影响")
    assert contact(town.database, "u1").stopped_at is not None
    assert (await chat.says("要收费吗")).startswith("参会费用")
    assert (await chat.says("我的报名")).startswith("您的报名")
    await chat.says("退订")
    assert (await chat.taps("恢复提醒")).startswith("已恢复")
    assert contact(town.database, "u1").stopped_at is None


async def test_stop_in_mid_form_does_not_take_the_next_answer_for_its_own(town: Town) -> None:
    chat = town.chat()
    asks = await chat.says("报名", "同意")
    assert (await chat.says("退订")).endswith(asks)
    await chat.says("1")
    assert contact(town.database, "u1").stopped_at is not None
    assert (await chat.says(*FORM[3:])).startswith("请核对：\n类别 玩具协会")
