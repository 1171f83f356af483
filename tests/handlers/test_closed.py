"""When nobody can register: too early, too late, over; and when all seats are taken."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.content.records import Content
from bot.message import Kind
from tests.chat import FORM, Town
from tests.edits import sentence, with_event
from tests.stored import registered

OPENS = {"opens": "2019-10-10T09:00:00", "closes": "2019-10-20T18:00:00"}


async def test_registration_opens_and_closes_at_its_time(town: Town, content: Content) -> None:
    town.use(with_event(content, registration=OPENS))
    chat, late = town.chat(), town.chat("u2")
    assert await chat.says("报名") == "报名还没开始，2019年10月10日（周四）9:00开放，到时候回复「报名」就行。"
    town.clock.wind(timedelta(days=2, minutes=-1))
    assert (await chat.says("报名")).startswith("报名还没开始")
    town.clock.wind(timedelta(minutes=1))
    assert (await chat.says("报名")).startswith("好的，一共8步。")
    await chat.says(*FORM, "确认")
    await late.says("报名", *FORM)
    town.clock.wind(timedelta(days=11))
    closed = "报名已于2019年10月20日（周日）18:00截止。有需要请回复「人工」联系主办方。"
    assert await late.says("确认") == closed
    assert await late.says("报名") == closed
    assert await chat.says("替同事报名") == closed
    assert (await chat.says("报名")).startswith("您的报名 FFS-")
    assert len(registered(town.database)) == 1


async def test_whoever_is_in_the_form_when_it_closes_is_told_and_nothing_more_is_taken(
    town: Town, content: Content
) -> None:
    typing, tapping, sharing = (town.chat(name) for name in ("a", "b", "c"))
    await typing.says("报名", *FORM[:5])
    await tapping.says("报名", *FORM[:1])
    await sharing.says("报名", *FORM[:6])
    town.use(with_event(content, registration={"opens": None, "closes": "2019-10-08T09:30:00"}))
    town.clock.wind(timedelta(hours=1))
    closed = "报名已于2019年10月8日（周二）9:30截止。有需要请回复「人工」联系主办方。\n[1 看议程]\n[2 会场在哪]"
    assert await typing.says("人事经理") == closed
    assert await tapping.taps("工厂代表") == closed
    assert await sharing.does(Kind.PHONE, phone="+8613800138000") == closed
    for chat, refused in ((typing, "职务"), (tapping, "类别"), (sharing, "手机")):
        assert f"\n{refused} " not in await chat.says("我的数据")
    assert (await typing.says("要收费吗")).startswith("参会费用：免费。")
    await typing.says("取消报名")
    assert (await typing.taps("不报了，清掉")).startswith("好的，已经清掉了。")
    assert "王芳" not in await typing.says("我的数据")


@pytest.mark.parametrize("word", ["报名", "替同事报名", "我的报名", "修改", "取消报名", "怎么报名"])
async def test_afterwards_nothing_invites_to_register(town: Town, word: str) -> None:
    town.clock.wind(timedelta(days=30))
    said = await town.chat().says(word)
    assert said.startswith("会议已于2019年10月22日（周二）结束，报名已关闭。感谢您的关注！")
    assert "报名]" not in said


async def test_afterwards_a_registration_is_shown_and_no_longer_changed(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    town.clock.wind(timedelta(days=30))
    said = await chat.says("我的报名")
    assert said.startswith("您的报名 FFS-")
    assert said.endswith("结束，报名已关闭。感谢您的关注！")
    for word in ("修改", "取消报名", "订阅"):
        assert (await chat.says(word)).startswith("会议已于2019年10月22日（周二）结束"), word
    assert (await chat.says("我的数据")).count("王芳") == 1
    assert (await chat.says("删除我的信息", "确定删除")).startswith("已全部删除")


async def test_registration_stays_open_until_the_event_begins(town: Town, content: Content) -> None:
    chat = town.chat()
    town.clock.wind(timedelta(days=14, minutes=25))  # 22 October, 9:25
    assert (await chat.says("报名")).startswith("好的，一共8步。")
    town.clock.wind(timedelta(minutes=10))
    assert (await chat.says("报名")).startswith("报名已于2019年10月22日（周二）9:30截止。")


async def test_after_the_event_registration_is_closed_in_both_languages(town: Town) -> None:
    town.clock.wind(timedelta(days=30))
    assert await town.chat().says("报名") == "会议已于2019年10月22日（周二）结束，报名已关闭。感谢您的关注！"
    english = town.chat("u2", language="en")
    said = "The conference took place on Tuesday 22 October 2019; registration is closed. Thank you for your interest!"
    assert await english.says("register") == said


async def test_with_auto_confirm_everybody_has_a_seat_at_once(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True))
    chat = town.chat()
    assert "名额已确认。会场详情会随确认邮件一起发给您。" in await chat.registers()
    (row,) = registered(town.database)
    assert (row.status, row.decided_at) == ("confirmed", row.created_at)
    assert "状态：已确认，期待与您见面" in await chat.says("我的报名")


async def test_a_full_event_offers_the_waiting_list(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=2))
    said = [await town.chat(name).registers() for name in ("a", "b", "c")]
    assert "您已排在候补名单里，有空位会按先后顺序递补。" in said[2]
    assert [row.status for row in registered(town.database)] == ["confirmed", "confirmed", "waitlisted"]
    assert registered(town.database)[2].decided_at is None
    assert "状态：候补中" in await town.chat("c").says("我的报名")


async def test_nobody_passes_those_who_wait(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=1))
    first, second, third = (town.chat(name) for name in ("a", "b", "c"))
    await first.registers()
    await second.registers()
    await first.says("取消报名", "确定取消")
    await third.registers()
    assert [row.status for row in registered(town.database)] == ["cancelled", "confirmed", "waitlisted"]


async def test_a_colleague_takes_a_seat_too(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=2))
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名", "同意", "1", "李四", "跳过", "13900139000", "lisi@example.com", "确认")
    await town.chat("b").registers()
    assert [row.status for row in registered(town.database)] == ["confirmed", "confirmed", "waitlisted"]


async def test_while_organizers_decide_a_full_event_still_has_a_waiting_list(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=1))
    await town.chat("a").registers()
    town.use(with_event(content, auto_confirm=False, capacity=1))
    await town.chat("b").registers()
    town.use(with_event(content, auto_confirm=False, capacity=0))
    await town.chat("c").registers()
    assert [row.status for row in registered(town.database)] == ["confirmed", "waitlisted", "pending"]


async def test_what_the_organizer_decided_is_shown(town: Town) -> None:
    chat = town.chat()
    await chat.registers()

    def decline(session: object) -> None:
        row = registered(town.database)[0]
        row.status = "declined"
        session.merge(row)

    town.database.write_now(decline)
    assert "状态：很抱歉，这次未能安排名额" in await chat.says("我的报名")
    assert "状态：很抱歉" in await chat.says("报名")


async def test_after_the_event_a_registration_is_spoken_of_in_the_past(town: Town, content: Content) -> None:
    chat = town.chat()
    await chat.registers()
    town.clock.wind(timedelta(days=30))
    said = await chat.says("我的报名")
    assert sentence(content, "status.over.pending") in said
    assert sentence(content, "status.pending") not in said
