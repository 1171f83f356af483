"""What people type, made comparable."""

from __future__ import annotations

import pytest

from bot.answers.normalize import language_of, number, plain, reads_as_question


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("报名", "报名"),
        ("  【報名】！ ", "报名"),
        ("“報名”。", "报名"),
        ("报名\n", "报名"),
        ("ＲＥＧＩＳＴＥＲ", "register"),
        ("Register!!", "register"),
        ("/register", "register"),
        ("my  registration", "my registration"),
        ("刪除我的資料", "删除我的资料"),
        ("聯繫主辦方", "联系主办方"),
        ("ＥＮ", "en"),
        ("😀报名😀", "报名"),
        ("???", ""),
        ("", ""),
    ],
)
def test_marks_width_case_and_script_make_no_difference(typed: str, read: str) -> None:
    assert plain(typed) == read


FOUR = (
    "4",
    "４",
    "④",
    "4.",
    "4。",
    "4、",
    "(4)",
    "（4）",
    "选4",
    "選４",
    "四",
    "第四个",
    "第4項",
    "4号",
    "four",
    "Four",
    "⑷",
    "4️⃣",
)


@pytest.mark.parametrize("typed", [*FOUR, " 4\n", "#4", "No.4", "no. 4", "number 4", "option 4"])
def test_four_however_it_is_written(typed: str) -> None:
    assert number(typed) == 4


@pytest.mark.parametrize(
    "typed", ["0", "44x", "4 5", "100", "四川", "工厂", "", "4a", "one two", "13800138000", "第四届", "-", "4.5", "1/2"]
)
def test_what_is_no_number_of_a_choice(typed: str) -> None:
    assert number(typed) is None


@pytest.mark.parametrize(
    ("typed", "language"),
    [
        ("what time does it start", "en"),
        ("lunch included?", "en"),
        ("Is it free", "en"),
        ("ｗｈｅｎ ｉｓ ｉｔ", "en"),
        ("parking", None),
        ("FFS-7K2M9Q", None),
        ("a1 b2 c3", None),
        ("what's up", "en"),
        ("ok", None),
        ("OK ok", None),
        ("ok thanks", None),
        ("wangfang@example.com", None),
        ("my@mail.example", None),
        ("https://example.com/a/b", None),
        ("13800138000", None),
        ("4", None),
        ("?!", None),
        ("", None),
        ("几点开始", "zh"),
        ("會場在哪", "zh"),
        ("FFS 是什么", "zh"),
    ],
)
def test_two_english_words_are_english_and_chinese_characters_chinese(typed: str, language: str | None) -> None:
    assert language_of(typed) == language


CHINESE = ("要收费吗", "要收費嗎", "几点开始", "会场在哪里", "有没有停车场", "午餐呢", "多少钱", "是不是免费", "王芳？")
ENGLISH = ("Is there lunch?", "where is the venue", "how do I get there", "can I bring my children", "Happy Toys Ltd?")


@pytest.mark.parametrize("typed", [*CHINESE, *ENGLISH])
def test_what_asks_something(typed: str) -> None:
    assert reads_as_question(typed)


COMPANIES = (
    "什么值得买科技有限公司",
    "What If Toys Ltd",
    "Who What Wear Inc.",
    "哪里跑玩具集团",
    "谁是谁（深圳）有限公司",
)
PEOPLE = ("王芳", "Wang Fang", "Will Smith", "Will Van Dyke", "May Li", "经理", "HR manager", "人事", "不", "Do It")


@pytest.mark.parametrize("typed", [*COMPANIES, *PEOPLE, "东莞市欢乐玩具厂", "How Good Co", "May Cheong Toy Products"])
def test_a_name_that_only_looks_like_a_question_is_none(typed: str) -> None:
    assert not reads_as_question(typed)
