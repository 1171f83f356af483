"""What cannot be undone is asked once more: a plain yes is a yes, a plain no a no, and nothing else is either."""

from __future__ import annotations

import pytest

from bot.content.records import Content
from bot.message import Kind
from tests.chat import FORM, Town
from tests.edits import sentence
from tests.stored import contact, registered, waiting

YES = ["是", "是的", "好", "好的", "对", "确定", "确认", "yes", "OK", "sure"]
NO = ["不", "不是", "算了", "no"]


@pytest.mark.parametrize("word", YES)
async def test_a_plain_yes_is_the_yes(town: Town, word: str) -> None:
    chat = town.chat()
    await chat.registers()
    assert (await chat.says("取消报名", word)).startswith("已取消 王芳 的报名")
    assert (await chat.says("删除我的信息", word)).startswith("已全部删除。")
    assert registered(town.database) == []


@pytest.mark.parametrize("word", NO)
async def test_a_plain_no_is_the_no(town: Town, word: str) -> None:
    chat = town.chat()
    await chat.registers()
    assert (await chat.says("取消报名", word)).startswith("好的，报名保留着。")
    assert (await chat.says("删除我的信息", word)).startswith("好的，什么都没有删除。")
    assert [row.status for row in registered(town.database)] == ["pending"]


@pytest.mark.parametrize("word", YES)
async def test_a_plain_yes_drops_the_draft_in_the_review(town: Town, word: str) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM)
    assert (await chat.says("取消", word)).startswith("好的，已经清掉了。")
    assert registered(town.database) == []


@pytest.mark.parametrize("word", NO)
async def test_a_plain_no_keeps_the_draft_in_the_review(town: Town, word: str) -> None:
    chat = town.chat()
    review = await chat.says("报名", *FORM)
    assert await chat.says("取消", word) == review
    await chat.says("确认")
    assert len(registered(town.database)) == 1


@pytest.mark.parametrize("asked", ["取消报名", "删除我的信息"])
@pytest.mark.parametrize("said", ["嗯", "可以", "让我想想", "为什么呀", "3", "三", "……", "?", "行"])
async def test_neither_yes_nor_no_is_asked_again(town: Town, content: Content, asked: str, said: str) -> None:
    chat = town.chat()
    await chat.registers()
    question = await chat.says(asked)
    again = f"{sentence(content, 'sure.yes_or_no')}\n{question}"
    assert await chat.says(said) == again
    assert await chat.says("……") == again, "not once only"
    assert waiting(town.database) == []
    assert [row.status for row in registered(town.database)] == ["pending"]
    await chat.says("1")
    assert [row.status for row in registered(town.database)] in ([], ["cancelled"])


async def test_in_the_form_it_is_no_answer_either(town: Town, content: Content) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:3])
    question = await chat.says("取消报名")
    assert await chat.says("东莞市欢乐玩具厂") == f"{sentence(content, 'sure.yes_or_no')}\n{question}"
    assert await chat.says("不") == "3/8 单位全称？"


async def test_a_question_is_answered_and_the_choice_stays_open(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    question = await chat.says("取消报名")
    said = await chat.says("要收费吗")
    assert said.startswith("参会费用：免费")
    assert said.endswith(question)


async def test_a_picture_leaves_the_choice_open(town: Town, content: Content) -> None:
    chat = town.chat()
    await chat.registers()
    question = await chat.says("删除我的信息")
    assert await chat.does(Kind.MEDIA) == f"{sentence(content, 'media')}\n{question}"
    assert (await chat.says("确定")).startswith("已全部删除。")


async def test_another_word_leaves_the_question_behind(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    assert (await chat.says("取消报名", "议程")).startswith("会议议程：")
    assert (await chat.says("是的")).startswith("好的。需要时随时叫我")
    assert [row.status for row in registered(town.database)] == ["pending"]
    assert contact(town.database, "u1").id
