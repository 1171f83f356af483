"""议程: the items, and one item by its number."""

from __future__ import annotations

import re

from bot.answers.normalize import language_of, number, plain
from bot.content.facts import agenda_line, is_complete
from bot.conversation.router import Router
from bot.conversation.turn import Turn
from bot.message import Reply

router = Router()
_COUNT = r"(?:[1-9]\d?|[一二三四五六七八九十]|one|two|three|four|five|six|seven|eight|nine|ten)"
_ZH = rf"第?\s*({_COUNT})\s*(?:个|個|项|項|号|號)?\s*(?:议题|議題|议程|議程|环节|環節|主题|主題|演讲)"
_ZH_AFTER = rf"(?:议题|議題|议程|議程|环节|環節|主题|主題)\s*第?\s*({_COUNT})\s*(?:个|個|项|項|号|號)?"
_EN = rf"(?:agenda\s+)?(?:item|session|topic|talk|agenda)\s*(?:no\.?|number|#)?\s*({_COUNT})"
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6}
_EN_ORDINAL = (
    rf"(?:the\s+)?({'|'.join(_ORDINALS)}|\d{{1,2}}(?:st|nd|rd|th))\s+(?:agenda\s+)?(?:item|session|topic|talk)"
)
_TAIL = r"(?:是什么|是啥|讲什么|讲啥|呢|about)?"


@router.on("议程", "agenda", "看议程", "会议议程", "日程", "programme", "program", aside=True)
def agenda(turn: Turn) -> Reply:
    """All items."""
    turn.remember("agenda")
    rows = [agenda_line(place, item, turn.language) for place, item in enumerate(turn.content.agenda.items, 1)]
    if not rows:
        return Reply(turn.say("agenda.empty"))
    if turn.content.over(turn.now):
        return Reply("\n".join((turn.say("agenda.past"), *rows)))
    return Reply("\n".join((turn.say("agenda.heading"), *rows, turn.say("agenda.one"))))


@router.matching(rf"{_ZH}{_TAIL}|{_ZH_AFTER}{_TAIL}|{_EN}|{_EN_ORDINAL}", aside=True)
def item(turn: Turn) -> Reply:
    """One item."""
    said = plain(turn.text)
    if language := language_of(turn.text):
        turn.speak(language, chosen=False)
    place = _place(said)
    items = turn.content.agenda.items
    if place is None or not 1 <= place <= len(items):
        return Reply(turn.say("agenda.no_such", count=len(items)), choices=(turn.choice("choice.agenda"),))
    known = items[place - 1]
    turn.remember(f"agenda_{place}")
    lines = [agenda_line(place, known, turn.language)]
    if turn.content.over(turn.now):
        lines = [turn.say("past"), *lines]
    elif not is_complete(known):
        lines.append(turn.say("agenda.unknown"))
    return Reply("\n".join(lines), choices=(turn.choice("choice.agenda"),))


def _place(said: str) -> int | None:
    for word, place in _ORDINALS.items():
        if re.search(rf"\b{word}\b", said):
            return place
    found = re.search(_COUNT, re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", said))
    return number(found[0]) if found else None
