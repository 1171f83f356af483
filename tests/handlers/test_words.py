"""Every word of the contract is understood anywhere, in both languages, however it is typed."""

from __future__ import annotations

import pytest

import handlers
from bot.answers.normalize import plain
from bot.content.records import Content
from tests.chat import FORM, Town
from tests.edits import sentence
from tests.stored import registered, waiting

# What is said to somebody who is not in the form, and the words for it: the contract's two first.
WORDS = {
    "form.begin": ("报名", "register", "報名"),
    "me.none": ("我的报名", "me", "我的報名", "修改", "edit", "取消报名", "cancel", "取消報名"),
    "colleague.first_yourself": ("替同事报名", "colleague", "替同事報名"),
    "agenda.heading": ("议程", "agenda", "議程"),
    "venue.text": ("地点", "venue", "地點"),
    "help": ("帮助", "help", "幫助"),
    "language.ask": ("语言", "language", "語言"),
    "exit.nothing": ("退出", "exit"),
    "organizer.ask": ("人工", "organizer"),
    "mydata.contact": ("我的数据", "mydata", "我的數據"),
    "forget.ask": ("删除我的信息", "forget", "刪除我的信息"),
    "stop.done": ("退订", "stop", "退訂"),
    "resume.done": ("订阅", "resume", "訂閱"),
    "more.nothing": ("继续", "more", "繼續"),
}
TYPED = ("{}", "{}！", " 【{}】", "{}。\n", "“{}”", "{}?")


def wide(word: str) -> str:
    """The word in full-width letters, as a Chinese keyboard may type it."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in word)


@pytest.mark.parametrize("word", [word for words in WORDS.values() for word in words])
def test_marks_width_and_case_around_a_word_do_not_matter(word: str) -> None:
    handler = handlers.router.words[plain(word)]
    forms = [form.format(word) for form in TYPED] + [wide(word), word.upper(), word.title()]
    assert [handlers.router.words.get(plain(form)) for form in forms] == [handler] * len(forms)


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ("我想报名", "报名"),
        ("请帮我报名一下，谢谢", "报名"),
        ("我要取消报名", "取消报名"),
        ("麻烦转人工", "人工"),
        ("想修改一下", "修改"),
        ("I want to register", "register"),
        ("register please!", "register"),
        ("I'd like to cancel, please", "cancel"),
    ],
)
def test_courtesy_around_a_word_does_not_matter(wish: str, word: str) -> None:
    assert handlers.router._command(wish) is handlers.router.words[word]


@pytest.mark.parametrize("word", ["报名表在哪", "我的报名呢在哪", "melody", "helpful", "reeditor", "议程表怎么还没有"])
def test_a_word_inside_another_is_not_that_word(word: str) -> None:
    assert not handlers.router.knows(word)


async def test_each_word_is_answered_in_the_language_that_is_spoken(town: Town, content: Content) -> None:
    for key, words in WORDS.items():
        chinese, english = (sentence(content, key, language).split("{")[0] for language in ("zh", "en"))
        for word in words:
            assert chinese in await town.chat(f"zh {word}").says(word), word
            assert english in await town.chat(f"en {word}", language="en").says(word), word


async def test_the_notice_is_shown_whole(town: Town, content: Content) -> None:
    for word in ("隐私", "privacy", "隱私", "ＰＲＩＶＡＣＹ"):
        said = await town.chat(word).says(word)
        if town.adapter.fit and "继续" in said:
            said = said.replace("[1 继续]", "")
        assert said.startswith("隐私说明（第1版）\n谁负责：ICTI Ethical Toy Program（IETP）")


IN_THE_FORM = {
    "welcome_back": ("报名", "register"),
    "me.draft": ("我的报名", "me"),
    "form.which": ("修改", "edit"),
    "drop.ask": ("取消报名", "cancel"),
    "colleague.first_yourself": ("替同事报名", "colleague"),
    "agenda.heading": ("议程", "agenda"),
    "venue.text": ("地点", "venue"),
    "help": ("帮助", "help"),
    "language.ask": ("语言", "language"),
    "exit.done": ("退出", "exit"),
    "organizer.ask": ("人工", "organizer"),
    "mydata.contact": ("我的数据", "mydata"),
    "forget.ask": ("删除我的信息", "forget"),
    "stop.done": ("退订", "stop"),
    "resume.done": ("订阅", "resume"),
    "form.name": ("继续", "more"),
}
ASIDES = (
    "me.draft",
    "agenda.heading",
    "venue.text",
    "help",
    "language.ask",
    "mydata.contact",
    "stop.done",
    "resume.done",
)


async def test_in_the_form_each_word_is_still_that_word_and_no_name(town: Town, content: Content) -> None:
    asks = "4/8 请问您的姓名？"
    for key, words in IN_THE_FORM.items():
        expected = {"welcome_back": "欢迎回来", "form.name": asks}.get(key) or sentence(content, key).split("{")[0]
        for word in words:
            chat = town.chat(f"in the form: {word}")
            await chat.says("报名", *FORM[:4])
            said = await chat.says(word)
            assert expected in said, word
            assert (asks in said) is (key in (*ASIDES, "welcome_back", "form.name")), word
    assert registered(town.database) == []


async def test_words_in_the_middle_lose_nothing_of_what_was_typed(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM[:5])
    for words in IN_THE_FORM.values():
        for word in words:
            await chat.says(word)
    await chat.says("报名", *FORM[5:], "确认")
    (row,) = registered(town.database)
    assert (row.organization, row.name, row.title, row.phone) == (FORM[3], FORM[4], FORM[5], f"+86{FORM[6]}")


@pytest.mark.parametrize("typed", ["3", "三", "99"])
async def test_a_number_where_nothing_is_offered_says_so(town: Town, content: Content, typed: str) -> None:
    assert await town.chat().says("帮助", typed) == sentence(content, "number.nothing")


@pytest.mark.parametrize("typed", ["/foo", "/what_is_this", "/help2"])
async def test_a_command_that_nobody_knows_gets_the_help(town: Town, content: Content, typed: str) -> None:
    chat = town.chat()
    assert await chat.says(typed) == sentence(content, "help")
    asked = await chat.says("报名", "1")
    said = await chat.says(typed)
    assert said.startswith(sentence(content, "help").split("\n")[0])
    assert said.endswith(asked)
    assert waiting(town.database) == []


async def test_a_command_that_is_known_is_the_word(town: Town) -> None:
    assert (await town.chat(language="en").says("/agenda")).startswith("Agenda:")
