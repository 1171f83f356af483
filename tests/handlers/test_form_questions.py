"""Questions in the middle of the form are answered, and the form asks again; nothing typed is lost."""

from __future__ import annotations

import pytest

from bot.content.records import Content
from bot.message import Kind
from tests.chat import BEFORE, FORM, Town, at
from tests.edits import sentence
from tests.stored import registered, waiting


@pytest.mark.parametrize("question", [name for name in BEFORE if name not in ("organization", "name", "title")])
async def test_a_question_in_mid_form_is_answered_and_the_form_asks_again(
    town: Town, content: Content, question: str
) -> None:
    chat = town.chat()
    asks = await at(chat, question)
    said = await chat.says("要收费吗")
    assert said.startswith("参会费用：免费。")
    assert said.endswith(asks if question != "review" else "以上信息对吗？\n[1 确认]\n[2 修改]\n[3 取消]")
    await chat.says(*FORM[BEFORE[question] :], "确认")
    assert [row.name for row in registered(town.database)] == ["王芳"]


@pytest.mark.parametrize("question", ["organization", "name", "title"])
async def test_where_text_is_expected_only_what_also_reads_as_a_question_is_one(town: Town, question: str) -> None:
    chat = town.chat()
    asks = await at(chat, question)
    for asked in ("要收费吗", "会场在哪里？", "Is it free?"):
        assert (await chat.says(asked)).split("\n", maxsplit=1)[1].endswith(asks.split(" ")[-1]), asked
        await chat.says("中文")


@pytest.mark.parametrize("typed", ["谁更会玩", "哪里跑玩具", "what if toys"])
async def test_where_it_is_not_sure_the_person_decides_whether_it_was_the_answer(
    town: Town, content: Content, typed: str
) -> None:
    chat = town.chat()
    await chat.says("中文")
    asks = await at(chat, "organization")
    assert await chat.says(typed) == f"{sentence(content, 'form.question_or_answer')}\n{asks}"
    assert (await chat.says(typed)).startswith("4/8 ")
    await chat.says(*FORM[4:], "确认")
    assert registered(town.database)[0].organization == typed
    assert waiting(town.database) == []


@pytest.mark.parametrize(
    "company", ["什么值得买科技有限公司", "What If Toys Ltd", "要收费吗有限公司", "Is It Free Inc"]
)
async def test_a_company_whose_name_looks_like_a_question_is_taken_at_its_word(town: Town, company: str) -> None:
    chat = town.chat()
    await at(chat, "organization")
    assert (await chat.says(company)) == "4/8 请问您的姓名？"
    await chat.says(*FORM[4:], "确认")
    assert registered(town.database)[0].organization == company


@pytest.mark.parametrize("question", ["category", "organization", "phone", "email", "review"])
async def test_a_question_that_nobody_can_answer_is_passed_on_and_the_form_goes_on(town: Town, question: str) -> None:
    chat = town.chat()
    asks = await at(chat, question)
    said = await chat.says("能带狗吗？")
    assert said.startswith("这个我不确定，不敢乱答，已经记下来转给主办方了。\n")
    assert said.endswith(asks.split("\n", maxsplit=8)[-1] if question == "review" else asks)
    assert waiting(town.database) == [("unknown", "能带狗吗？")]
    await chat.says(*FORM[BEFORE[question] :], "确认")
    assert [row.organization for row in registered(town.database)] == ["东莞市欢乐玩具厂"]


async def test_what_is_not_ours_is_said_so_in_the_form_too_and_not_passed_on(town: Town) -> None:
    chat = town.chat()
    asks = await at(chat, "category")
    said = await chat.says("广交会几号开始？")
    assert said.startswith("这个我帮不上忙")
    assert said.endswith(asks)
    assert waiting(town.database) == []


async def test_an_item_of_the_agenda_can_be_asked_for_in_mid_form(town: Town) -> None:
    chat = town.chat()
    asks = await at(chat, "phone")
    said = await chat.says("第三个议题")
    assert said.startswith("3. 如何为孩子开发有趣又有意义的课程和活动")
    assert said.endswith(asks)


async def test_a_picture_or_a_thank_you_in_mid_form_changes_nothing(town: Town) -> None:
    chat = town.chat()
    asks = await at(chat, "name")
    assert await chat.does(Kind.MEDIA) == f"不好意思，图片、语音、表情和文件我看不懂，请您打字告诉我。\n{asks}"
    assert await chat.does(Kind.EDITED) == f"改过的旧消息我看不到，请您把新的内容再发一次。\n{asks}"
    assert await chat.says("谢谢") == f"不客气！还有问题随时问我。\n{asks}"
    assert (await chat.says("好的")).endswith(asks)
    assert (await chat.does(Kind.START)).endswith(asks)
