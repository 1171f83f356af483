"""Whole conversations on Telegram: signed JSON in, calls of the Bot API out."""

from __future__ import annotations

import asyncio

import pytest

from bot.sandbox.telegram_phone import Phone
from tests.e2e.talk import (
    FORM,
    FORM_EN,
    contact,
    kept,
    lines,
    options,
    questions,
    reference_in,
    registers,
    registrations,
    says,
    talk,
    writer,
)
from tests.served import House

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_csr_officer_comes_by_a_link_asks_and_registers_in_english(home: House) -> None:
    ann = writer(home, language_code="en")
    assert "Welcome" in await ann.starts("brand-mail")
    assert "需要中文" in lines(ann)[-1]
    assert options(ann) == ["Register", "Agenda", "Venue"]
    await talk(
        ann,
        ("[Venue]", "not been announced"),
        ("item 4", "4. "),
        ("[Register]", "privacy"),
        ("[Agree]", "1/8"),
        ("[Brand]", "2/8"),
        ("do we need to transfer money beforehand", "free"),
        ("[In the 2019 programme]", "3/8"),
        ("Happy Toys Ltd", "4/8"),
        ("Ann Lee", "5/8"),
        ("[Skip]", "6/8"),
    )
    assert ann.contact_button == "Share my phone number"
    assert "somebody else's" in await ann.shares_contact(own=False)
    assert "7/8" in await ann.shares_contact()
    assert not ann.contact_button, "the keyboard is gone once the number is known"
    await talk(ann, ("ann@example.com", "Please check"), ("[Confirm]", "FFS-"))
    [row] = await registrations(home.usher.database, ann)
    assert (row.category, row.programme, row.title, row.phone) == ("brand", "in_programme", None, ann.number)
    assert (row.channel, row.language, row.source) == ("telegram", "en", "brand-mail")
    await talk(ann, ("/me", row.reference), ("/register", row.reference), ("/help", "mydata"), ("/privacy", "notice"))


async def test_a_factory_registers_in_chinese_by_commands_and_typed_answers(home: House) -> None:
    wang = writer(home)
    await wang.starts()
    await says(wang, "/register", *FORM[1:5])
    await talk(wang, ("/agenda", "议程"), ("/exit", "报名"), ("/venue", "深圳"), ("/register", "欢迎回来"))
    await says(wang, *FORM[5:])
    await talk(wang, ("/edit", "哪一项"), ("[姓名 王芳]", "姓名"), ("王小芳", "王小芳"), ("[确认]", "FFS-"))
    await talk(wang, ("/cancel", "确定"), ("[不取消]", "保留"), ("/organizer", "下一条"), ("能带样品吗", "转给主办方"))
    await talk(wang, ("/stop", "退订"), ("/resume", "恢复"), ("/mydata", "王小芳"), ("/language", "EN"))
    await talk(wang, ("/colleague", "同事"), ("[同意]", "单位"))
    assert not wang.contact_button, "the sender's own number is not the colleague's"
    assert await questions(home.usher.database, wang) == ["能带样品吗"]
    await talk(wang, ("/forget", "确定删除"), ("[确定删除]", "回执"))
    assert await contact(home.usher.database, wang) is None


async def test_the_language_is_the_phones_until_the_person_picks_one(home: House) -> None:
    ann, li = writer(home, language_code="en-GB"), writer(home, language_code="zh-hans")
    assert "Welcome" in await ann.starts()
    assert "您好" in await li.starts()
    await talk(ann, ("中文", "中文"), ("help", "直接打字"))
    await talk(li, ("EN", "English"), ("帮助", "Ask me"))


async def test_a_person_steps_back_by_old_buttons_and_is_told_so_politely(home: House) -> None:
    li = writer(home)
    await says(li, *FORM[:3])
    asked = next(line for line in li.transcript.lines if "工厂代表" in [option.label for option in line.choices])
    await talk(li, ("1", "3/8"))
    reply = await li.taps("零售商", line=asked.number)
    assert "之前" in reply
    assert "3/8" in reply
    await says(li, *FORM[4:], "[确认]")
    review = next(line for line in li.transcript.lines if "确认" in [option.label for option in line.choices])
    assert "编号" not in await li.taps("确认", line=review.number)
    [row] = await registrations(home.usher.database, li)
    assert row.category == "factory"
    assert row.reference in lines(li)[-1], "the old button shows what is registered"


async def test_a_button_of_a_format_that_nobody_knows_is_answered_too(home: House) -> None:
    li = writer(home)
    await li.starts()
    message = li.chat.messages[li.transcript.lines[-1].message_id]
    press = {"from": li.user, "message": message, "chat_instance": "1"}
    for data in ("0:form.consent.agree", "x" * 64, "1#0123456789abcdef"):
        query = {**press, "id": home.telegram.pressed(li.chat), "data": data}
        assert await home.telegram.deliver({"callback_query": query}) == [200]
    assert await registrations(home.usher.database, li) == []
    assert all("之前" in line for line in lines(li)[-3:])


@pytest.mark.parametrize("what", ["photo", "voice", "sticker", "document", "location"])
async def test_what_cannot_be_read_gets_a_polite_sentence_and_the_form_goes_on(home: House, what: str) -> None:
    li = writer(home)
    await says(li, *FORM[:5])
    reply: str = await getattr(li, f"sends_{what}")()
    assert "打字" in reply
    assert "4/8" in reply


async def test_an_edited_answer_is_asked_for_once_more(home: House) -> None:
    li = writer(home)
    await says(li, *FORM[:5])
    reply = await li.edits("东莞市快乐玩具厂")
    assert "再发一次" in reply
    assert "4/8" in reply


async def test_who_blocks_the_bot_is_known_as_out_of_reach_until_they_are_back(home: House) -> None:
    li = writer(home)
    reference = await registers(li)
    assert await li.blocks() == ""
    blocked = await contact(home.usher.database, li)
    assert blocked
    assert blocked.blocked_at
    assert await li.unblocks() == ""
    back = await contact(home.usher.database, li)
    assert back
    assert back.blocked_at is None
    await talk(li, ("我的报名", reference))


async def test_a_reply_to_who_blocked_in_between_is_given_up_and_not_sent_again(home: House) -> None:
    li = writer(home)
    await li.starts()
    li.chat.blocked = True
    message = {"message_id": 1, "from": li.user, "chat": li.chat.shape, "date": home.telegram.now(), "text": "帮助"}
    update = {"update_id": home.telegram.updates.next_id(), "message": message}
    assert await home.telegram.deliver(update) == [200]
    li.chat.blocked = False
    assert await home.telegram.deliver(update) == [200]
    assert len(lines(li)) == 1


async def test_a_group_is_told_to_write_privately(home: House) -> None:
    ann = writer(home, language_code="en")
    group = home.telegram.group(-1_000_000_000_000 - ann.user_id)
    reply = await ann.says("/register@usher_demo_bot", group)
    assert "privately" in reply
    assert "https://t.me/usher_demo_bot" in reply
    assert "privately" in await ann.says("@usher_demo_bot is it free", group)
    assert await contact(home.usher.database, ann) is None, "nothing of a group is kept"


async def test_updates_that_nobody_understands_are_kept_and_taken(home: House) -> None:
    li = writer(home)
    await li.starts()
    future = {"from": li.user, "chat": li.chat.shape, "something": {"new": True}}
    reaction = {"chat": li.chat.shape, "message_id": 1, "user": li.user, "date": 1, "old_reaction": []}
    assert await home.telegram.deliver({"hologram": future}) == [200]
    assert await home.telegram.deliver({"message_reaction": {**reaction, "new_reaction": []}}) == [200]
    assert await home.telegram.deliver({"message": {"from": li.user, "text": "no chat"}}) == [200]
    assert [row.reason.partition(":")[0] for row in await kept(home.usher.database, li)] == [
        *("not handled", "not handled", "no update"),
    ]
    assert len(lines(li)) == 1


async def test_a_wrong_secret_opens_nothing(home: House) -> None:
    li = writer(home)
    message = {"message_id": 1, "from": li.user, "chat": li.chat.shape, "date": home.telegram.now(), "text": "/start"}
    for wrong in ("", "another"):
        assert await home.telegram.deliver({"message": message}, secret=wrong) == [401]
    assert await contact(home.usher.database, li) is None


async def test_both_menus_of_commands_are_filled(home: House) -> None:
    async with asyncio.timeout(5):
        while len(home.telegram.commands) < 2:
            await asyncio.sleep(0.01)
    menus = {language: rows for (_, language), rows in home.telegram.commands.items()}
    assert [row["command"] for row in menus["zh"]] == [row["command"] for row in menus[""]]
    assert len(menus["zh"]) == 16
    assert "报名" in str(menus["zh"])
    assert "Register" in str(menus[""])


async def test_several_people_talk_at_once_in_two_languages(home: House) -> None:
    async def register(phone: Phone, form: tuple[str, ...]) -> str:
        return reference_in(await says(phone, *form, "[Confirm]" if form is FORM_EN else "[确认]"))

    people = [(writer(home, "en"), FORM_EN) if number % 2 else (writer(home), FORM) for number in range(8)]
    references = await asyncio.gather(*(register(phone, form) for phone, form in people))
    assert len(set(references)) == 8
    for (phone, _), reference in zip(people, references, strict=True):
        assert [row.reference for row in await registrations(home.usher.database, phone)] == [reference]
