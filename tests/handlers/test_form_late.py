"""Taps that come late, and confirmations that come twice."""

from __future__ import annotations

import pytest

from bot.message import Kind
from bot.store.tables import Registration
from tests.chat import FORM, Town, at
from tests.stored import contact, registered


async def test_a_tap_on_an_earlier_question_is_answered_politely(town: Town) -> None:
    chat = town.chat()
    await at(chat, "category")
    old = chat.reply
    asks = await chat.says("4")
    chat.reply = old
    assert await chat.taps("零售商") == f"这个按钮是之前的，已经用不上了。\n{asks}"
    await chat.says(*FORM[2:], "确认")
    assert registered(town.database)[0].category == "factory"


async def test_a_made_up_tap_chooses_nothing(town: Town) -> None:
    chat = town.chat()
    asks = await at(chat, "programme")
    for tag in ("form.programme.everything", "form.category.brand", "review.confirm", "cancel.FFS-000000.yes",
                "forget.yes", "drop.yes", "change._done", "nonsense", "?", "form", "..."):  # fmt: skip
        said = await chat.does(Kind.TEXT, text="x", tapped=tag)
        assert said == f"这个按钮是之前的，已经用不上了。\n{asks}", tag
    assert (await chat.does(Kind.TEXT, text="x", tapped="faq.no_such_entry")).endswith(asks)
    await chat.says(*FORM[2:], "确认")
    assert [row.programme for row in registered(town.database)] == ["in_programme"]


async def test_a_second_confirm_shows_what_was_sent(town: Town) -> None:
    chat = town.chat()
    review = await at(chat, "review")
    shown = chat.reply
    assert review.endswith("[3 取消]")
    await chat.says("确认")
    (row,) = registered(town.database)
    for word in ("确认", "confirm", "提交"):
        assert (await chat.says(word)).startswith(f"您的报名 {row.reference}\n王芳 · 人事经理 · 东莞市欢乐玩具厂")
    chat.reply = shown
    assert (await chat.taps("确认")).startswith(f"您的报名 {row.reference}")
    assert len(registered(town.database)) == 1


async def test_confirm_before_the_end_asks_what_is_missing(town: Town) -> None:
    chat = town.chat()
    asks = await at(chat, "phone")
    assert await chat.says("确认") == f"还差一点就好了。\n{asks}"
    assert await town.chat("u2").says("确认") == "您还没有报名。现在报名大约需要2分钟。\n[1 我要报名]"


@pytest.mark.parametrize("word", ["对", "是的", "没问题", "yes", "Correct.", "1"])
async def test_the_review_can_be_confirmed_in_plain_words(town: Town, word: str) -> None:
    chat = town.chat()
    await at(chat, "review")
    assert (await chat.says(word)).startswith("报名已提交")


async def test_a_second_register_shows_the_registration(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    (row,) = registered(town.database)
    for word in ("报名", "register", "我的报名", "me"):
        said = await chat.says(word)
        assert said.startswith(
            f"您的报名 {row.reference}\n王芳 · 人事经理 · 东莞市欢乐玩具厂\n状态：已提交，等主办方审核"
        )
        assert said.endswith("[1 修改报名]\n[2 取消报名]\n[3 替同事报名]")
    assert len(registered(town.database)) == 1


async def test_who_was_registered_meanwhile_is_shown_that_and_not_registered_again(town: Town) -> None:
    chat, now = town.chat(), town.clock.now()
    await at(chat, "review")
    by_hand = Registration(
        reference="FFS-000000",
        contact_id=contact(town.database, "u1").id,
        name="王芳",
        consent_at=now,
        created_at=now,
    )
    town.database.write_now(lambda session: session.add(by_hand))
    assert (await chat.says("确认")).startswith("您的报名 FFS-000000\n王芳")
    assert (await chat.says("你好")).endswith("[1 我的报名]\n[2 看议程]\n[3 会场在哪]")  # the form is over
    assert len(registered(town.database)) == 1


async def test_two_people_with_the_same_answers_are_two_registrations(town: Town) -> None:
    one, other = town.chat("u1"), town.chat("u2")
    for text in ("报名", *FORM, "确认"):
        await one.says(text)
        await other.says(text)
    rows = registered(town.database)
    assert len({row.reference for row in rows}) == 2
    assert len({row.contact_id for row in rows}) == 2
