"""Questions about an item of the agenda by its number: 第三个议题, item 3, session four, 议题二."""

from __future__ import annotations

import re
from dataclasses import dataclass

PREFIX = "agenda_"
_ZH = {word: number for number, word in enumerate("一二三四五六七八九十", 1)} | {"两": 2, "首": 1, "头一": 1}
_EN = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_EN_TH = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SPOKEN = _ZH | {word: n for words in (_EN, _EN_TH) for n, word in enumerate(words, 1)}
_N = r"(?P<n>\d{1,2}|[一二三四五六七八九十两])"
_WORD = rf"(?P<n>\d{{1,2}}|{'|'.join(_EN)})"
_TH = rf"(?P<n>\d{{1,2}}(?=st|nd|rd|th)|{'|'.join(_EN_TH)})(?:st|nd|rd|th)?"
_THING = r"(?:议题|议程|主题|话题|环节|课题|专题|单元|讲题|题目|场次|场|分享|演讲|讲|项|题|session|topic|item|talk)"
_ITEM = r"(?:agenda (?:item|point|topic)|items?|sessions?|topics?|talks?|agenda|point)"
_WITH_WORD = (
    rf"第 ?{_N} ?[个項项场節节号]? ?(?:的)?{_THING}",
    rf"{_N} ?号 ?(?:议题|议程|主题|话题|环节|专题)",
    rf"(?:议题|议程|主题|话题|环节|专题|agenda|item|session|topic) ?第? ?{_N}(?!\d| ?[月日号点个天:])",
    rf"\b{_ITEM} ?(?:no\.?|number|nr\.?|#)? ?{_WORD}\b(?!:)",
    rf"\b{_TH} (?:agenda )?(?:item|session|topic|talk|point|subject)\b",
    rf"\b(?:number|no\.?|#) ?{_WORD} (?:on|of|in) the (?:agenda|programme|program|list)\b",
)
_ALONE = (rf"第 ?{_N} ?[个项场]?", rf"\b(?:the )?{_TH}(?: one)?\b", rf"\b(?:number|no\.?|#) ?{_WORD}\b")
# 一共六个议题吗: a number of items, not the number of one.
_COUNT = re.compile(
    rf"(?<!第){_N} ?[个项场]{_THING}|(?<!\S){_WORD} (?:agenda )?(?:items|sessions|topics|talks)\b".replace("?P<n>", "")
)
_WORDED = tuple(re.compile(pattern) for pattern in _WITH_WORD)
_BARE = tuple(re.compile(pattern) for pattern in _ALONE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A number that may be an item's."""

    number: int
    rest: str  # the text without it
    worded: bool  # named as an item; else it is one only where the agenda was spoken of before


def mention(text: str) -> Mention | None:
    """The item that a text names, after `question`; None where it names none, or several."""
    for patterns, worded in ((_WORDED, True), (_BARE, False)):
        found = {_number(match): match for pattern in patterns for match in pattern.finditer(text)}
        if len(found) > 1:
            return None
        for number, match in found.items():
            return Mention(number, f"{text[: match.start()]} {text[match.end() :]}".strip(), worded)
    return None


def loose(text: str) -> bool:
    """Whether a number stands in a text that may be no item's: 第6个, six sessions."""
    named = mention(text)
    return bool(_COUNT.search(text)) or (named is not None and not named.worded)


def _number(match: re.Match[str]) -> int:
    said = match["n"]
    return int(said) if said.isdigit() else _SPOKEN[said]
