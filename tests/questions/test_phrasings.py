"""What people asked becomes content only where nobody is named in it, and nothing stands there twice."""

from __future__ import annotations

import pytest

from bot.questions.phrasings import MOST, Names, one_line, phrasings, usable
from bot.store.database import Database
from tests.conftest import NOW
from tests.delivery.crowd import registered, settle, wechat
from tests.questions.questioned import question

NOBODY = Names(())
PERSONAL = (
    "发票请寄到 wang@example.com 可以吗",
    "发票发到wang＠example.com行不",
    "我的电话13800138000，几点到",
    "打我138 0013 8000",
    "call me on +44 20 7946 0958 please",
    "我叫王小芳，能改时间吗",
    "My name is Ann, may I come later",
    "加我微信号 abc123",
    "FFS-7K2M9Q 什么时候确认",
    "ffs-7k2m9q status?",
    "看 https://example.com/x 行吗",
    "@annlee is it open",
    "护照号 E12345678 要带吗",
)


@pytest.mark.parametrize("text", PERSONAL)
def test_a_wording_by_which_somebody_is_known_is_left_out(text: str) -> None:
    assert not usable(text)
    assert phrasings([question(1, text)], NOBODY) == {"zh": [], "en": []}


@pytest.mark.parametrize(
    "text", ["10月22号几点开始", "2019-10-22 还有位置吗", "is lunch at 12:30", "项目4讲什么", "报销500元吗"]
)
def test_dates_times_and_sums_name_nobody(text: str) -> None:
    assert usable(text)


@pytest.mark.parametrize("text", ["", "？", "1", "长" * 101, "123456"])
def test_what_is_no_wording_for_others_is_left_out(text: str) -> None:
    assert not usable(text)


def test_registered_people_and_organizations_are_not_named(database: Database) -> None:
    people = [
        registered(1, NOW, name="王芳", organization="东莞市欢乐玩具厂"),
        registered(2, NOW, name="Ann Marie O'Neil", organization="Blue Bear Ltd"),
        registered(3, NOW, name=None, organization=None),
    ]
    settle(database, [wechat(number, NOW) for number in range(1, 4)], people)
    names = database.read_now(lambda session: Names.read(session.connection()))
    for text in (
        *(
            "王芳到了吗",
            "我是东莞市欢乐玩具厂的，能停车吗",
            "is ann  marie o'neil there",
            "Is Marie coming?",
            "我是 blue bear ltd 的人",
        ),
    ):
        assert names.named_in(text), text
    for text in ("能停车吗", "is an answer near", "芳香怎么走", "东莞有车吗", "Any bus?"):
        assert not names.named_in(text), text


def test_ten_at_most_by_language_each_once_and_none_that_stands_there() -> None:
    texts = ["有停车场吗", "有停车场吗？", "Is there parking?", "is there parking", "停哪", "能停車嗎", "能停车吗"]
    found = phrasings([question(number, text) for number, text in enumerate(texts, 1)], NOBODY, ["停哪！"])
    assert found == {"zh": ["有停车场吗", "能停車嗎"], "en": ["Is there parking?"]}
    many = [question(number, f"停车{'啊' * number}") for number in range(1, 30)]
    assert sum(map(len, phrasings(many, NOBODY).values())) == MOST


def test_a_word_without_language_counts_as_that_of_who_said_it() -> None:
    asked = [question(1, "parking", language="en"), question(2, "wifi")]
    assert phrasings(asked, NOBODY) == {"zh": ["wifi"], "en": ["parking"]}


def test_breaks_and_unseen_signs_do_not_get_into_the_content() -> None:
    assert one_line("有\n停\u200b车\x1b[31m 场\x00\r\n吗 \ufeff") == "有 停 车 [31m 场 吗"
