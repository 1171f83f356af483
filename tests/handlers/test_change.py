"""Changing and taking back: in the review, after sending, and what is asked once more before it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content.records import Content
from bot.message import Kind
from tests.chat import FORM, Town
from tests.edits import edited, sentence, with_event
from tests.stored import registered

MENU = [
    "要改哪一项？",
    "[1 类别 工厂代表]",
    "[2 2019年项目 已参加]",
    "[3 单位 东莞市欢乐玩具厂]",
    "[4 姓名 王芳]",
    "[5 职务 人事经理]",
    "[6 手机 138 0013 8000]",
    "[7 邮箱 wangfang@example.com]",
    "[8 改好了]",
]


# In the review


async def test_one_answer_is_changed_from_the_review(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM)
    assert (await chat.taps("修改")).split("\n") == MENU
    assert await chat.says("4") == "请问您的姓名？\n[1 不改了]"
    assert "姓名 李四\n职务 人事经理" in await chat.says("李四")
    await chat.says("修改", "手机")
    assert (await chat.says("138")).endswith("[1 不改了]")
    assert "手机 139 0013 9000" in await chat.says("13900139000")
    await chat.says("确认")
    (row,) = registered(town.database)
    assert (row.name, row.phone, row.organization) == ("李四", "+8613900139000", FORM[3])


async def test_an_answer_can_be_changed_before_the_review_too(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:5])
    menu = await chat.says("修改")
    assert menu.endswith("[4 姓名 王芳]\n[5 改好了]")
    assert (await chat.says("单位", "深圳市欢乐玩具厂")).startswith("5/8 您的职务？")
    await chat.says(*FORM[5:], "确认")
    assert registered(town.database)[0].organization == "深圳市欢乐玩具厂"


async def test_what_is_to_be_changed_can_stay_as_it_is(town: Town) -> None:
    chat = town.chat()
    review = await chat.says("报名", *FORM)
    await chat.says("修改", "姓名")
    assert await chat.taps("不改了") == review
    await chat.says("修改")
    assert await chat.taps("改好了") == review


@pytest.mark.parametrize(
    ("new", "programme", "asks"),
    [("零售商", None, "请核对："), ("品牌商", "in_programme", "请核对："), ("玩具协会", None, "请核对：")],
)
async def test_another_category_in_the_review(town: Town, new: str, programme: str | None, asks: str) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM, "修改", "类别")
    said = await chat.says(new)
    assert said.startswith(asks)
    assert ("2019年项目" in said) is (programme is not None)
    await chat.says("确认")
    assert registered(town.database)[0].programme == programme


async def test_a_retailer_who_turns_out_to_be_a_factory_is_asked_about_the_programme(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", "1", "零售商", *FORM[3:], "修改", "类别")
    assert (await chat.says("工厂代表")).startswith("2/8 贵单位是否已参加2019年的家庭友好空间项目？")
    assert "2019年项目 还没有，想了解" in await chat.says("2")
    await chat.says("确认")
    assert registered(town.database)[0].programme == "new"


async def test_cancel_in_the_review_drops_the_draft_after_asking_once(town: Town) -> None:
    chat = town.chat()
    review = await chat.says("报名", *FORM)
    asks = "确定不报了吗？已填的内容会全部清掉。\n[1 不报了，清掉]\n[2 继续填]"
    for way in ("取消", "cancel", "3", "取消报名"):
        assert await chat.says(way) == asks
        assert await chat.taps("继续填") == review
    await chat.says("取消")
    assert await chat.says("1") == "好的，已经清掉了。\n以后想报名，回复「报名」就行。\n[1 我要报名]"
    assert "王芳" not in await chat.says("我的数据")
    assert registered(town.database) == []
    assert (await chat.says("报名")).startswith("好的，一共8步。")


async def test_a_word_other_than_yes_drops_nothing(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:4], "取消")
    assert "确定不报了吗" in await chat.says("王芳")
    assert (await chat.says("不", "王芳")).startswith("5/8 ")
    await chat.says("退出", "取消报名")
    assert (await chat.taps("继续填")).startswith("5/8 ")


# After it was sent


async def test_an_answer_is_changed_after_it_was_sent(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    (before,) = registered(town.database)
    menu = await chat.says("修改")
    assert menu.split("\n") == [f"报名 {before.reference}（王芳）", *MENU]
    said = await chat.says("6", "+852 6123 4567")
    assert said.startswith(f"已更新，报名 {before.reference} 现在是：\n类别 工厂代表")
    assert "手机 +85261234567" in said
    (after,) = registered(town.database)
    assert (after.reference, after.status, after.created_at) == (before.reference, before.status, before.created_at)
    assert (after.phone, after.name, after.title) == ("+85261234567", "王芳", "人事经理")


async def test_a_change_that_cannot_be_taken_changes_nothing(town: Town, content: Content) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("修改", "手机")
    assert (await chat.says("1380013800")).startswith(sentence(content, "form.invalid.phone_short", count=1))
    assert (await chat.says("要收费吗")).startswith("参会费用：免费。")
    assert (await chat.says("不改了")).split("\n") == MENU
    assert (await chat.says("改好了")).startswith("您的报名 FFS-")
    assert registered(town.database)[0].phone == "+8613800138000"


@pytest.mark.parametrize("word", ["退出", "exit"])
async def test_leaving_a_change_shows_the_registration_as_it_stays(town: Town, word: str) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("修改", "姓名")
    assert (await chat.says(word)).startswith("您的报名 FFS-")
    await chat.says("李四")
    assert registered(town.database)[0].name == "王芳"


async def test_a_brand_that_turns_retailer_drops_the_programme(town: Town) -> None:
    chat = town.chat()
    await chat.registers("1", "品牌商", *FORM[2:])
    said = await chat.says("修改", "类别", "零售商")
    assert "2019年项目" not in said
    (row,) = registered(town.database)
    assert (row.category, row.programme) == ("retailer", None)


async def test_a_retailer_that_turns_factory_is_asked_about_the_programme_before_anything_changes(town: Town) -> None:
    chat = town.chat()
    await chat.registers("1", "零售商", *FORM[3:])
    said = await chat.says("修改", "类别", "工厂代表")
    assert said.startswith("贵单位是否已参加2019年的家庭友好空间项目？")
    assert registered(town.database)[0].category == "retailer"
    assert (await chat.says("1")).startswith("已更新")
    (row,) = registered(town.database)
    assert (row.category, row.programme) == ("factory", "in_programme")


@pytest.mark.parametrize("word", ["跳过", "skip", "2"])
async def test_a_title_is_emptied_from_the_review(town: Town, word: str) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM)
    asked = await chat.says("修改", "职务")
    assert asked == "您的职务？不想填，回复「跳过」就行。\n[1 不改了]\n[2 跳过]"
    said = await chat.says(word)
    assert said.startswith("请核对：")
    assert "职务" not in said
    await chat.says("确认")
    assert registered(town.database)[0].title is None


@pytest.mark.parametrize("word", ["跳过", "skip", "Skip"])
async def test_a_title_is_emptied_after_it_was_sent(town: Town, word: str) -> None:
    chat = town.chat()
    await chat.registers()
    said = await chat.says("修改", "职务", word)
    assert said.startswith("已更新")
    assert "职务" not in said
    assert registered(town.database)[0].title is None


async def test_a_title_that_was_skipped_can_be_added_later(town: Town) -> None:
    chat = town.chat()
    await chat.registers(*FORM[:5], "跳过", *FORM[6:])
    assert "[5 职务 （未填）]" in await chat.says("修改")
    await chat.says("5", "厂长")
    assert registered(town.database)[0].title == "厂长"


async def test_after_the_form_grew_a_change_asks_what_is_new_as_well(town: Town, tmp_path: Path) -> None:
    chat = town.chat()
    await chat.registers()
    diet = '[[question]]\nid = "diet"\nkind = "text"\nlabel.zh = "饮食"\nlabel.en = "Diet"\n' \
           'prompt.zh = "有什么忌口？"\nprompt.en = "Any dietary needs?"\n\n'  # fmt: skip
    town.use(edited(tmp_path, "form.toml", ('[[question]]\nid = "name"', f'{diet}[[question]]\nid = "name"')))
    assert (await chat.says("修改", "姓名", "李四")) == "有什么忌口？"
    assert (await chat.says("不吃辣")).startswith("已更新")
    (row,) = registered(town.database)
    assert (row.name, row.more) == ("李四", {"diet": "不吃辣"})


async def test_cancelling_asks_once_more(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    reference = registered(town.database)[0].reference
    asks = f"确定取消 王芳 的报名（{reference}）吗？取消后如需参加要重新报名。\n[1 确定取消]\n[2 不取消]"
    for word in ("取消报名", "cancel", "我来不了了"):
        assert await chat.says(word) == asks
        assert await chat.says("不取消") == "好的，报名保留着。\n[1 我的报名]"
    assert registered(town.database)[0].status == "pending"
    await chat.says("取消报名")
    said = await chat.taps("确定取消")
    assert said.startswith(f"已取消 王芳 的报名（{reference}）。")
    assert registered(town.database)[0].status == "cancelled"
    assert "状态：已取消" in await chat.says("我的报名")


async def test_in_english_the_sentences_stand_apart(town: Town) -> None:
    chat = town.chat(language="en")
    await chat.says("register", *FORM[:5], "cancel")
    again = 'Send "register" whenever you want to start again.\n[1 Register]'
    assert await chat.taps("Yes, delete it") == f"Done, it has been deleted.\n{again}"
    await chat.registers()
    await chat.says("cancel")
    assert (await chat.taps("Yes, cancel it")).endswith(f"is cancelled.\n{again}")


async def test_a_yes_that_comes_twice_or_late_cancels_once(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("取消报名")
    asked = chat.reply
    await chat.taps("确定取消")
    chat.reply = asked
    assert (await chat.taps("确定取消")).startswith("这个按钮是之前的")
    await chat.registers()
    chat.reply = asked
    assert (await chat.taps("确定取消")).startswith("这个按钮是之前的")
    assert [row.status for row in registered(town.database)] == ["cancelled", "pending"]


async def test_who_cancelled_can_register_anew(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("取消报名", "确定取消")
    assert (await chat.says("报名")).startswith("好的，一共8步。")
    await chat.says(*FORM, "确认")
    rows = registered(town.database)
    assert [row.status for row in rows] == ["cancelled", "pending"]
    assert rows[0].reference != rows[1].reference
    assert (await chat.says("我的报名")).startswith(f"您的报名 {rows[1].reference}")


async def test_nobody_can_change_or_cancel_somebody_elses_registration(town: Town) -> None:
    victim, stranger = town.chat("u1"), town.chat("u2")
    await victim.registers()
    await stranger.registers()
    theirs = registered(town.database)[0].reference
    for tag in (f"cancel.{theirs}.yes", f"cancel.{theirs}", f"edit.{theirs}"):
        await stranger.says("取消报名")
        assert (await stranger.does(Kind.TEXT, text=theirs, tapped=tag)).startswith("这个按钮是之前的")
    assert [row.status for row in registered(town.database)] == ["pending", "pending"]


async def test_a_sent_registration_can_be_changed_after_registration_closed(town: Town, content: Content) -> None:
    chat = town.chat()
    await chat.registers()
    town.use(with_event(content, registration={"opens": None, "closes": "2019-10-01T00:00:00"}))
    await chat.says("修改", "姓名", "李四")
    assert registered(town.database)[0].name == "李四"
    await chat.says("取消报名", "确定取消")
    assert registered(town.database)[0].status == "cancelled"
