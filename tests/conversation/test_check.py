"""A question that would be cut, a label that means something else, a phrasing with two answers: each is told."""

from __future__ import annotations

from pathlib import Path

import pytest

import handlers
from bot.adapters.telegram import render
from bot.adapters.wechat import text
from bot.content.records import Content
from bot.conversation.check import faults
from tests.chat import FORM, Town
from tests.edits import edited, with_event

FITS = (text.fit, render.fit)
CATEGORY = 'prompt.zh = "您代表："'


def told(content: Content) -> list[str]:
    """The faults as lines."""
    return [str(fault) for fault in faults(content, FITS, handlers.router.knows)]


def test_the_shipped_questions_fit_every_channel(content: Content) -> None:
    assert told(content) == []


@pytest.mark.parametrize("length", [201, 480, 640, 700])
def test_a_prompt_longer_than_the_form_says_is_named(tmp_path: Path, length: int) -> None:
    long = edited(tmp_path, "form.toml", (CATEGORY, f'prompt.zh = "{"您" * length}"'))
    place = "form.toml:question.category.prompt.zh"
    assert told(long) == [f"{place}: takes {length * 3} bytes; expected at most 600"]


def test_choices_that_leave_no_room_before_their_question_are_named(tmp_path: Path) -> None:
    label = '[[question.choices]]\nid = "toy_association"'
    more = "".join(
        f'[[question.choices]]\nid = "c{n}"\nlabel = {{ zh = "{"协" * 12}{n}会", en = "c{n}x" }}\n' for n in range(6)
    )
    (line,) = told(edited(tmp_path, "form.toml", (label, more + label)))
    assert line.startswith("form.toml:question.category.prompt.zh: ")
    assert line.endswith("; expected a shorter prompt or fewer choices")


def test_a_colleagues_prompt_is_measured_as_well(tmp_path: Path) -> None:
    long = edited(tmp_path, "form.toml", ('colleague.zh = "同事的姓名？"', f'colleague.zh = "{"同" * 300}"'))
    assert told(long) == ["form.toml:question.name.colleague.zh: takes 900 bytes; expected at most 600"]


@pytest.mark.parametrize("label", ["帮助", "Agenda", "三", "第2个", "4"])
def test_a_label_that_means_something_else_is_named(tmp_path: Path, label: str) -> None:
    content = edited(tmp_path, "form.toml", ('label.zh = "零售商"', f'label.zh = "{label}"'))
    (line,) = told(content)
    assert line.startswith(f"form.toml:question.category.choices.retailer.label.zh: {label!r} is ")


def test_a_phrasing_that_stands_in_two_entries_is_named(tmp_path: Path) -> None:
    content = edited(tmp_path, "faq/cost.md", ('"what\'s the damage",', '"what\'s the damage", "Is there Wi-Fi?!",'))
    content = edited(tmp_path, "faq/wifi.md", ("ask.en = [", 'ask.en = [\n    "is there wi-fi",'))
    assert [line for line in told(content) if "is there wi-fi" in line] == [
        "faq/wifi.md:ask: 'is there wi-fi' stands in faq/cost.md too; expected it in one of them"
    ]


# Whoever serves without having checked


@pytest.mark.parametrize("length", [400, 480, 560, 640, 900])
@pytest.mark.parametrize("word", ["要收费吗", "隐私", "我的数据", "帮助", "abc"])
async def test_a_question_is_asked_whole_however_long_it_is(
    town: Town, tmp_path: Path, length: int, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(town.adapter, "fit", text.fit)
    prompt = "您" * length
    town.use(edited(tmp_path, "form.toml", (CATEGORY, f'prompt.zh = "{prompt}"')))
    chat = town.chat()
    said = await chat.says("报名", "1", word)
    seen = [said]
    while prompt not in "".join(part.removesuffix("\n[1 继续]") for part in seen):
        assert said.endswith("继续]"), said
        seen.append(said := await chat.says("继续"))
        assert len(seen) < 9
    assert not [part for part in seen if "出了点问题" in part]
    assert (await chat.says("4")).startswith("2/8 ")


async def test_an_answer_too_long_to_stand_before_the_question_waits_for_no_word(town: Town, tmp_path: Path) -> None:
    """It may be answered at once: what was asked is what the form stands at."""
    town.use(edited(tmp_path, "form.toml", (CATEGORY, f'prompt.zh = "{"您" * 580}"')))
    chat = town.chat()
    await chat.says("报名", *FORM[:1], "要收费吗")
    assert (await chat.says("工厂代表")).startswith("2/8 ")


def test_a_long_privacy_notice_is_no_fault(content: Content) -> None:
    notice = {"version": "2", "notice": {"zh": "长" * 4000, "en": "long " * 2000}}
    assert told(with_event(content, privacy=notice)) == []
