"""Odd words through a right signature: as an answer to each question, and as a question of its own.

Never a fault reply, never silence, nothing filled in that people typed, and every one of them registers in the end.
"""

from __future__ import annotations

import asyncio
import itertools
import pathlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest

from bot.content.records import Content
from bot.content.words import Words
from tests.long.crowd import Crowd
from tests.long.ground import Ground, opened
from tests.long.people import DONE, Person
from tests.long.texts import EACH_CONTROL, ENORMOUS, LITERAL, STRANGE
from tests.nursery import Nursery

SLOWEST = 2.0  # seconds for one reply; WeChat cuts at 5, and everybody waits behind one slow text
AT_ONCE = 8
FEW = 5  # people on each channel in the short form
ON_WECHAT = (*LITERAL, *STRANGE)
ON_TELEGRAM = (*LITERAL, *STRANGE, *ENORMOUS)
Somebody = tuple[str, Iterator[str]]


async def test_odd_words(nursery: Nursery, database_url: str, tmp_path: pathlib.Path, content: Content) -> None:
    """A few people, each of whom says other odd words each time."""
    wechat: Somebody = "wechat", itertools.cycle(ON_WECHAT)
    telegram: Somebody = "telegram", itertools.cycle(ON_TELEGRAM)
    people = [wechat] * FEW + [telegram] * FEW
    await everybody_says(nursery, database_url, tmp_path, content, people)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_the_same_odd_words_everywhere(
    nursery: Nursery, database_url: str, tmp_path: pathlib.Path, content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    """One person for each text, who says it wherever something can be said."""
    pairs = [("wechat", text) for text in (*ON_WECHAT, *EACH_CONTROL)]
    pairs += [("telegram", text) for text in (*ON_TELEGRAM, *EACH_CONTROL)]
    people = [(channel, itertools.repeat(text)) for channel, text in pairs]
    talk = await everybody_says(nursery, database_url, tmp_path, content, people)
    slowest = ", ".join(f"{took:.2f} s for {text[:12]!r}" for took, text in sorted(talk.took)[:-4:-1])
    with capsys.disabled():
        print(f"\n{database_url.partition(':')[0]}: {len(people)} people, {len(talk.took)} messages; slowest {slowest}")
    assert max(talk.took)[0] < SLOWEST, slowest


async def everybody_says(
    nursery: Nursery, database_url: str, folder: pathlib.Path, content: Content, people: Iterable[Somebody]
) -> Talk:
    """Lets them all talk, and looks at what became of it."""
    with opened(Ground(nursery, database_url, folder)) as ground:
        talk = Talk(Crowd(ground.port, ground.played.telegram, content, 1), content.texts["fault"])
        waiting = iter(people)
        try:
            await asyncio.gather(*(talk.goes_on(waiting) for _ in range(AT_ONCE)))
        finally:
            await talk.crowd.close()
        assert not talk.faults
        assert not talk.crowd.tally.wrong
        assert not talk.crowd.tally.refused
        assert not ground.played.telegram.violations
        assert not ground.alarms()
        assert ground.outcome("fault") == 0
        wrong = talk.differences(ground.export())
        assert not wrong, "\n".join(wrong)
        return talk


@dataclass
class Talk:
    """What was said, and what was wrong with the replies."""

    crowd: Crowd
    fault: Words
    faults: list[str] = field(default_factory=list)
    took: list[tuple[float, str]] = field(default_factory=list)
    given: list[tuple[Person, dict[str, str]]] = field(default_factory=list)  # odd words taken for answers

    async def goes_on(self, waiting: Iterator[Somebody]) -> None:
        """One person after the other."""
        for channel, odd in waiting:
            person = self.crowd.newcomer(channel)
            await self._registers(person, odd)
            await self._goes_round(person, odd)

    async def _registers(self, person: Person, odd: Iterator[str]) -> None:
        """Says something odd wherever something is asked, and the right answer if it is asked again."""
        await self._says(person, next(odd))
        given: dict[str, str] = {}
        asked = await self._asked(person, "报名")
        for _ in range(30):
            if asked == DONE:
                break
            text = next(odd)
            after = await self._asked(person, text)
            if after != asked:
                given[asked] = text
            else:
                after = await self._asked(person, person.says[asked])
            asked = after or await self._asked(person, "报名")
        else:
            self.faults.append(f"{text[:40]!r} never gets to the end: {asked}")
        self.given.append((person, given))

    async def _goes_round(self, person: Person, odd: Iterator[str]) -> None:
        """The same as a note, and wherever else people's words are shown."""
        for word in ("人工", next(odd), "我的报名", "我的数据", "继续", "修改", next(odd), "退出"):
            await self._says(person, word)

    async def _asked(self, person: Person, text: str) -> str:
        """Says something; what the reply asks for."""
        reply = await self._says(person, text)
        asked = self.crowd.asked.of(reply)
        if asked == DONE:
            person.reference = self.crowd.asked.reference(reply)
        return asked

    async def _says(self, person: Person, text: str) -> str:
        began = time.monotonic()
        acknowledged, reply = await self.crowd.says(person, text)
        self.took.append((time.monotonic() - began, text))
        if not acknowledged:
            self.faults.append(f"{text[:40]!r} was not acknowledged")
        if not reply.strip():
            self.faults.append(f"silence after {text[:40]!r} on {person.channel}")
        if self.fault.zh in reply or self.fault.en in reply:
            self.faults.append(f"the fault reply after {text[:40]!r}")
        return reply

    def differences(self, exported: list[dict[str, str | None]]) -> list[str]:
        """Who is not in the export as they said."""
        rows = {row["reference"]: row for row in exported}
        pairs = ((rows.get(person.reference, {}), person, given) for person, given in self.given)
        return [
            f"{name} of person {person.number} on {person.channel}: {row.get(name)!r}, said {given.get(name)!r}"
            for row, person, given in pairs
            for name, value in person.record.items()
            if name not in ("category", "programme") and not _right(row.get(name), value, given.get(name))
        ]


def _right(stored: str | None, expected: str | None, odd: str | None) -> bool:
    """What is exported: the right answer, or the odd words where those were taken for one, and then no harm in them."""
    if odd is None:
        return stored == expected
    return stored == odd if odd in LITERAL else _harmless(stored)


def _harmless(value: str | None) -> bool:
    """No control characters, no marks that turn the writing round, no halves of characters."""
    return value is None or not any(
        char < " " or "\x7f" <= char < "\xa0" or "\u202a" <= char <= "\u202e" or "\ud800" <= char <= "\udfff"
        for char in value
    )
