"""The matcher, on a few entries of its own and on the shipped ones."""

from __future__ import annotations

import pytest

from bot.answers.encoder import Encoder
from bot.answers.matcher import Match, Matcher, Outcome
from bot.answers.training import train

ASKED = {
    "cost": ["要收费吗", "多少钱", "门票贵不贵", "is it free", "how much does it cost"],
    "parking": ["有停车场吗", "可以停车吗", "车停哪里", "is there parking", "where can I park"],
    "lunch": ["有午餐吗", "管饭吗", "中午吃什么", "is lunch included", "do we get food"],
}
OTHERS = ["广交会几号开始", "今天天气怎么样", "who won the football match"]


@pytest.fixture(scope="module")
def small() -> Matcher:
    return train(ASKED, OTHERS, None)


@pytest.mark.parametrize(
    "typed", ["要收费吗", "要收費嗎？？", "  ＩＳ ＩＴ ＦＲＥＥ", "请问要收费吗😀谢谢", "hello, is it free please"]
)
def test_a_known_phrasing_is_answered_whatever_stands_around_it(small: Matcher, typed: str) -> None:
    match = small.match(typed)
    assert (match.outcome, match.entry, match.score) == (Outcome.ANSWER, "cost", 1.0)


def test_words_alone_suggest_and_never_answer_what_nobody_wrote_down(small: Matcher) -> None:
    match = small.match("那里的停车场收钱的吧")
    assert match.outcome is not Outcome.ANSWER
    assert match.ranked[0][0] in ("parking", "cost")


def test_what_is_not_ours_is_known_to_be_not_ours(small: Matcher) -> None:
    match = small.match("广交会几号开始啊")
    assert (match.outcome, match.entry, match.ours) == (Outcome.UNKNOWN, None, False)


@pytest.mark.parametrize("typed", ["", "???", "😀", "\ud800", "\0"])
def test_nothing_to_go_by_is_unknown(small: Matcher, typed: str) -> None:
    assert small.match(typed) == Match(Outcome.UNKNOWN)


def test_an_endless_question_is_answered_in_an_instant(small: Matcher) -> None:
    assert small.match("停车" * 100_000).outcome in Outcome


def test_a_phrasing_of_two_entries_is_nobodys_for_sure() -> None:
    shared = train({"a": ["停车位在哪", "有车位吗"], "b": ["停车位在哪", "车位要登记吗"]}, OTHERS, None)
    assert shared.match("停车位在哪").outcome is not Outcome.ANSWER
    assert shared.match("有车位吗").entry == "a"


@pytest.mark.parametrize("rows", [{}, {"a": ["one phrasing"]}, {"a": ["好"], "b": []}])
def test_a_content_with_next_to_nothing_in_it_trains(rows: dict[str, list[str]]) -> None:
    assert train(rows, [], None).match("完全别的东西").outcome in (Outcome.UNKNOWN, Outcome.SUGGEST)


@pytest.mark.parametrize("typed", ["hui yi ji dian kai shi", "huiyijidiankaishi", "会义几点开使", "會議幾點開始"])
def test_how_it_sounds_is_enough(matcher: Matcher, typed: str) -> None:
    match = matcher.match(typed)
    assert "when" in (match.entry, *match.suggestions)


SOUNDS = [
    ("hui yi ji dian", "when"),
    ("huiyi jidian", "when"),
    ("会义几点", "when"),
    ("yao shou fei ma", "cost"),
    ("you ting che wei ma", "parking"),
]


@pytest.mark.parametrize(("typed", "entry"), SOUNDS)
def test_what_sounds_like_a_phrasing_is_that_phrasing(matcher: Matcher, typed: str, entry: str) -> None:
    match = matcher.match(typed)
    assert (match.outcome, match.entry) == (Outcome.ANSWER, entry)
    assert match.spelt == typed.isascii()


@pytest.mark.parametrize("typed", ["can you change it", "is it in shenzhen", "where", "会议几点", "BSCI"])
def test_what_is_not_spelt_is_not_taken_for_it(matcher: Matcher, typed: str) -> None:
    assert not matcher.match(typed).spelt


def test_what_sounds_like_phrasings_of_two_entries_is_nobodys_for_sure() -> None:
    rows = {"a": ["会议几点开始"], "b": ["会义几点开始吧", "会意几点开始"]}
    assert train(rows, OTHERS, None).match("hui yi ji dian kai shi").outcome is not Outcome.ANSWER


ITEMS = [
    ("第三个议题", "agenda_3"),
    ("請問第３場講什麼", "agenda_3"),
    ("议题二", "agenda_2"),
    ("what is item 3 about", "agenda_3"),
    ("session four?", "agenda_4"),
    ("tell me about the 5th topic", "agenda_5"),
    ("topic #6", "agenda_6"),
    ("1号议题", "agenda_1"),
]


@pytest.mark.parametrize(("typed", "entry"), ITEMS)
def test_an_item_is_found_by_its_number(matcher: Matcher, typed: str, entry: str) -> None:
    match = matcher.match(typed)
    assert (match.outcome, match.entry) == (Outcome.ANSWER, entry)


@pytest.mark.parametrize("typed", ["第九个议题讲什么", "item 12", "session nine"])
def test_an_item_that_is_not_there_leads_to_the_agenda(matcher: Matcher, typed: str) -> None:
    match = matcher.match(typed)
    assert (match.outcome, match.suggestions) == (Outcome.SUGGEST, ("agenda",))


@pytest.mark.parametrize("typed", ["第6个", "the third one", "会议在3楼吗", "10月22号的议题有哪些", "一共有六个议题吗"])
def test_a_number_alone_is_no_item(matcher: Matcher, typed: str) -> None:
    assert not (matcher.match(typed).entry or "").startswith("agenda_")


def test_a_number_after_the_agenda_is_an_item(matcher: Matcher) -> None:
    match = matcher.match("第6个呢")
    assert matcher.with_last(match, "agenda").entry == "agenda_6"
    assert matcher.with_last(match, "agenda_2").entry == "agenda_6"
    assert matcher.with_last(match, "lunch").entry != "agenda_6"


@pytest.mark.parametrize(
    ("typed", "follows"),
    [
        ("那地址呢", True),
        ("and where?", True),
        ("what about parking", True),
        ("停车呢？", True),
        ("会场在哪", False),
        ("where is the venue", False),
    ],
)
def test_what_reads_like_a_follow_up(matcher: Matcher, typed: str, follows: bool) -> None:
    assert matcher.match(typed).follow_up is follows


@pytest.mark.parametrize(
    ("typed", "last", "entry"),
    [
        ("那地址呢", "when", "where"),
        ("and where?", "when", "where"),
        ("那停车呢", "transport", "parking"),
        ("and lunch?", "cost", "lunch"),
    ],
)
def test_a_follow_up_is_answered(matcher: Matcher, encoder: Encoder, typed: str, last: str, entry: str) -> None:
    assert matcher.with_last(matcher.match(typed), last).entry == entry


def test_like_questions_lie_close_together(matcher: Matcher, encoder: Encoder) -> None:
    first, second, other = matcher.vectors(["车票能报销吗", "火车票可以报销么", "有没有无障碍通道"])
    assert first @ second > 0.7 > first @ other + 0.1
