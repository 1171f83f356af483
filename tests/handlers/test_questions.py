"""Free questions: answered, offered, passed on or declined; and the pictures and slips that come with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from bot.answers.matcher import Match, Outcome
from bot.content.records import Content
from bot.message import Kind
from bot.questions import asked as keeping
from bot.store.tables import Asked
from tests.chat import Town
from tests.edits import sentence
from tests.stored import asked, registered, waiting


async def test_a_known_question_is_answered_with_what_to_do_next(town: Town) -> None:
    chat = town.chat()
    assert (await chat.says("怎么报名")).endswith("提交后，结果会在这里和邮件里通知您。\n[1 我要报名]")
    assert (await chat.taps("我要报名")).startswith("好的，一共8步。")


async def test_every_entry_is_answered_to_its_own_words_in_both_languages(town: Town, content: Content) -> None:
    chat = town.chat()
    for entry in content.faq.values():
        for language in ("zh", "en"):
            said = next(text for text in entry.ask[language] if len(text.split()) > 1 or language == "zh")
            match = town.live.match(said)
            assert match.entry == entry.id, said
    assert "免费" in await chat.says(content.faq["cost"].ask["zh"][0])


async def test_a_question_that_may_mean_several_things_is_offered_them(town: Town) -> None:
    chat = town.chat()
    said = await chat.says("可以带孩子吗")
    assert said.startswith("我不太确定，您问的是哪一项？\n[1 ")
    assert said.endswith("都不是]")
    first = said.split("\n")[1][3:-1]
    answered = await chat.says("1")
    assert answered
    assert waiting(town.database) == []
    await chat.says("可以带孩子吗")
    assert await chat.taps(first) == answered


@pytest.mark.parametrize("word", ["都不是", "None of these", "tap", "number"])
async def test_none_of_these_passes_the_question_on(town: Town, word: str) -> None:
    chat = town.chat()
    said = await chat.says("可以带孩子吗")
    number = str(len(said.split("\n")) - 1)
    said = await (chat.taps("都不是") if word == "tap" else chat.says(number if word == "number" else word))
    assert said == "这个我不确定，不敢乱答，已经记下来转给主办方了。"
    assert waiting(town.database) == [("unknown", "可以带孩子吗")]


async def test_none_of_these_passes_on_nothing_where_the_question_is_not_there_any_more(town: Town) -> None:
    chat = town.chat()
    await chat.says("可以带孩子吗")
    town.database.write_now(lambda session: session.execute(delete(Asked)))
    assert (await chat.taps("都不是")).startswith("这个按钮是之前的")
    assert waiting(town.database) == []


async def test_what_is_too_much_for_a_day_is_not_called_passed_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "A_DAY", 1)
    chat = town.chat()
    assert "已经记下来转给主办方了" in await chat.says("能带狗吗")
    for said in (await chat.says("能带狗吗？"), await chat.says("人工", "请回电话")):
        assert said.startswith("您今天问的已经很多了，这句没能记下来。")
    assert waiting(town.database) == [("unknown", "能带狗吗")]
    assert (await chat.says("广交会几号开始")).startswith("这个我帮不上忙")


async def test_a_suggestion_tapped_days_later_is_still_answered(town: Town) -> None:
    chat = town.chat()
    said = await chat.says("可以带孩子吗")
    label, offered = said.split("\n")[1][3:-1], chat.reply
    await chat.says("议程", "报名")
    town.clock.wind(timedelta(days=3))
    chat.reply = offered
    assert (await chat.taps(label)).endswith("[1 同意]\n[2 不同意]")
    chat.reply = offered
    assert (await chat.taps("都不是")).startswith("这个按钮是之前的，已经用不上了。")
    assert waiting(town.database) == []


async def test_an_unknown_question_is_kept_for_the_organizer(town: Town) -> None:
    chat, english = town.chat(), town.chat("u2", language="en")
    said = await chat.says("能带狗吗")
    assert said.startswith("这个我不确定，不敢乱答，已经记下来转给主办方了。\n[1 看议程]")
    said = await english.says("will fireworks be lit")
    assert said.startswith("I'm not sure about that and won't guess.")
    assert waiting(town.database) == [("unknown", "能带狗吗"), ("unknown", "will fireworks be lit")]


async def test_what_is_not_ours_is_declined_and_not_passed_on(town: Town) -> None:
    chat = town.chat()
    said = await chat.says("广交会几号开始")
    assert said.startswith("这个我帮不上忙，我只了解2019年10月22日（周二）的家庭友好空间分享会。")
    assert said.endswith("[1 看议程]\n[2 会场在哪]")
    assert waiting(town.database) == []


@pytest.mark.parametrize("said", ["好的", "ok", "OK!", "嗯", "收到", "yes", "是的", "不"])
async def test_a_nod_is_no_question(town: Town, said: str) -> None:
    assert (await town.chat().says(said)).startswith("好的。需要时随时叫我")
    assert waiting(town.database) == []


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("谢谢", "不客气！"),
        ("謝謝！", "不客气！"),
        ("thanks", "不客气！"),
        ("再见", "再见"),
        ("你好", "您好！"),
        ("hello", "您好！"),
    ],
)
async def test_a_word_of_courtesy_is_answered_with_one(town: Town, said: str, answer: str) -> None:
    assert (await town.chat().says(said)).startswith(answer)
    assert waiting(town.database) == []


@pytest.mark.parametrize("typed", ["。", "😀", "…", " ", "\u200b", ""])
async def test_marks_alone_get_a_polite_word(town: Town, typed: str) -> None:
    assert (await town.chat().says(typed)).startswith("不好意思")
    assert waiting(town.database) == []


@pytest.mark.parametrize("typed", ["?", "？", "？？？"])
async def test_a_question_mark_alone_asks_for_help(town: Town, typed: str) -> None:
    assert "报名 · 我的报名 · 修改" in await town.chat().says(typed)
    assert waiting(town.database) == []


async def test_pictures_and_changed_messages_get_a_polite_word_in_either_language(town: Town) -> None:
    chat, english = town.chat(), town.chat("u2", language="en")
    assert (await chat.does(Kind.MEDIA)).startswith("不好意思，图片、语音")
    assert (await english.does(Kind.MEDIA)).startswith("Sorry, I can't read pictures")
    assert (await chat.does(Kind.EDITED, text="报名")).startswith("改过的旧消息我看不到")
    assert (await english.does(Kind.EDITED)).startswith("I can't see changes")
    assert registered(town.database) == []


async def test_blocking_and_unblocking_say_nothing(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    for kind in (Kind.BLOCK, Kind.UNBLOCK):
        await chat.does(kind)
        assert chat.reply is None
    assert (await chat.says("我的报名")).startswith("您的报名")


async def test_a_very_long_message_is_no_trouble(town: Town) -> None:
    chat = town.chat()
    assert (await chat.says("很长" * 20_000)).startswith(("这个我", "我不太确定"))
    await chat.says("报名", "同意", "4", "1")
    assert (await chat.says("厂" * 20_000)).startswith("有点长（20000字），请控制在80字以内。")


async def test_a_long_answer_goes_on_when_asked(town: Town, content: Content) -> None:
    chat = town.chat(language="en")
    for way in ("继续", "more", "1", "tap"):
        said = await chat.says("privacy")
        assert said.endswith("[1 More]")
        rest = await (chat.taps("More") if way == "tap" else chat.says(way))
        assert (said.removesuffix("\n[1 More]") + rest).count("Questions: reply") == 1, way
        assert rest.rstrip().endswith(sentence(content, "unknown.contact", "en")), way
    assert await chat.says("more") == 'That was all. Send "help" to see what I can do.\n[1 Help]'


async def test_the_rest_of_a_long_answer_in_mid_form_comes_with_the_question(town: Town) -> None:
    chat = town.chat(language="en")
    asks = await chat.says("register", "agree", "factory", "1", "Happy Toys", "Ann")
    said = await chat.says("privacy")
    assert said.endswith(f"{asks}\n[2 More]")
    for _ in range(2):
        said = await chat.says("2")
        assert asks in said
    assert said.endswith(asks)
    assert (await chat.says("HR manager")).startswith("6/8 ")


# A note to a person


async def test_a_note_is_kept_for_the_organizer(town: Town) -> None:
    chat = town.chat()
    assert (await chat.says("人工")).startswith("请把想对主办方说的话发在下一条消息里，我来转交。")
    assert await chat.says("报名表能发我一份吗？要收费吗") == "已经记下，转给主办方了。"
    assert waiting(town.database) == [("note", "报名表能发我一份吗？要收费吗")]
    assert (await chat.says("要收费吗")).startswith("参会费用：免费。")
    assert len(waiting(town.database)) == 1


async def test_a_note_in_mid_form_is_no_answer(town: Town) -> None:
    chat = town.chat()
    asks = await chat.says("报名", "同意", "4", "1")
    await chat.says("人工")
    assert await chat.says("请给我回电话") == f"已经记下，转给主办方了。\n{asks}"
    assert (await chat.says("东莞市欢乐玩具厂")).startswith("4/8 ")
    assert waiting(town.database) == [("note", "请给我回电话")]


async def test_another_word_instead_of_a_note_leaves_none(town: Town) -> None:
    chat = town.chat()
    await chat.says("人工")
    assert (await chat.says("议程")).startswith("会议议程：")
    assert (await chat.says("几点开始")).startswith("2019年10月22日")
    assert waiting(town.database) == []


async def test_who_sends_a_picture_for_a_note_may_still_type_it(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", "同意", "4", "1", "人工")
    assert (await chat.does(Kind.MEDIA)) == "不好意思，图片、语音、表情和文件我看不懂，请您打字告诉我。"
    assert (await chat.says("请给我回电话")).startswith("已经记下")
    assert waiting(town.database) == [("note", "请给我回电话")]


async def test_a_number_can_be_a_note(town: Town) -> None:
    chat = town.chat()
    await chat.says("议程", "人工", "3")
    assert waiting(town.database) == [("note", "3")]


# What is kept, and what is kept in mind


async def test_every_question_is_kept_with_what_became_of_it(town: Town) -> None:
    chat = town.chat()
    await chat.says("要收费吗", "能带狗吗", "广交会几号开始", "可以带孩子吗")
    assert asked(town.database) == [
        ("answer", "要收费吗"),
        ("unknown", "能带狗吗"),
        ("foreign", "广交会几号开始"),
        ("suggest", "可以带孩子吗"),
    ]
    await chat.says("1")
    assert asked(town.database)[3] == ("tapped", "可以带孩子吗")
    await chat.says("报名", "议程", "谢谢", "好的", "1", "？", "。", "同意", "4", "1", "东莞市欢乐玩具厂")
    assert len(asked(town.database)) == 4  # none of these asked anything


async def test_a_tap_on_an_old_message_says_nothing_of_the_newer_question(town: Town) -> None:
    chat = town.chat()
    await chat.says("可以带孩子吗")
    old = chat.reply
    await chat.says("能不能带孩子来玩", "议程")
    chat.reply = old
    assert old
    await chat.taps(old.choices[0].label)
    assert "tapped" not in [outcome for outcome, _ in asked(town.database)]


def remembering(town: Town) -> list[tuple[str, str]]:
    """What the matcher is asked to read as a follow-up: (outcome so far, entry that was answered last)."""
    seen: list[tuple[str, str]] = []

    def with_last(match: Match, last: str) -> Match:
        seen.append((match.outcome, last))
        return Match(Outcome.ANSWER, entry="where")

    town.live = replace(town.live, with_last=with_last)
    return seen


async def test_a_follow_up_is_about_what_was_answered_last(town: Town) -> None:
    chat, seen = town.chat(), remembering(town)
    assert (await chat.says("几点开始")).startswith("2019年10月22日")
    assert seen == []
    assert (await chat.says("那地址呢")).startswith("会议在深圳举行。")
    assert [last for _, last in seen] == ["when"]
    await chat.says("谢谢")  # a courtesy changes no subject
    await chat.says("还有呢")
    assert [last for _, last in seen] == ["when", "where"]


async def test_after_half_an_hour_or_something_else_it_is_forgotten(town: Town) -> None:
    chat, seen = town.chat(), remembering(town)
    await chat.says("几点开始")
    town.clock.wind(timedelta(minutes=30))
    await chat.says("那呢")
    assert seen == []
    await chat.says("几点开始")
    town.clock.wind(timedelta(minutes=29))
    await chat.says("那呢")
    assert len(seen) == 1
    for other in ("我的报名", "报名", "退出", "人工"):
        await chat.says("几点开始", other)
        seen.clear()
        await chat.says("那呢")
        assert seen == [], other


@pytest.mark.parametrize(("word", "entry"), [("议程", "agenda"), ("议题3", "agenda_3"), ("地点", "where")])
async def test_what_a_word_answers_may_be_followed_up_as_well(town: Town, word: str, entry: str) -> None:
    chat, seen = town.chat(), remembering(town)
    await chat.says(word, "那呢")
    assert [last for _, last in seen] == [entry]


async def test_a_number_after_the_agenda_is_one_of_its_items(town: Town, content: Content) -> None:
    chat = town.chat()
    await chat.says("议程")
    assert f"3. {content.agenda.items[2].title.zh}" in await chat.says("3")
    await chat.says("谢谢")
    assert (await chat.says("99")).startswith("现在没有要选的编号。")


async def test_a_follow_up_in_the_form_is_about_the_answer_given_there(town: Town) -> None:
    chat, seen = town.chat(), remembering(town)
    await chat.says("报名", "同意", "4", "1", "几点开始？")
    assert (await chat.says("那地址呢？")).startswith("会议在深圳举行。")
    assert [last for _, last in seen] == ["when"]
    assert (await chat.says("东莞市欢乐玩具厂")).startswith("4/8 ")
    await chat.says("那呢？")
    assert len(seen) == 1


async def test_a_question_about_the_mail_begins_with_how_the_registration_stands(town: Town) -> None:
    chat = town.chat()
    assert (await chat.says("怎么还没收到确认邮件")).startswith(
        "您还没有报名。现在报名大约需要2分钟。\n回复「我的报名」"
    )
    await chat.registers()
    (row,) = registered(town.database)
    said = await chat.says("怎么还没收到确认邮件")
    assert said.startswith(f"您的报名 {row.reference}\n状态：已提交，等主办方审核\n回复「我的报名」")


async def test_chinese_in_latin_letters_is_answered_in_chinese(town: Town) -> None:
    chat = town.chat()
    await chat.says("你好")
    assert "免费" in await chat.says("yao shou fei ma")
    assert "9:30" in await chat.says("hui yi ji dian")
    assert "Admission" not in await chat.says("yao shou fei ma")
    assert "free" in await chat.says("do I have to pay for it?")


@pytest.mark.parametrize("said", ["thank you so much", "谢谢啦", "谢谢你", "唔該晒", "Good morning", "多谢您！"])
async def test_courtesy_is_no_question_and_changes_no_language(town: Town, said: str) -> None:
    chat = town.chat()
    await chat.says("你好")
    assert await chat.says(said) == await chat.says("是的")
    assert "免费" in await chat.says("要收费吗")
    assert waiting(town.database) == []


@pytest.mark.parametrize("said", ["can I borrow a wheelchair", "会场可以抽烟吗"])
async def test_what_may_be_ours_after_all_goes_to_the_organizers(town: Town, said: str) -> None:
    """Only what is as good as surely foreign is refused."""
    await town.chat().says(said)
    assert [text for _, text in waiting(town.database)] == [said]
