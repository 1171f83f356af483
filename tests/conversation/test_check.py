"""A question whose choices do not fit one message is refused before anybody sees it cut."""

from __future__ import annotations

from pathlib import Path

from bot.adapters.telegram import render
from bot.adapters.wechat import text
from bot.content.records import Content
from bot.conversation.check import faults
from tests.edits import edited


def test_the_shipped_questions_fit_every_channel(content: Content) -> None:
    assert faults(content, (text.fit, render.fit)) == []


def test_a_prompt_that_would_be_cut_is_named(tmp_path: Path) -> None:
    long = edited(tmp_path, "form.toml", ('prompt.zh = "您代表："', f'prompt.zh = "{"您" * 700}"'))
    (fault,) = faults(long, (text.fit, render.fit))
    assert fault.place == "form.toml:question.category.prompt.zh"
    assert "expected a shorter prompt or fewer choices" in fault.what
