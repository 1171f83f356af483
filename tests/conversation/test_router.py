"""Which handler takes what: words and tags are known once each."""

from __future__ import annotations

import pytest

import handlers
from bot.conversation.router import Router, _typed
from bot.conversation.turn import Turn
from bot.message import Choice, Kind, Reply

OFFERED = (
    Choice("工厂代表", "工厂代表", "form.category.factory", ("Factory",)),
    Choice("零售商", "零售商", "form.category.retailer"),
)


def answer(turn: Turn) -> Reply:
    return Reply("yes")


def test_a_word_has_one_handler() -> None:
    router = Router()
    router.on("报名")(answer)
    with pytest.raises(ValueError, match="two handlers"):
        router.on("報名！")(answer)


@pytest.mark.parametrize(
    "put", [lambda router: router.on("a"), lambda router: router.tag("a"), lambda router: router.role("a")]
)
def test_two_routers_that_share_a_word_a_tag_or_a_role_cannot_be_put_together(put: object) -> None:
    parts = Router(), Router()
    for part in parts:
        put(part)(answer)
    with pytest.raises(ValueError, match="two handlers"):
        Router(*parts)


def test_every_kind_of_message_and_every_role_has_a_handler() -> None:
    assert set(handlers.router.kinds) == set(Kind) - {Kind.TEXT}
    roles = {"command", "note", "form", "letter", "sure", "nod", "stale", "free", "quiet", "reply"}
    assert set(handlers.router.roles) == roles


def test_the_words_say_whether_a_text_may_be_a_question() -> None:
    assert handlers.router.knows(" 【報名】！")
    assert not handlers.router.knows("怎么报名")


@pytest.mark.parametrize(
    ("typed", "label"),
    [
        ("1", "工厂代表"),
        ("②", "零售商"),
        ("工廠代表", "工厂代表"),
        ("factory", "工厂代表"),
        ("1 工厂代表", "工厂代表"),
        ("2.零售商", "零售商"),
        ("2、零售商。", "零售商"),
        ("1 零售商", None),
        ("3", None),
        ("3 零售商", None),
        ("0 零售商", None),
        ("00", None),
        ("99 零售商", None),
        ("", None),
        ("？", None),
        ("零售", None),
    ],
)
def test_a_choice_of_the_last_reply_is_found_by_number_and_label(typed: str, label: str | None) -> None:
    found = _typed(typed, OFFERED)
    assert (found.label if found else None) == label
