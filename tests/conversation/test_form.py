"""What an answer to each question means, and which question comes next; without a chat and without a database."""

from __future__ import annotations

import pytest

from bot.content.form import Form, Question
from bot.content.records import Content
from bot.conversation.form import InvalidAnswer, asked, next_question, pick, pruned, read, step, still_valid

ALL = ["consent", "category", "programme", "organization", "name", "title", "phone", "email"]
FACTORY = {"consent": "agree", "category": "factory", "programme": "new", "organization": "东莞市欢乐玩具厂",
           "name": "王芳", "title": "", "phone": "+8613800138000", "email": "wangfang@example.com"}  # fmt: skip


@pytest.fixture(scope="module")
def form(content: Content) -> Form:
    return content.form


def question(form: Form, name: str) -> Question:
    return next(row for row in form.questions if row.id == name)


# The order


def test_the_order_is_that_of_the_contract(form: Form) -> None:
    assert [row.id for row in form.questions] == ALL


@pytest.mark.parametrize(
    ("category", "is_asked"), [("toy_association", False), ("brand", True), ("retailer", False), ("factory", True)]
)
def test_only_factories_and_brands_are_asked_about_the_programme(form: Form, category: str, is_asked: bool) -> None:
    answers = {"consent": "agree", "category": category}
    assert ("programme" in [row.id for row in asked(form, answers)]) is is_asked
    following = next_question(form, answers)
    assert following is not None
    assert following.id == ("programme" if is_asked else "organization")


def test_each_answer_leads_to_the_next_question_and_the_last_to_the_review(form: Form) -> None:
    answers: dict[str, str] = {}
    for name in ALL:
        following = next_question(form, answers)
        assert following is not None
        assert following.id == name
        answers[name] = FACTORY[name]
    assert next_question(form, answers) is None


def test_a_consent_that_was_not_given_is_asked_for(form: Form) -> None:
    following = next_question(form, {**FACTORY, "consent": "disagree"})
    assert following is not None
    assert following.id == "consent"


@pytest.mark.parametrize(
    ("name", "category", "stands"),
    [
        ("consent", "factory", (0, 8)),
        ("category", "factory", (1, 8)),
        ("programme", "factory", (2, 8)),
        ("phone", "factory", (6, 8)),
        ("email", "factory", (7, 8)),
        ("organization", "retailer", (2, 7)),
        ("email", "retailer", (6, 7)),
    ],
)
def test_where_a_question_stands(form: Form, name: str, category: str, stands: tuple[int, int]) -> None:
    assert step(form, question(form, name), {"category": category}) == stands


def test_what_was_given_for_a_colleague_is_not_counted(form: Form) -> None:
    assert step(form, question(form, "organization"), FACTORY, given={"category", "programme"}) == (1, 6)


def test_an_answer_whose_question_no_longer_applies_is_not_registered(form: Form) -> None:
    assert "programme" not in pruned(form, {**FACTORY, "category": "retailer"})
    assert pruned(form, FACTORY) == FACTORY


def test_of_old_answers_only_those_stay_that_the_form_would_take_now(form: Form) -> None:
    old = {**FACTORY, "category": "museum", "phone": "12", "email": "", "shoe_size": "42", "name": "x" * 41}
    assert still_valid(form, old) == {name: FACTORY[name] for name in ("consent", "programme", "organization", "title")}


# Choices


@pytest.mark.parametrize(
    ("name", "typed", "chosen"),
    [
        ("category", "1", "toy_association"),
        ("category", "玩具协会", "toy_association"),
        ("category", "玩具協會", "toy_association"),
        ("category", "Toy association", "toy_association"),
        ("category", "toy  ASSOCIATION.", "toy_association"),
        ("category", "2", "brand"),
        ("category", "品牌商", "brand"),
        ("category", "品牌商！", "brand"),
        ("category", "Brand", "brand"),
        ("category", "ｂｒａｎｄ", "brand"),
        ("category", "3", "retailer"),
        ("category", "零售商", "retailer"),
        ("category", "retailer", "retailer"),
        ("category", "4", "factory"),
        ("category", "４", "factory"),
        ("category", "④", "factory"),
        ("category", "选4", "factory"),
        ("category", "第四个", "factory"),
        ("category", "工厂代表", "factory"),
        ("category", "工廠代表", "factory"),
        ("category", "工厂", "factory"),
        ("category", "Factory", "factory"),
        ("programme", "1", "in_programme"),
        ("programme", "已参加", "in_programme"),
        ("programme", "已參加", "in_programme"),
        ("programme", "In the 2019 programme", "in_programme"),
        ("programme", "2", "new"),
        ("programme", "还没有，想了解", "new"),
        ("programme", "還沒有，想了解", "new"),
        ("programme", "new to it", "new"),
        ("consent", "同意", "agree"),
        ("consent", "agree", "agree"),
        ("consent", "I agree", "agree"),
        ("consent", "1", "agree"),
        ("consent", "不同意", "disagree"),
        ("consent", "Disagree", "disagree"),
        ("consent", "2", "disagree"),
    ],
)
def test_a_choice_takes_its_number_or_its_label_in_either_language(
    form: Form, name: str, typed: str, chosen: str
) -> None:
    assert read(question(form, name), typed) == chosen


@pytest.mark.parametrize("typed", ["5", "0", "99", "学校", "玩具", "", "？", "1 2", "factory brand", "13800138000"])
def test_what_is_none_of_the_choices_is_told_how_many_there_are(form: Form, typed: str) -> None:
    assert pick(question(form, "category"), typed) is None
    with pytest.raises(InvalidAnswer) as wrong:
        read(question(form, "category"), typed)
    assert (wrong.value.key, wrong.value.values) == ("form.invalid.choice", {"count": 4})


# Free text


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("东莞市欢乐玩具厂", "东莞市欢乐玩具厂"),
        ("  Happy Toys  Factory,\nDongguan ", "Happy Toys Factory, Dongguan"),
        ("Cafe\u0301 Toys", "Caf\u00e9 Toys"),
        ("乐\u200b乐\u202e玩具", "乐 乐 玩具"),
        ("什么值得买科技有限公司", "什么值得买科技有限公司"),
        ("7", "7"),
        ("O'Neil & Söhne <GmbH>", "O'Neil & Söhne <GmbH>"),
        ("Ｔｏｙｓ株式会社", "Ｔｏｙｓ株式会社"),
        ("王".ljust(80, "芳"), "王".ljust(80, "芳")),
    ],
)
def test_free_text_is_kept_as_it_was_typed_on_one_line(form: Form, typed: str, stored: str) -> None:
    assert read(question(form, "organization"), typed) == stored


@pytest.mark.parametrize("typed", ["", "   ", "……", "？？", "—", "\u200b", "😀"])
def test_text_without_a_letter_is_told_so(form: Form, typed: str) -> None:
    with pytest.raises(InvalidAnswer) as wrong:
        read(question(form, "name"), typed)
    assert wrong.value.key == "form.invalid.empty"


def test_text_that_is_too_long_is_told_by_how_much(form: Form) -> None:
    with pytest.raises(InvalidAnswer) as wrong:
        read(question(form, "name"), "王" * 41)
    assert (wrong.value.key, wrong.value.values) == ("form.invalid.long", {"length": 41, "limit": 40})


# Phones


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("13800138000", "+8613800138000"),
        ("138 0013 8000", "+8613800138000"),
        ("138-0013-8000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("+8613800138000", "+8613800138000"),
        ("8613800138000", "+8613800138000"),
        ("0086 13800138000", "+8613800138000"),
        ("手机13800138000", "+8613800138000"),
        ("tel: 13800138000。", "+8613800138000"),
        ("我的手机号是138 0013 8000，微信同号", "+8613800138000"),
        ("0755-8888 6666", "+8675588886666"),
        ("+852 6123 4567", "+85261234567"),
        ("＋８５２ ６１２３ ４５６７", "+85261234567"),
        ("+1 650 253 0000", "+16502530000"),
        ("+1 (650) 253-0000", "+16502530000"),
        ("+84 91 234 56 78", "+84912345678"),
        ("+44 20 7946 0018", "+442079460018"),
    ],
)
def test_phones_are_stored_in_the_international_form(form: Form, typed: str, stored: str) -> None:
    assert read(question(form, "phone"), typed) == stored


@pytest.mark.parametrize(
    ("typed", "key", "count"),
    [
        ("1380013800", "form.invalid.phone_short", 1),
        ("138001380", "form.invalid.phone_short", 2),
        ("+86 138 0013 800", "form.invalid.phone_short", 1),
        ("138001380001", "form.invalid.phone_long", 1),
        ("1380013800011", "form.invalid.phone_long", 2),
        ("138", "form.invalid.phone", None),
        ("12345678901", "form.invalid.phone", None),
        ("10000000000", "form.invalid.phone", None),
        ("6123 4567", "form.invalid.phone", None),
        ("+852 6123 456", "form.invalid.phone", None),
        ("+1 650 253", "form.invalid.phone", None),
        ("+999 123456789", "form.invalid.phone", None),
        ("13800138000 13900139000", "form.invalid.phone", None),
        ("没有", "form.invalid.phone", None),
        ("my number", "form.invalid.phone", None),
        ("we are 138 people in 0013 rooms, 8000 each", "form.invalid.phone", None),
        ("wangfang@example.com", "form.invalid.phone", None),
        ("", "form.invalid.phone", None),
        ("+", "form.invalid.phone", None),
        ("1" * 500, "form.invalid.phone", None),
    ],
)
def test_what_is_wrong_with_a_phone_number(form: Form, typed: str, key: str, count: int | None) -> None:
    with pytest.raises(InvalidAnswer) as wrong:
        read(question(form, "phone"), typed)
    assert (wrong.value.key, wrong.value.values.get("count")) == (key, count)


# E-mail


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("wangfang@example.com", "wangfang@example.com"),
        (" wangfang@Example.COM ", "wangfang@example.com"),
        ("Wang.Fang+toys@example.com", "Wang.Fang+toys@example.com"),
        ("ｗａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ", "wang@example.com"),
        ("wangfang@example.com。", "wangfang@example.com"),
        ("<wangfang@example.com>", "wangfang@example.com"),
        ("wangfang@example.com?", "wangfang@example.com"),
        ("12345678@qq.com", "12345678@qq.com"),
        ("wangfang@例子.中国", "wangfang@例子.中国"),
        ("邮箱是wangfang@example.com", "wangfang@example.com"),
        ("我的邮箱：wangfang@example.com，谢谢", "wangfang@example.com"),
        ("wangfang@example.com是我的邮箱", "wangfang@example.com"),
        ("王芳 wangfang@example.com.cn 公司的", "wangfang@example.com.cn"),
        ("my e-mail is ann@example.com.", "ann@example.com"),
        ("E-mail: ann@example.com (work)", "ann@example.com"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_mail_addresses_are_stored_in_their_plain_form(form: Form, typed: str, stored: str) -> None:
    assert read(question(form, "email"), typed) == stored


NO_MAIL = ("wangfang", "wangfang@", "@example.com", "a@b", "a@b..com", "a@@b.com", "没有", "", "?")


@pytest.mark.parametrize(
    "typed",
    [
        *NO_MAIL,
        "wang fang@example.com",
        "a@example.com b@example.com",
        "邮箱是a@example.com或b@example.com",
        "王芳@例子.中国",
        "王芳@example.com",
        "josé@example.com",
        "joséx@example.com",
        "a" * 65 + "@example.com",
        "邮箱是" + "a" * 65 + "@example.com",
        "邮箱是a@b",
        "a@example.com\nBcc: all@example.com",
        "x" * 300 + "@example.com",
    ],
)
def test_what_is_no_mail_address(form: Form, typed: str) -> None:
    with pytest.raises(InvalidAnswer) as wrong:
        read(question(form, "email"), typed)
    assert wrong.value.key == "form.invalid.email"
