"""替同事报名: registering colleagues under the same chat."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.content.records import Content
from bot.message import Kind
from bot.store.tables import Registration
from tests.chat import FORM, Chat, Town
from tests.edits import with_event
from tests.stored import registered

LI = ("和我一样", "李四", "跳过", "13900139000", "lisi@example.com")
"""What is answered for a colleague, from the organization to the e-mail address."""


async def with_colleagues(chat: Chat, count: int) -> None:
    """Registers, and then so many colleagues."""
    await chat.registers()
    for number in range(count):
        await chat.says(
            "替同事报名", "同意", "1", f"同事{number}", "跳过", f"1390013900{number}", f"c{number}@example.com", "确认"
        )


async def test_a_colleague_is_registered_under_the_same_chat(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    said = await chat.says("替同事报名")
    assert said.startswith(
        "好的，替同事报名。下面填同事的信息，类别沿用您的。\n请先确认：同事本人已知道并同意把姓名、单位、职务、手机和邮箱交给主办方"
    )
    assert said.endswith("[1 同意]\n[2 不同意]")
    assert await chat.says("同意") == "1/6 单位全称？\n[1 和我一样：东莞市欢乐玩具厂]"
    assert await chat.taps("和我一样：东莞市欢乐玩具厂") == "2/6 同事的姓名？"
    await chat.says("李四", "跳过")
    assert chat.reply is not None
    assert (chat.reply.ask[:3], chat.reply.contact_button) == ("4/6", "")
    review = await chat.says("13900139000", "lisi@example.com")
    assert review.startswith(
        "请核对同事的信息：\n类别 工厂代表\n2019年项目 已参加\n单位 东莞市欢乐玩具厂\n姓名 李四\n手机"
    )
    said = await chat.says("确认")
    mine, colleague = registered(town.database)
    assert said.startswith(f"已替李四提交报名，编号 {colleague.reference}。\n主办方审核后")
    assert (mine.registered_by, colleague.registered_by) == (None, mine.reference)
    stored = (colleague.category, colleague.programme, colleague.organization, colleague.title, colleague.email)
    assert stored == ("factory", "in_programme", FORM[3], None, "lisi@example.com")
    assert (colleague.contact_id, colleague.consent_version) == (mine.contact_id, "1")
    assert colleague.consent_at > mine.consent_at
    shown = await chat.says("我的报名")
    assert f"您的报名 {mine.reference}\n王芳" in shown
    assert f"同事的报名 {colleague.reference}\n李四 · 东莞市欢乐玩具厂" in shown


async def test_in_english_too(town: Town) -> None:
    chat = town.chat(language="en")
    await chat.says(
        "register", "agree", "retailer", "Happy Shops", "Ann", "skip", "+85261234567", "a@example.com", "confirm"
    )
    said = await chat.says("colleague")
    assert "Please confirm that your colleague knows and agrees" in said
    assert await chat.says("agree") == "1/6 Full name of the organization?\n[1 Same as mine: Happy Shops]"
    await chat.says("same as mine", "Bob", "skip", "+85261234568", "b@example.com")
    assert (await chat.says("confirm")).startswith("Bob is registered. The reference is FFS-")
    assert [row.organization for row in registered(town.database)] == ["Happy Shops", "Happy Shops"]


@pytest.mark.parametrize("typed", ["1", "和我一样", "和我一樣", "和我一样：东莞市欢乐玩具厂", "Same as mine"])
async def test_the_same_organization_is_offered(town: Town, typed: str) -> None:
    chat = town.chat()
    await chat.registers()
    assert (await chat.says("替同事报名", "同意", typed)).startswith("2/6 ")
    await chat.says(*LI[1:], "确认")
    assert registered(town.database)[1].organization == FORM[3]


async def test_another_organization_can_be_typed(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名", "同意", "深圳市开心玩具厂", *LI[1:], "确认")
    assert registered(town.database)[1].organization == "深圳市开心玩具厂"


@pytest.mark.parametrize("so_far", [(), ("报名",), ("报名", *FORM[:4]), ("报名", *FORM)])
async def test_ones_own_registration_comes_first(town: Town, so_far: tuple[str, ...]) -> None:
    chat = town.chat()
    await chat.says(*so_far)
    assert await chat.says("替同事报名") == "请先完成您自己的报名，然后就可以替同事报名。\n[1 我要报名]"
    said = await chat.says("报名")
    assert said.startswith("欢迎回来" if len(so_far) > 1 else "好的，一共8步。" if not so_far else "报名大约需要2分钟")


async def test_the_word_that_the_colleague_agrees_is_asked_for(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名")
    assert (await chat.says("李四")).endswith("[1 同意]\n[2 不同意]")
    assert (await chat.says("不同意")).startswith("好的，同事的信息都没有保存。")
    assert len(registered(town.database)) == 1


async def test_up_to_five_colleagues_and_no_sixth(town: Town) -> None:
    chat = town.chat()
    await with_colleagues(chat, 5)
    assert len(registered(town.database)) == 6
    assert (await chat.says("替同事报名")).startswith("一个账号最多替5位同事报名。")
    assert len(registered(town.database)) == 6
    await chat.says("取消报名")
    await chat.says("同事0")
    await chat.says("确定取消")
    assert (await chat.says("替同事报名")).startswith("好的，替同事报名。")


async def test_which_of_several_registrations_is_meant_is_asked(town: Town) -> None:
    chat = town.chat()
    await with_colleagues(chat, 2)
    mine, first, second = registered(town.database)
    choices = "\n".join(f"[{n} {row.name} {row.reference}]" for n, row in enumerate((mine, first, second), 1))
    assert await chat.says("修改") == f"要改哪一份报名？\n{choices}"
    assert (await chat.says("同事1")).startswith(f"报名 {second.reference}（同事1）")
    await chat.says("姓名", "王五")
    assert await chat.says("取消报名") == f"要取消哪一份报名？\n{choices.replace('同事1', '王五')}"
    assert (await chat.says(first.reference.lower())).startswith("确定取消 同事0 的报名")
    await chat.says("确定取消")
    assert [(row.name, row.status) for row in registered(town.database)] == [
        ("王芳", "pending"),
        ("同事0", "cancelled"),
        ("王五", "pending"),
    ]


async def test_register_goes_on_with_a_colleague_who_was_left_in_the_middle(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名", "同意", "1", "李四")
    assert "回复「替同事报名」就从这里接着填" in await chat.says("退出")
    town.clock.wind(timedelta(days=2))
    said = await chat.says("报名")
    assert said.startswith("您的报名 FFS-")
    assert said.endswith("3/6 同事的职务？不想填，回复「跳过」就行。\n[1 跳过]")
    await chat.says("跳过", "13900139000", "lisi@example.com", "确认")
    assert [row.name for row in registered(town.database)] == ["王芳", "李四"]


async def test_colleague_said_again_goes_on_where_it_stopped(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名", "同意", "1", "退出")
    assert (await chat.says("替同事报名")).startswith("欢迎回来！前面填的都还在。\n2/6 ")


async def test_a_colleague_is_never_taken_for_oneself(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名", "同意", *LI, "退出", "取消报名", "确定取消")
    assert (await chat.says("替同事报名")).startswith("请先完成您自己的报名")
    assert (await chat.says("报名")).startswith("好的，一共8步。")
    assert [(row.name, row.status) for row in registered(town.database)] == [("王芳", "cancelled")]


async def test_who_lost_their_own_registration_meanwhile_cannot_send_a_colleagues(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名", "同意", *LI)
    town.database.write_now(lambda session: session.execute(update(Registration).values(status="cancelled")))
    assert (await chat.says("确认")).startswith("请先完成您自己的报名")
    assert [row.name for row in registered(town.database)] == ["王芳"]


async def test_a_colleagues_answer_is_asked_for_as_theirs_when_it_is_changed(town: Town) -> None:
    chat = town.chat()
    await with_colleagues(chat, 1)
    await chat.says("修改", "同事0")
    assert (await chat.says("手机")).startswith("同事的手机号？")
    assert (await chat.does(Kind.PHONE, phone="+8613800138000")).startswith("谢谢，不过现在不需要您的号码。")
    await chat.says("13900139009")
    assert registered(town.database)[1].phone == "+8613900139009"


async def test_ones_own_number_is_not_taken_for_a_colleagues(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名", "同意", *LI[:3])
    said = await chat.does(Kind.PHONE, phone="+8613800138000")
    assert said.startswith("谢谢，不过现在不需要您的号码。\n4/6 ")
    await chat.says(*LI[3:], "确认")
    assert registered(town.database)[1].phone == "+8613900139000"


async def test_a_second_confirm_makes_no_second_colleague(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名", "同意", *LI, "确认", "确认", "提交")
    assert len(registered(town.database)) == 2


async def test_dropping_a_colleague_leaves_ones_own_registration_alone(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名", "同意", *LI, "取消")
    await chat.taps("不报了，清掉")
    assert [(row.name, row.status) for row in registered(town.database)] == [("王芳", "pending")]


async def test_a_new_notice_is_agreed_to_for_a_colleague_as_well(town: Town, content: Content) -> None:
    chat = town.chat()
    await chat.registers()
    await chat.says("替同事报名", "同意", *LI[:2], "退出")
    town.use(with_event(content, privacy={"version": "2", "notice": {"zh": "新", "en": "new"}}))
    assert "请先确认：同事本人已知道并同意" in await chat.says("替同事报名")
    await chat.says("同意", *LI[2:], "确认")
    assert [row.consent_version for row in registered(town.database)] == ["1", "2"]
