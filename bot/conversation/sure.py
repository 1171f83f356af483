"""What cannot be undone is asked once more: the two answers, the words that mean them, and which question is open."""

from __future__ import annotations

from dataclasses import replace

from bot.conversation.turn import Turn
from bot.message import Choice

YES = (
    "是", "是的", "好", "好的", "好吧", "对", "对的", "确定", "确认", "没错", "yes", "yes please", "ok", "okay", "sure",
)  # fmt: skip
NO = ("不", "不是", "不要", "不用", "不用了", "算了", "先不", "no", "no thanks", "nope", "never mind")


def yes_or_no(turn: Turn, tag: str, yes: str, no: str) -> tuple[Choice, Choice]:
    """The two choices, labelled by the sentences `yes` and `no`. A plain word means one of them while it is open."""
    agree, refuse = turn.choice(yes, f"{tag}.yes"), turn.choice(no, f"{tag}.no")
    return replace(agree, also=(*agree.also, *YES)), replace(refuse, also=(*refuse.also, *NO))


def awaited(offered: tuple[Choice, ...]) -> list[str]:
    """The parts of the open question's tag, such as ["cancel", "FFS-7K2M9Q"]; []: none is open."""
    *asked, last = offered[0].tag.split(".") if offered else [""]
    return asked if last == "yes" else []
