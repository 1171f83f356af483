"""What is stored between two messages reads back as it was."""

from __future__ import annotations

from datetime import timedelta

from bot.conversation.state import Draft, Held, State
from bot.message import Choice, Reply
from tests.conftest import NOW

CHOICES = (Choice("工厂代表", "工厂代表", "form.category.factory", ("Factory",)), Choice("我要报名", "报名"))
FULL = State(
    draft=Draft({"consent": "agree", "title": ""}, "1", "2019-10-08T09:00:00+08:00", True, same={"a": "b"}, at="phone"),
    change=Draft({"name": "王芳"}, editing="name", changes="FFS-000000", active=False),
    offered=CHOICES,
    note=True,
    asked="要收费吗",
    rest="后面的",
    last=Held.of("when", NOW, timedelta(minutes=30)),
    handed=Held.of("N-12AB34CD", NOW, timedelta(hours=2)),
)  # fmt: skip


def test_nothing_stored_is_a_new_conversation() -> None:
    assert State.from_json(None) == State.from_json("{}") == State()
    assert State().to_json() == "{}"


def test_a_conversation_reads_back_as_it_was_written() -> None:
    assert State.from_json(FULL.to_json()) == FULL


def test_a_reply_reads_back_as_it_was_written() -> None:
    reply = Reply("好的", "1/8 您代表：", CHOICES, "发送我的手机号")
    assert Reply.from_json(reply.to_json()) == reply
    assert Reply.from_json(Reply().to_json()) == Reply()


def test_what_is_filled_in_is_a_change_first_then_an_active_draft() -> None:
    assert FULL.form is FULL.change
    assert State(draft=Draft()).form == Draft()
    assert State(draft=Draft(active=False)).form is None
    assert State().form is None


def test_a_draft_stored_by_an_older_version_is_still_read() -> None:
    state = State.from_json('{"draft":{"answers":{"consent":"agree"},"consent_version":"1"}}')
    assert state.form == Draft({"consent": "agree"}, "1")
