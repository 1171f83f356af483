"""Leaving the form and coming back: after days, after a restart, and after the form or the notice changed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.content.records import Content
from bot.message import Kind
from tests.chat import FORM, Chat, Town
from tests.edits import edited, with_event
from tests.stored import registered

DIET = """
[[question]]
id = "diet"
kind = "text"
optional = true
label.zh = "饮食"
label.en = "Diet"
prompt.zh = "有什么忌口？"
prompt.en = "Any dietary needs?"

"""
NEW_NOTICE = {"version": "2", "notice": {"zh": "新的说明", "en": "The new notice"}}


def restarted(town: Town) -> Town:
    """The same place after the process was started anew."""
    again = Town(town.database, town.content, town.clock)
    again.ids = town.ids
    return again


async def test_who_leaves_and_comes_back_after_days_goes_on_where_it_stopped(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:6])
    said = await chat.says("退出")
    assert said == "好的，填过的都留着。回复「报名」就从这里接着填。\n[1 继续报名]"
    assert "填到第6步，共8步" in await chat.says("我的报名")
    assert (await chat.says("几点开始")).startswith("2019年10月22日")
    town.clock.wind(timedelta(days=9))
    assert (await chat.says("报名")).startswith("欢迎回来！前面填的都还在。\n6/8 您的手机号？")
    await chat.says(*FORM[6:], "确认")
    (row,) = registered(town.database)
    assert (row.organization, row.title, row.phone) == (FORM[3], FORM[5], f"+86{FORM[6]}")
    assert (row.created_at - row.consent_at).days == 9


@pytest.mark.parametrize("way", ["tap", "1", "继续报名", "继续", "繼續報名", "register"])
async def test_the_ways_back_into_the_form(town: Town, way: str) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:4], "退出")
    said = await (chat.taps("继续报名") if way == "tap" else chat.says(way))
    assert said.endswith("4/8 请问您的姓名？")


async def test_words_said_outside_the_form_are_no_answers(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:4], "退出", "李四", "报名", *FORM[4:], "确认")
    assert registered(town.database)[0].name == "王芳"


async def test_who_simply_stops_typing_can_just_go_on_days_later(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:5])
    town.clock.wind(timedelta(days=3))
    assert (await chat.says("人事经理")).startswith("6/8 ")


async def test_a_restart_in_the_middle_is_not_noticed(town: Town) -> None:
    for text in ("报名", *FORM, "确认"):
        town = restarted(town)
        await town.chat().says(text)
    (row,) = registered(town.database)
    assert (row.name, row.email) == (FORM[4], FORM[7])


async def test_taps_work_across_a_restart(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:1])
    again = restarted(town)
    assert (await Chat(again, chat.address, reply=chat.reply).taps("工厂代表")).startswith("2/8 ")


async def test_leaving_twice_or_without_a_form_is_no_error(town: Town) -> None:
    chat = town.chat()
    nothing = "现在没有在填的内容。\n[1 我要报名]\n[2 看议程]\n[3 会场在哪]"
    assert await chat.says("退出") == nothing
    await chat.says("报名", "同意", "退出")
    assert await chat.says("exit") == nothing
    assert (await chat.says("报名")).endswith("[4 工厂代表]")


# The form changed meanwhile


async def test_a_new_question_is_asked_of_who_comes_back_and_nothing_else(town: Town, tmp_path: Path) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:7], "退出")
    town.use(edited(tmp_path, "form.toml", ('[[question]]\nid = "name"', f'{DIET}[[question]]\nid = "name"')))
    assert (await chat.says("报名")).startswith("欢迎回来！前面填的都还在。\n4/9 有什么忌口？")
    assert (await chat.says("不吃辣")).startswith("8/9 您的邮箱？")
    assert "饮食 不吃辣" in await chat.says(FORM[7])
    await chat.says("确认")
    (row,) = registered(town.database)
    assert (row.name, row.more) == ("王芳", {"diet": "不吃辣"})


async def test_an_answer_on_its_way_is_to_the_question_that_was_asked(town: Town, tmp_path: Path) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:4])
    town.use(edited(tmp_path, "form.toml", ('[[question]]\nid = "name"', f'{DIET}[[question]]\nid = "name"')))
    assert (await chat.says("王芳")) == "4/9 有什么忌口？\n[1 跳过]"
    await chat.says("跳过", *FORM[5:], "确认")
    (row,) = registered(town.database)
    assert (row.name, row.title, row.more) == ("王芳", "人事经理", {"diet": ""})


async def test_an_answer_that_is_no_longer_one_is_asked_for_again(town: Town, tmp_path: Path) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM)
    other_factory = ('id = "factory"\nlabel.zh = "工厂代表"', 'id = "works"\nlabel.zh = "生产企业"')
    other_condition = ('when.category = ["brand", "factory"]', 'when.category = ["brand", "works"]')
    shorter = ('"organization"\nkind = "text"\nmax_length = 80', '"organization"\nkind = "text"\nmax_length = 4')
    town.use(edited(tmp_path, "form.toml", other_factory, other_condition, shorter))
    assert (await chat.says("报名")).startswith("欢迎回来！前面填的都还在。\n1/8 您代表：")
    assert (await chat.says("生产企业")).startswith("3/8 单位全称？")
    review = await chat.says("欢乐玩具")
    assert review.startswith("请核对：\n类别 生产企业\n2019年项目 已参加\n单位 欢乐玩具\n姓名 王芳")
    await chat.says("确认")
    assert (registered(town.database)[0].category, registered(town.database)[0].programme) == ("works", "in_programme")


async def test_a_choice_that_was_taken_away_cannot_be_tapped_any_more(town: Town, tmp_path: Path) -> None:
    chat = town.chat()
    await chat.says("报名", "同意")
    town.use(edited(tmp_path, "form.toml", ('id = "retailer"\nlabel.zh = "零售商"', 'id = "shop"\nlabel.zh = "门店"')))
    assert "[3 门店]" in await chat.taps("零售商")
    assert (await chat.taps("门店")).startswith("2/7 ")


async def test_a_question_that_was_dropped_is_not_registered(town: Town, tmp_path: Path, content: Content) -> None:
    chat = town.chat()
    first = edited(tmp_path, "form.toml", ('[[question]]\nid = "name"', f'{DIET}[[question]]\nid = "name"'))
    town.use(first)
    await chat.says("报名", *FORM[:4], "不吃辣", *FORM[4:])
    town.use(content)
    await chat.says("确认")
    assert registered(town.database)[0].more == {}


async def test_a_confirm_under_a_changed_form_asks_what_is_new_first(town: Town, tmp_path: Path) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM)
    town.use(edited(tmp_path, "form.toml", ('[[question]]\nid = "name"', f'{DIET}[[question]]\nid = "name"')))
    assert (await chat.taps("确认")).startswith("还差一点就好了。\n4/9 有什么忌口？")
    assert registered(town.database) == []
    await chat.says("跳过", "确认")
    assert len(registered(town.database)) == 1


# The privacy notice changed meanwhile


async def test_a_new_notice_is_agreed_to_again_and_the_rest_is_kept(town: Town, content: Content) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:6], "退出")
    town.use(with_event(content, privacy=NEW_NOTICE))
    said = await chat.says("报名")
    assert said.startswith("欢迎回来！前面填的都还在。隐私说明更新了，请您再看一次。\n报名大约需要2分钟")
    assert said.endswith("[1 同意]\n[2 不同意]")
    assert (await chat.says("同意")).startswith("6/8 您的手机号？")
    await chat.says(*FORM[6:], "确认")
    (row,) = registered(town.database)
    assert (row.consent_version, row.organization) == ("2", FORM[3])


async def test_a_notice_that_changes_under_the_hand_keeps_the_answer_just_typed(town: Town, content: Content) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:6])
    town.use(with_event(content, privacy=NEW_NOTICE))
    said = await chat.says("13800138000")
    assert said.startswith("隐私说明刚刚更新了，请您再看一次。前面填的都还在。\n报名大约需要2分钟")
    assert (await chat.says("随便")).endswith("[1 同意]\n[2 不同意]")
    assert (await chat.says("同意")).startswith("7/8 ")
    await chat.says(FORM[7], "确认")
    (row,) = registered(town.database)
    assert (row.consent_version, row.phone) == ("2", "+8613800138000")


async def test_nobody_is_registered_under_a_notice_they_did_not_see(town: Town, content: Content) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM)
    town.use(with_event(content, privacy=NEW_NOTICE))
    assert (await chat.says("确认")).startswith("隐私说明刚刚更新了")
    assert registered(town.database) == []
    assert (await chat.says("同意")).startswith("请核对：")
    await chat.says("确认")
    assert registered(town.database)[0].consent_version == "2"


async def test_who_does_not_agree_to_the_new_notice_is_let_go(town: Town, content: Content) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM, "退出")
    town.use(with_event(content, privacy=NEW_NOTICE))
    assert (await chat.says("报名", "不同意")).startswith("好的，什么都没有保存。")
    assert "王芳" not in await chat.says("我的数据")


async def test_a_picture_after_a_restart_asks_the_same_question(town: Town) -> None:
    chat = town.chat()
    asks = await chat.says("报名", *FORM[:4])
    assert (await Chat(restarted(town), chat.address).does(Kind.MEDIA)).endswith(asks)
