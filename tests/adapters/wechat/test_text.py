"""Replies as WeChat shows them: tappable, harmless, and short enough."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.adapters.wechat.text import LIMIT, clean, content, fit
from bot.message import Choice, Reply

MORE = Choice("继续看", "继续", "more")
LINK = re.compile(r'<a href="([^"]*)">([^<>]*)</a>')


def links(shown: str) -> list[tuple[str, str, str]]:
    """(printed, said, tag) of each link, read as a phone reads it."""
    found = []
    for target, label in LINK.findall(shown):
        parts = urlsplit(html.unescape(target))
        assert (parts.scheme, parts.netloc) == ("weixin", "bizmsgmenu")
        query = parse_qs(parts.query, strict_parsing=True)
        found.append((label, query["msgmenucontent"][0], query["msgmenuid"][0]))
    return found


def size(reply: Reply) -> int:
    return len(content(reply).encode())


def test_an_answer_stands_above_the_question_and_its_choices():
    reply = Reply(
        text="免费参加，不收任何费用。",
        ask="2/8 贵厂是否已参加？",
        choices=(Choice("已参加", "已参加", "form.programme.in_2019"), Choice("还没有，想了解", "还没有")),
    )
    shown = content(reply)
    assert shown.startswith("免费参加，不收任何费用。\n——\n2/8 贵厂是否已参加？\n<a ")
    assert links(shown) == [("1 已参加", "已参加", "form.programme.in_2019"), ("2 还没有，想了解", "还没有", "say")]
    assert shown.count("\n") == 4


@pytest.mark.parametrize(("reply", "shown"), [
    (Reply(), ""),
    (Reply(text="您好"), "您好"),
    (Reply(ask="姓名？"), "姓名？"),
    (Reply(text="您好", ask="姓名？"), "您好\n——\n姓名？"),
    (Reply(text="  \n您好\r\n再见\n\n"), "您好\n再见"),
])  # fmt: skip
def test_words_alone(reply, shown):
    assert content(reply) == shown


def test_choices_stand_apart_from_a_text_without_a_question():
    shown = content(Reply(text="您好", choices=(Choice("我要报名", "报名"),)))
    assert shown.startswith("您好\n\n<a ")
    assert content(Reply(choices=(Choice("我要报名", "报名"),))).startswith("<a ")


@pytest.mark.parametrize("words", [
    "报名 & 议程", 'a"b', "a'b", "100%", "a=b&c=d", "a#b?c/d", "a+b c", "<b>", "😀", "é", "%E6%8A%A5", "行一\n行二",
])  # fmt: skip
def test_what_a_link_says_arrives_as_it_was_meant(words):
    said = links(content(Reply(choices=(Choice("好", words, f"form.{words}"),))))[0]
    assert said[1] == words.replace("<", "＜").replace(">", "＞")
    assert said[2] == f"form.{words}"


def test_a_choice_that_says_nothing_says_its_label():
    assert links(content(Reply(choices=(Choice("好 的", ""),)))) == [("1 好 的", "好 的", "say")]


@pytest.mark.parametrize(("typed", "shown"), [
    ('<a href="http://evil.example">tap</a>', '＜a href="http://evil.example"＞tap＜/a＞'),
    ("1 < 2 > 0", "1 ＜ 2 ＞ 0"),
    ("]]>", "]]＞"),
    ("]]]]><![CDATA[>", "]]]]＞＜![CDATA[＞"),
    ("&lt;a&gt;", "＆lt;a＆gt;"),
    ("&#60;a&#x3e;", "＆#60;a＆#x3e;"),
    ("R&D, Q & A; AT&T", "R&D, Q & A; AT&T"),
    ("a\x00b\x08c\x0b\x1f\x7fd\x9f", "abcd"),
    ("\ud800\ufffe\uffffx", "x"),
    ("a\tb\nc", "a\tb\nc"),
    ("a\rb", "ab"),
    ("王芳 👩‍👩‍👧 🇨🇳", "王芳 👩‍👩‍👧 🇨🇳"),
])  # fmt: skip
def test_peoples_own_words_never_become_markup(typed, shown):
    assert clean(typed) == shown
    assert clean(shown) == shown
    everywhere = content(Reply(text=typed, ask=typed, choices=(Choice(typed, typed, "t"),)))
    assert LINK.sub("", everywhere).count("<") == 0
    assert len(links(everywhere)) == 1
    assert "]]>" not in everywhere
    everywhere.encode()


def test_a_short_reply_is_left_as_it_is():
    reply = Reply(text="a" * LIMIT)
    assert fit(reply, MORE) == (reply, "")


CHOICES = (
    Choice("玩具协会", "玩具协会", "form.category.association"),
    Choice("品牌商", "品牌商", "form.category.brand"),
)


@pytest.mark.parametrize("more", [MORE, None])
@pytest.mark.parametrize("choices", [(), CHOICES])
@pytest.mark.parametrize("ask", ["", "1/8 您代表："])
@pytest.mark.parametrize("text", [
    "字" * 700, "x" * 2001, "é" * 1001, "😀" * 501, "👨‍👩‍👧‍👦" * 100, "🇨🇳" * 300, "👍🏽" * 300, "<" * 800,
    "&amp;" * 500, "一二三四五六七八九十。" * 80, "line of words\n" * 200, "word " * 500, "e\u0301" * 900,
    "深圳\r\n" * 400, "🏴󠁧󠁢󠁳󠁣󠁴󠁿" * 90, "❤️" * 400,
])  # fmt: skip
def test_a_long_text_is_cut_and_nothing_is_lost(text, ask, choices, more):
    reply = Reply(text=text, ask=ask, choices=choices)
    shown, rest = fit(reply, more)
    assert size(shown) <= LIMIT
    assert size(shown) > LIMIT * 0.55  # not a scrap
    assert shown.ask == ask
    assert shown.choices == ((*choices, more) if more else choices)
    assert rest
    assert "".join((shown.text + rest).split()) == "".join(clean(text).split())
    pages = 1
    while rest:
        shown, rest = fit(Reply(text=rest), MORE)
        pages += 1
    assert pages <= 4


@pytest.mark.parametrize("whole", ["👨‍👩‍👧‍👦", "🇨🇳", "👍🏽", "e\u0301", "❤️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"])
@pytest.mark.parametrize("before", range(8))
def test_what_reads_as_one_character_stays_one(whole, before):
    shown, rest = fit(Reply(text="x" * before + whole * 1000))
    assert shown.text.removeprefix("x" * before).replace(whole, "") == ""
    assert rest.replace(whole, "") == ""


def test_a_pile_of_accents_is_cut_all_the_same():
    shown, rest = fit(Reply(text="e" + "\u0301" * 3000))
    assert size(shown) in (LIMIT, LIMIT - 1)
    assert rest


@pytest.mark.parametrize(("text", "ends"), [
    ("第一行\n" * 300, "第一行"),
    ("一句话说完了。" * 200, "。"),
    ("他说“好。”" * 200, "。”"),
    ("Costs 1,100.50 per head. " * 200, "head."),
    ("一个分句，" * 200, "，"),
    ("word " * 900, "word"),
])  # fmt: skip
def test_a_cut_comes_after_a_line_a_sentence_or_a_word(text, ends):
    assert fit(Reply(text=text), MORE)[0].text.endswith(ends)


def test_the_limit_is_met_to_the_byte():
    ask = "问" * 100
    room = LIMIT - len(f"\n——\n{ask}".encode())
    exact = Reply(text="a" * room, ask=ask)
    assert size(exact) == LIMIT
    assert fit(exact) == (exact, "")
    shown, rest = fit(Reply(text="a" * (room + 1), ask=ask))
    assert (size(shown), rest) == (LIMIT, "a")


@pytest.mark.parametrize("room", [0, 1, 2, 3, 4, 5, 6, 7, 8])
def test_a_question_that_leaves_no_room_still_stands_whole(room):
    ask = "a" * (LIMIT - room)
    shown, rest = fit(Reply(text="😀字" * 5, ask=ask))
    assert size(shown) <= LIMIT
    assert shown.ask == ask
    assert shown.text + rest == "😀字" * 5


def test_a_question_that_is_too_long_itself_is_refused():
    assert fit(Reply(ask="a" * LIMIT)) == (Reply(ask="a" * LIMIT), "")
    with pytest.raises(ValueError, match="question and choices"):
        fit(Reply(ask="a" * (LIMIT + 1)))
    with pytest.raises(ValueError, match="question and choices"):
        fit(Reply(text="x", choices=(Choice("问" * 700, "问"),)))
    with pytest.raises(ValueError, match="goes on"):
        fit(Reply(text="x" * 50, ask="a" * (LIMIT - 20)), MORE)
