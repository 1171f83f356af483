"""Chinese unless the person picks English, the platform says so, or a free question is English; nothing else counts."""

from __future__ import annotations

import pytest

from bot.message import Kind
from tests.chat import FORM, Town
from tests.stored import contact, registered

CHINESE, ENGLISH = "会议议程：", "Agenda:"


async def test_chinese_is_spoken_first(town: Town) -> None:
    assert (await town.chat().says("agenda")).startswith(CHINESE)
    assert (await town.chat("u2", language="zh").says("议程")).startswith(CHINESE)


async def test_english_is_spoken_where_the_platform_says_so(town: Town) -> None:
    chat = town.chat(language="en")
    assert (await chat.does(Kind.START)).startswith("Welcome!")
    assert (await chat.says("议程")).startswith(ENGLISH)


async def test_what_the_platform_says_later_changes_nothing(town: Town) -> None:
    chat = town.chat()
    await chat.says("议程")
    chat.language = "en"
    assert (await chat.says("议程")).startswith(CHINESE)


@pytest.mark.parametrize("word", ["EN", "en", "English", "ＥＮ", "英文", "En."])
async def test_english_is_picked(town: Town, word: str) -> None:
    chat = town.chat()
    assert (await chat.says(word)).startswith("All right, English it is.\n[1 Register]")
    assert (await chat.says("议程")).startswith(ENGLISH)
    assert contact(town.database, "u1").language_chosen


@pytest.mark.parametrize("word", ["中文", "Chinese", "zh", "普通话"])
async def test_chinese_is_picked(town: Town, word: str) -> None:
    chat = town.chat(language="en")
    assert (await chat.says(word)).startswith("好的，我们用中文。\n[1 我要报名]")
    assert (await chat.says("agenda")).startswith(CHINESE)


async def test_the_language_can_be_tapped(town: Town) -> None:
    chat = town.chat()
    assert await chat.says("语言") == "请选择语言 / Please choose: 回复「中文」或 EN。\n[1 中文]\n[2 English]"
    assert (await chat.taps("English")).startswith("All right")
    assert (await chat.says("language", "1")).startswith("好的，我们用中文。")


@pytest.mark.parametrize("asked", ["is it free", "Is there parking?", "how much does it cost", "will fireworks be lit"])
async def test_a_free_question_of_two_english_words_is_answered_in_english(town: Town, asked: str) -> None:
    chat = town.chat()
    said = await chat.says(asked)
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in said), said
    assert (await chat.says("议程")).startswith(ENGLISH)
    assert not contact(town.database, "u1").language_chosen


async def test_a_chinese_question_turns_it_back(town: Town) -> None:
    chat = town.chat()
    await chat.says("is it free")
    assert (await chat.says("要收费吗")).startswith("参会费用：免费。")
    assert (await chat.says("agenda")).startswith(CHINESE)


WORDS = (
    "parking?",
    "ok",
    "OK ok",
    "ok thanks",
    "thank you",
    "hello",
    "sign up",
    "my registration",
    "my data",
    "item 3",
)
ADDRESSES = ("wangfang@example.com", "a.b@example.com c.d@example.com", "https://example.com/some/page", "13800138000")


@pytest.mark.parametrize("said", [*WORDS, *ADDRESSES, "4", "4 4", "FFS-7K2M9Q"])
async def test_numbers_addresses_single_words_and_commands_never_change_it(town: Town, said: str) -> None:
    chat = town.chat()
    await chat.says(said)
    assert contact(town.database, "u1").language == "zh"


async def test_answers_in_the_form_never_change_it(town: Town) -> None:
    chat = town.chat()
    await chat.says(
        "报名", "I agree", "toy factory", "new to the programme", "Happy Toys Factory Dongguan", "Wang Fang"
    )
    await chat.says("HR manager", "my number is", "+852 6123 4567", "not yet sure", "wang.fang@example.com")
    assert (await chat.says("yes that is right")).startswith("请点「确认」提交")
    assert (await chat.says("yes")).startswith("报名已提交")
    assert registered(town.database)[0].language == "zh"


async def test_chinese_answers_do_not_turn_an_english_form(town: Town) -> None:
    chat = town.chat(language="en")
    await chat.says("register", *FORM[:7])
    assert (await chat.says(FORM[7])).startswith(
        "Please check:\nCategory Factory\n2019 programme In the 2019 programme"
    )
    assert (await chat.says("confirm")).startswith("Your registration is in.")


async def test_an_english_question_in_mid_form_turns_it_and_the_form_asks_in_english(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:4])
    said = await chat.says("is it free?")
    assert said.endswith("4/8 Your name?")


async def test_a_picked_language_stays(town: Town) -> None:
    chat, english = town.chat(), town.chat("u2")
    await chat.says("中文")
    assert (await chat.says("is it free")).startswith("参会费用：免费。")
    await english.says("EN")
    assert (await english.says("要收费吗")).startswith("Cost of attending: free.")
    assert (await english.does(Kind.START)).startswith("Welcome!")


async def test_picking_in_mid_form_goes_on_with_the_question(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", "同意")
    said = await chat.says("EN")
    assert said.startswith("All right, English it is.\n1/8 You represent:\n[1 Toy association]")
    assert (await chat.says("4")).startswith("2/8 Is your organization")
