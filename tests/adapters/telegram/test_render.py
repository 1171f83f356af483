"""How a reply looks on Telegram, and where a long one is cut."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.telegram.buttons import read_data, write_data
from bot.adapters.telegram.render import Rendered, fit, render, units
from bot.message import Choice, Reply

MORE = Choice("继续", "继续")


def markup(reply: Reply, in_turn: bool = True) -> Any:
    outgoing = render(reply, in_turn=in_turn)
    assert outgoing is not None
    return json.loads(outgoing.markup.to_json()) if outgoing.markup else None


def test_a_question_stands_below_a_line() -> None:
    outgoing = render(Reply("免费参加。", "2/8 贵厂是否已参加？"))
    assert outgoing is not None
    assert outgoing.text == "免费参加。\n——\n2/8 贵厂是否已参加？"


def test_a_question_or_a_text_alone_has_no_line() -> None:
    assert [render(Reply(ask="谁？"), in_turn=False), render(Reply("好"), in_turn=False)] == [
        Rendered("谁？"),
        Rendered("好"),
    ]


def test_nothing_to_say_is_no_message() -> None:
    assert [render(Reply(text)) for text in ("", " \n\t")] == [None, None]


def test_buttons_without_words_get_some() -> None:
    outgoing = render(Reply(choices=(Choice("好", "好"),)))
    assert outgoing is not None
    assert outgoing.text == "…"


def test_what_no_encoding_carries_is_not_sent() -> None:
    outgoing = render(Reply("a\ud800b <b>&amp;"))
    assert outgoing is not None
    assert outgoing.text == "a?b <b>&amp;"


def test_two_short_buttons_share_a_row_and_a_long_one_stands_alone() -> None:
    labels = ["Register", "Agenda", "还没有，想了解一下", "中文", "No", "Yes"]
    keyboard = markup(Reply("?", choices=tuple(Choice(label, label) for label in labels)))["inline_keyboard"]
    assert [[button["text"] for button in row] for row in keyboard] == [
        ["Register", "Agenda"],
        ["还没有，想了解一下"],
        ["中文", "No"],
        ["Yes"],
    ]


def test_a_contact_button_is_a_keyboard_that_goes_away_after_use() -> None:
    found = markup(Reply("手机？", choices=(Choice("跳过", "skip", "form.phone.skip"),), contact_button="用我的号码"))
    assert found == {
        "keyboard": [[{"text": "用我的号码", "request_contact": True}], [{"text": "跳过"}]],
        "one_time_keyboard": True,
        "resize_keyboard": True,
    }


def test_a_plain_reply_takes_the_keyboard_away_but_a_reminder_does_not() -> None:
    assert markup(Reply("好")) == {"remove_keyboard": True}
    assert markup(Reply("好"), in_turn=False) is None


@pytest.mark.parametrize(
    ("choice", "data"),
    [
        (Choice("工厂代表", "4", "form.category.factory"), "1:form.category.factory"),
        (Choice("看议程", "议程"), "1=议程"),
        (Choice("看议程", ""), "1=看议程"),
        (Choice("x", "议" * 20), "1=" + "议" * 20),  # 62 bytes
        (Choice("x", "t", "a" * 62), "1:" + "a" * 62),
    ],
)
def test_a_button_remembers_what_it_says(choice: Choice, data: str) -> None:
    assert write_data(choice) == data


@pytest.mark.parametrize("choice", [Choice("很长", "议" * 21), Choice("很长", "t", "a" * 63)])
def test_a_button_that_says_too_much_is_known_by_its_label(choice: Choice) -> None:
    data = write_data(choice)
    assert re.fullmatch(r"1#[0-9a-f]{16}", data)
    assert read_data(data, choice.label) == ("", "很长")


def test_digests_tell_choices_apart() -> None:
    long = "a" * 70
    choices = [Choice("x", long), Choice("x", long + "b"), Choice("x", "", long), Choice("x", long, "b" * 70)]
    assert len({write_data(choice) for choice in choices}) == 4


@settings(max_examples=200, deadline=None)
@given(label=st.text(min_size=1), text=st.text(), tag=st.text())
def test_every_button_fits_and_comes_back(label: str, text: str, tag: str) -> None:
    data = write_data(Choice(label, text, tag))
    assert 1 <= len(data.encode()) <= 64
    assert read_data(data, label) in [(tag, label), ("", text or label), ("", label)]


# Cutting


def test_what_fits_is_left_alone() -> None:
    reply = Reply("a" * 4096)
    assert fit(reply, MORE) == (reply, "")
    reply = Reply("a" * 4000, "b" * 92, (Choice("x", "x"),))  # 4000 + 4 + 92
    assert fit(reply, MORE) == (reply, "")


def test_one_unit_too_many_is_cut() -> None:
    assert fit(Reply("a" * 4097), MORE) == (Reply("a" * 4096, choices=(MORE,)), "a")
    assert fit(Reply("a" * 4097)) == (Reply("a" * 4096), "a")


def test_an_emoji_counts_twice_and_is_never_torn() -> None:
    assert fit(Reply("🙂" * 2048)) == (Reply("🙂" * 2048), "")
    assert fit(Reply("a" + "🙂" * 2048)) == (Reply("a" + "🙂" * 2047), "🙂")
    family = "👨‍👩‍👧"
    head, rest = fit(Reply("a" * 4094 + family + "b"))
    assert (head.text, rest) == ("a" * 4094, family + "b")
    head, rest = fit(Reply("a" * 4095 + "e\u0301"))
    assert (head.text, rest) == ("a" * 4095, "e\u0301")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("很" * 3000 + "。\n", "长" * 3000),
        ("很" * 2999 + "。", "长" * 3000),
        ("很" * 2998 + "？”", "长" * 3000),
        ("x" * 2999 + ". ", "y" * 3000),
        ("x" * 2999 + " ", "https://example.org/?a=b." + "y" * 3000),
    ],
)
def test_it_is_cut_where_a_line_a_sentence_or_a_word_ends(first: str, second: str) -> None:
    head, rest = fit(Reply(first + second))
    assert (head.text, rest) == (first.strip(), second)


def test_the_question_and_its_buttons_stay_whole() -> None:
    choices = (Choice("是", "1"), Choice("否", "2"))
    head, rest = fit(Reply("话" * 5000, "问" * 2000, choices, "号码"), MORE)
    assert (head.ask, head.choices, head.contact_button) == ("问" * 2000, (*choices, MORE), "号码")
    assert units(head.text) == 4096 - 2000 - 4
    assert head.text + rest == "话" * 5000


def test_a_question_that_leaves_no_room_pushes_the_text_out() -> None:
    head, rest = fit(Reply("话" * 10, "问" * 4095), MORE)
    assert (head.text, head.ask, rest) == ("", "问" * 4095, "话" * 10)


def test_what_may_not_be_cut_and_is_too_long_is_a_fault() -> None:
    many = tuple(Choice(str(number), str(number)) for number in range(100))
    assert fit(Reply("x", choices=many)) == (Reply("x", choices=many), "")
    for reply in (
        Reply(ask="问" * 4097),
        Reply("x", choices=(*many, MORE)),
        Reply("x", choices=many, contact_button="x"),
    ):
        with pytest.raises(ValueError, match="4096"):
            fit(reply)
    with pytest.raises(ValueError, match="100"):
        fit(Reply("x" * 5000, choices=many), MORE)


TEXT = st.text(st.sampled_from("话a 。\n.🙂\u0301\u200d\ud800"), max_size=60)


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(TEXT, max_size=6), times=st.integers(1, 60), ask=TEXT)
def test_every_piece_fits_and_nothing_is_lost(parts: list[str], times: int, ask: str) -> None:
    text = "".join(parts) * times
    seen, rest, rounds = "", text, 0
    while rest and rounds < 20:
        head, rest = fit(Reply(rest, ask if not rounds else ""), MORE)
        outgoing = render(head)
        assert outgoing is None or units(outgoing.text) <= 4096
        seen, rounds = seen + head.text, rounds + 1
    squeezed = text.encode("utf-8", "replace").decode()
    assert re.sub(r"\s", "", seen) == re.sub(r"\s", "", squeezed if "\ud800" not in seen else text)
    assert not rest
