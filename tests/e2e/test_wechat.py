"""Whole conversations on WeChat: encrypted XML in, encrypted XML out."""

from __future__ import annotations

import pytest

from tests.e2e.talk import (
    FORM,
    Phone,
    contact,
    everything,
    follower,
    options,
    questions,
    reference_in,
    registers,
    registrations,
    says,
    talk,
)
from tests.served import House

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_hr_manager_registers_and_is_interrupted(home: House) -> None:
    wang = follower(home)
    welcome = await wang.follows("supplier-mail")
    assert "家庭友好空间分享会" in welcome
    assert "English? Send EN." in welcome
    assert options(wang) == ["我要报名", "看议程", "会场在哪"]
    consent = await wang.says("1")
    for told in ("IETP", "手机", "90天", "取消关注", "境外", "隐私"):
        assert told in consent
    assert options(wang) == ["同意", "不同意"]
    await talk(wang, ("同意", "1/8"), ("4", "2/8"), ("要收费吗", "免费"))
    assert "2/8" in wang.transcript.lines[-1].text, "the form asks again"
    assert options(wang) == ["已参加", "还没有，想了解"]
    await talk(
        wang,
        ("1", "3/8"),
        ("东莞市欢乐玩具厂", "4/8"),
        ("王芳", "5/8"),
        ("人事经理", "6/8"),
        ("退出", "报名"),
        ("会场在哪", "深圳"),
        ("报名", "6/8"),
        ("1380013800", "少了1位"),
        ("13800138000", "7/8"),
        ("wangfang@example", "邮箱"),
        ("wangfang@example.com", "138 0013 8000"),
    )
    assert options(wang) == ["确认", "修改", "取消"]
    done = await wang.says("确认")
    reference = reference_in(done)
    assert "我的报名" in done
    assert "转发给同事" in done
    await talk(wang, ("报名", reference), ("我的报名", "等主办方审核"))
    [row] = await registrations(home.usher.database, wang)
    assert (row.category, row.programme, row.organization, row.name, row.title, row.phone, row.email) == (
        *("factory", "in_programme", "东莞市欢乐玩具厂", "王芳", "人事经理", "+8613800138000"),
        "wangfang@example.com",
    )
    assert (row.status, row.channel, row.language, row.source) == ("pending", "wechat", "zh", "supplier-mail")
    assert row.consent_version == home.usher.content.event.privacy.version


async def test_the_same_in_english_by_taps_alone_where_there_are_choices(home: House) -> None:
    ann = follower(home)
    await ann.follows()
    await talk(
        ann,
        ("EN", "English"),
        ("[Register]", "privacy"),
        ("[Agree]", "1/8"),
        ("[Brand]", "2/8"),
        ("[New to it]", "3/8"),
        ("Happy Toys Ltd", "4/8"),
        ("is there an early bird rate", "free"),
        ("Ann Lee", "5/8"),
        ("[Skip]", "6/8"),
        ("+852 6123 4567", "7/8"),
        ("ann@example.com", "Is everything right?"),
        ("[Confirm]", "FFS-"),
    )
    [row] = await registrations(home.usher.database, ann)
    assert (row.category, row.programme, row.title, row.phone, row.language) == (
        *("brand", "new", None, "+85261234567", "en"),
    )


async def test_the_form_remembers_over_an_exit_and_days(home: House) -> None:
    li = follower(home)
    await says(li, *FORM[:6])
    await talk(li, ("退出", "报名"), ("我的报名", "还没提交"), ("继续报名", "5/8"), ("跳过", "6/8"))


async def test_nothing_is_kept_of_who_does_not_agree(home: House) -> None:
    li = follower(home)
    await talk(li, ("报名", "同意"), ("[不同意]", "没有保存"), ("我的报名", "还没有报名"), ("报名", "同意"))
    assert await registrations(home.usher.database, li) == []


async def test_the_review_changes_an_answer_and_drops_the_draft_after_asking(home: House) -> None:
    li = follower(home)
    await says(li, *FORM)
    await talk(li, ("[修改]", "哪一项"))
    await talk(li, ("[单位 东莞市欢乐玩具厂]", "单位"), ("深圳市快乐玩具厂", "深圳市快乐玩具厂"))
    await talk(li, ("2", "哪一项"), ("类别", "您代表"), ("零售商", "零售商"))
    assert "2019年项目" not in li.transcript.lines[-1].text, "a retailer is not asked about the programme"
    await talk(li, ("取消", "确定"), ("[继续填]", "请核对"), ("3", "确定"), ("1", "清掉"), ("我的报名", "还没有报名"))
    await talk(li, ("报名", "同意"))
    assert await registrations(home.usher.database, li) == []


async def test_a_registration_is_changed_cancelled_and_made_anew(home: House) -> None:
    li = follower(home)
    reference = await registers(li)
    await talk(li, ("修改", "哪一项"), ("手机", "手机"), ("13900139000", "139 0013 9000"))
    await talk(li, ("取消报名", "确定"), ("[不取消]", "保留"), ("取消报名", "确定"), ("[确定取消]", reference))
    again = await registers(li)
    assert again != reference
    rows = await registrations(home.usher.database, li)
    assert [(row.reference, row.status) for row in rows] == [(reference, "cancelled"), (again, "pending")]
    assert rows[0].phone == "+8613900139000"


async def test_five_colleagues_are_registered_under_one_chat_and_no_sixth(home: House) -> None:
    li = follower(home)
    await talk(li, ("替同事报名", "自己的报名"))
    mine = await registers(li)
    for number in range(1, 6):
        await talk(li, ("替同事报名", "同事"), ("同意", "单位"))
        await says(li, "[和我一样：东莞市欢乐玩具厂]", f"同事{number}号", "跳过")
        await says(li, f"1380013810{number}", f"colleague{number}@example.com")
        await talk(li, ("确认", f"同事{number}号"))
    await talk(li, ("替同事报名", "最多替5位"))
    rows = await registrations(home.usher.database, li)
    assert [row.registered_by for row in rows] == [None, *[mine] * 5]
    assert len({row.phone for row in rows}) == len({row.reference for row in rows}) == 6
    assert {row.organization for row in rows} == {"东莞市欢乐玩具厂"}


async def test_questions_are_answered_guessed_passed_on_or_turned_away(home: House) -> None:
    li = follower(home)
    await talk(li, ("要钱吗", "免费"), ("第三个议题", "3. "), ("item 4", "4. "))
    await talk(li, ("广交会几号开始", "帮不上"), ("人工", "下一条"), ("可以安排素食吗", "转给主办方"))
    assert await questions(home.usher.database, li) == ["可以安排素食吗"]
    await talk(li, ("谢谢", "不客气"), ("隐私", "隐私说明"), ("帮助", "退订"), ("语言", "EN"))


async def test_a_question_with_two_meanings_is_asked_back_and_passed_on_if_none_is_meant(home: House) -> None:
    li = follower(home)
    assert "家庭友好" in await says(li, "你好")
    asked = await _not_sure(li)
    await talk(li, ("[都不是]", "转给主办方"))
    assert await questions(home.usher.database, li) == [asked]
    await _not_sure(li)
    assert "都不是" not in await says(li, "1")
    assert "都不是" not in options(li), "the first one was meant, and answered"
    assert await questions(home.usher.database, li) == [asked]


async def _not_sure(phone: Phone) -> str:
    """Asks until the bot is not sure; what was asked."""
    for asked in ("带孩子吃饭", "where and when", "hotel and parking", "资料和录像"):
        await says(phone, "中文", asked)
        if {"都不是", "None of these"} & set(options(phone)):
            await says(phone, "中文", asked)
            return asked
    raise AssertionError("the bot is sure of everything")


async def test_a_free_question_in_english_is_answered_in_english_and_a_form_answer_changes_nothing(
    home: House,
) -> None:
    ann, li = follower(home), follower(home)
    await talk(ann, ("is it free", "free"), ("help", "Ask me"))
    await says(li, *FORM[:4])
    await talk(li, ("Happy Toys Factory Ltd", "4/8"), ("Wang Fang", "5/8"), ("HR manager", "6/8"), ("ok", "6/8"))
    assert "手机" in li.transcript.lines[-1].text


async def test_somebody_reads_what_is_held_and_has_it_erased_everywhere(home: House) -> None:
    li = follower(home)
    await says(li, *FORM[:5], "欧阳独一", *FORM[6:], "确认", "人工", "独一份留言")
    await talk(li, ("我的数据", "独一份留言"), ("删除我的信息", "确定删除"), ("[不删除]", "没有删除"))
    for told in ("欧阳独一", "138 0013 8000", li.openid):
        assert told in await says(li, "我的数据")
    await talk(li, ("删除我的信息", "确定删除"), ("[确定删除]", "回执"))
    left = await everything(home.usher.database)
    assert "E-" in left, "the receipt stays"
    for gone in ("独一", li.openid):
        assert gone not in left
    await talk(li, ("我的报名", "还没有报名"))


async def test_reminders_are_stopped_and_wanted_again(home: House) -> None:
    li = follower(home)
    await talk(li, ("退订", "订阅"))
    stopped = await contact(home.usher.database, li)
    assert stopped
    assert stopped.stopped_at
    await talk(li, ("订阅", "照常"))
    resumed = await contact(home.usher.database, li)
    assert resumed
    assert resumed.stopped_at is None
