"""Content files break again and again while people ask; each of their answers is compared with a house at rest."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.answers.cache import matcher_of
from bot.content.load import load
from bot.content.records import Content
from bot.errors import BrokenContent
from bot.live import Loaded, Outcome
from tests.long.corruptions import Corruption, corrupted, read, written
from tests.served import House

QUESTIONS = (
    "几点开始",
    "要收费吗",
    "is lunch included?",
    "有停车位吗",
    "how do I contact the organizers?",
    "what is a family-friendly space?",
    "需要带什么证件签到",
    "这是什么会议 谁可以参加",
    "议程",
    "地点",
    "帮助",
    "隐私",
)
_ASKED_FOR = ("when", "cost", "lunch", "parking", "contact", "ffs", "checkin", "who")
OFTEN = (*(f"faq/{entry}.md" for entry in _ASKED_FOR), "event.toml", "texts.toml", "form.toml", "agenda.toml",
         "reminders.toml")  # fmt: skip
_PATIENCE = 30.0  # seconds for one change to be looked at, training included
_ASKING, _PAUSE = 3, 0.05  # at once, and seconds between two questions: the trainings have to get on as well
REFUSED = Outcome.REFUSED


@dataclass
class Report:
    """What became of the corruptions, and everything that must not be."""

    refused: Counter[str] = field(default_factory=Counter)  # by kind
    taken: Counter[str] = field(default_factory=Counter)
    asked: int = 0  # while files broke and after
    slowest: float = 0.0  # seconds, of an answer
    wrong: list[str] = field(default_factory=list)  # answers that neither the old content gives nor the new one
    unseen: list[str] = field(default_factory=list)  # changes that were not looked at in time, or judged otherwise
    unnamed: list[str] = field(default_factory=list)  # faults without the file, or not in the log
    violations: list[str] = field(default_factory=list)  # what the platform complains about: any 5xx, an empty answer

    @property
    def faults(self) -> list[str]:
        """Empty: nobody noticed anything."""
        return [*self.wrong, *self.unseen, *self.unnamed, *self.violations]

    def __str__(self) -> str:
        kinds = {kind: (self.refused[kind], self.taken[kind]) for kind in sorted({*self.refused, *self.taken})}
        return (
            f"{self.refused.total()} refused, {self.taken.total()} sound all the same (by kind: {kinds}); {self.asked}"
            f" answers, the slowest in {self.slowest * 1000:.0f} ms; {len(self.wrong)} wrong, {len(self.unseen)} not"
            f" seen, {len(self.unnamed)} not named, {len(self.violations)} complaints of the platform"
        )


class Reloading:
    """A house whose folder is corrupted, and one beside it that is given what the first one should be saying."""

    def __init__(
        self, house: House, calm: House, folder: Path, seed: int, told: Callable[[int, Report], None]
    ) -> None:  # fmt: skip
        self.house, self.calm, self.folder, self.seed, self._told = house, calm, folder, seed, told
        self.sound, self.report = read(folder), Report()
        self._choose = random.Random(seed)
        self._log = _Log()
        self._right: list[dict[str, str]] = []  # the right answers by question, for each content that was served
        self._given: list[tuple[str, str]] = []  # questions and answers while something changed

    async def run(self, corruptions: int, *, until_wrong: bool = False) -> Report:
        """So many corruptions, each mended by the next one; now and then all is well for a moment."""
        for house in (self.house, self.calm):
            await _answers(house)  # who writes for the first time is greeted
        await self._expect(load(self.folder))
        with self._log.listening():
            asking = [asyncio.create_task(self._keep_asking(number)) for number in range(_ASKING)]
            try:
                await self._corrupt(corruptions, until_wrong)
            finally:
                for task in asking:
                    task.cancel()
                await asyncio.gather(*asking, return_exceptions=True)
        self.report.violations += self.house.wechat.violations
        return self.report

    async def _corrupt(self, corruptions: int, until_wrong: bool) -> None:
        mended: dict[str, bytes | None] = {}
        for number in range(corruptions):
            if until_wrong and self.report.wrong:
                return
            corruption = corrupted(self.sound, OFTEN, self.seed * 1_000_000 + number)
            await self._change(corruption, mended | corruption.files)
            mended = {name: self.sound[name] for name in corruption.files}
            if number % 10 == 9:
                await self._change(Corruption("mended", mended), mended)
                mended = {}
            self._told(number + 1, self.report)

    async def _change(self, corruption: Corruption, files: dict[str, bytes | None]) -> None:
        """Writes the files, waits until the house has looked at them, and asks it everything."""
        before = self.house.usher.contents.loaded
        self._log.faults.clear()
        written(self.folder, files, self._choose)
        faults, content = self._judged()
        if content and content.version != before.version:
            await self._expect(content)
        await self._seen(before, corruption, faults, content)
        answers = await _answers(self.house)
        self._compare(corruption, answers.items(), self._right[-1:])
        self._compare(corruption, self._given, self._right[-2:])
        self.report.asked += len(answers) + len(self._given)
        self._given.clear()
        del self._right[:-1]

    def _judged(self) -> tuple[tuple[str, ...], Content | None]:
        try:
            return (), load(self.folder)
        except BrokenContent as error:
            return tuple(str(fault) for fault in error.faults), None

    async def _expect(self, content: Content) -> None:
        """From now on this is right."""
        usher = self.calm.usher
        usher.contents.swap(content, await asyncio.to_thread(matcher_of, content, usher.settings.cache_folder()))
        self._right.append(await _answers(self.calm))

    async def _seen(
        self, before: Loaded, corruption: Corruption, faults: tuple[str, ...], content: Content | None
    ) -> None:
        """Waits for the house to have judged the files as it should."""
        contents, wanted = self.house.usher.contents, content.version if content else before.version
        until = time.monotonic() + _PATIENCE
        while (loaded := contents.loaded) is before or (loaded.outcome == REFUSED) != bool(faults) or (
            loaded.version != wanted
        ):  # fmt: skip
            if time.monotonic() > until:
                self.report.unseen.append(f"{corruption}: {loaded}, expected {faults or 'none'}")
                return
            await asyncio.sleep(0.01)
        if faults:
            self.report.refused[corruption.kind] += 1
            self.report.unnamed += self._unnamed(corruption, faults)
        else:
            self.report.taken[corruption.kind] += 1

    def _unnamed(self, corruption: Corruption, faults: tuple[str, ...]) -> list[str]:
        """Faults that stand in no log, or of which nobody can tell where they are."""
        missing = [fault for fault in faults[:20] if not any(said in fault for said in self._log.faults)]
        vague = [fault for fault in faults if not _places(fault, corruption)]
        return [f"{corruption.kind} {sorted(corruption.files)}: {fault}" for fault in [*missing, *vague]]

    async def _keep_asking(self, number: int) -> None:
        """People of their own, each asking one thing again and again."""
        choose = random.Random(number)
        for turn in range(10**9):
            question = choose.choice(QUESTIONS)
            began = time.monotonic()
            answer = await _ask(self.house, question, f"oFlow{number}")
            self.report.slowest = max(self.report.slowest, time.monotonic() - began)
            self._given.append((question, answer))
            await asyncio.sleep(_PAUSE * (turn % 3))

    def _compare(
        self, corruption: Corruption, answers: Iterable[tuple[str, str]], right: Sequence[dict[str, str]]
    ) -> None:
        for question, answer in answers:
            if not answer.strip() or answer not in [one[question] for one in right]:
                expected = right[-1][question]
                self.report.wrong.append(f"{corruption.kind} {sorted(corruption.files)}: {question}: {answer!r}, "
                                         f"expected {expected!r}")  # fmt: skip


async def _answers(house: House) -> dict[str, str]:
    """What is answered to each question, by the people who always ask it."""
    return {question: await _ask(house, question, "oCalm") for question in QUESTIONS}


async def _ask(house: House, question: str, who: str) -> str:
    return await house.wechat.phone(f"{who}{QUESTIONS.index(question)}").says(question)


def _places(fault: str, corruption: Corruption) -> bool:
    """Whether it names a file that was corrupted, and the line or key in it unless there is none."""
    name, _, rest = fault.partition(":")
    whole = corruption.files.get(name) in (None, b"") or "cannot be read" in rest
    return name in corruption.files and (whole or bool(re.match(r"[^\s:]", rest)))


class _Log(logging.Handler):
    """The faults that were logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the fault of a refused change."""
        if fault := getattr(record, "fault", ""):
            self.faults.append(fault)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Hears what bot.live says."""
        logger = logging.getLogger("bot.live")
        logger.addHandler(self)
        try:
            yield
        finally:
            logger.removeHandler(self)
