"""The matcher, on a few entries of its own."""

from __future__ import annotations

from bot.answers.evaluate import cross_validate
from bot.answers.matcher import Matcher, Outcome

ASKED = {
    "cost": ["要收费吗", "多少钱", "is it free", "how much does it cost"],
    "parking": ["有停车场吗", "可以停车吗", "is there parking", "where can I park"],
    "lunch": ["有午餐吗", "管饭吗", "is lunch included", "do we get food"],
}
OTHERS = ["广交会几号开始", "今天天气怎么样", "who won the football match"]


def test_a_known_phrasing_is_answered_for_sure() -> None:
    match = Matcher(ASKED, OTHERS).match("要收费吗")
    assert (match.outcome, match.entry, round(match.score, 6)) == (Outcome.ANSWER, "cost", 1.0)


def test_marks_width_and_script_do_not_matter() -> None:
    matcher = Matcher(ASKED, OTHERS)
    assert [matcher.match(text).entry for text in ("要收費嗎？？", "ＩＳ ＩＴ ＦＲＥＥ", "  is it free!")] == [
        "cost"
    ] * 3


def test_a_phrasing_nearby_is_answered_or_offered() -> None:
    match = Matcher(ASKED, OTHERS).match("请问那边有停车场吗")
    assert match.entry == "parking" or "parking" in match.suggestions


def test_what_is_not_ours_is_known_to_be_not_ours() -> None:
    match = Matcher(ASKED, OTHERS).match("广交会几号开始啊")
    assert (match.outcome, match.entry, match.ours) == (Outcome.UNKNOWN, None, False)


def test_what_nobody_wrote_down_is_unknown_and_may_be_ours() -> None:
    match = Matcher(ASKED, OTHERS).match("zzqqx")
    assert (match.outcome, match.suggestions, match.ours) == (Outcome.UNKNOWN, (), True)


def test_nothing_to_go_by_is_unknown() -> None:
    assert [Matcher(ASKED).match(text).outcome for text in ("", "???", "😀")] == [Outcome.UNKNOWN] * 3


def test_two_entries_that_share_a_phrasing_are_both_offered_unless_one_is_meant_word_for_word() -> None:
    matcher = Matcher({"a": ["停车位在哪里停"], "b": ["停车位在哪里找"]})
    match = matcher.match("停车位在哪里")
    assert match.outcome is Outcome.SUGGEST
    assert set(match.suggestions) == {"a", "b"}
    assert matcher.match("停车位在哪里找").entry == "b"


def test_an_endless_question_is_answered_in_an_instant() -> None:
    assert Matcher(ASKED).match("停车" * 100_000).outcome in Outcome


def test_phrasings_asked_of_the_others_are_counted_once_each() -> None:
    found = cross_validate(ASKED, OTHERS)
    assert {entry: row.asked for entry, row in found.items()} == {"cost": 4, "parking": 4, "lunch": 4}
    assert all(row.answered + row.suggested + sum(row.confused.values()) <= row.asked for row in found.values())
