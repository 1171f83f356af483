"""The content that is served, with what finds answers in it: changed as a whole while people write, or not at all."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from sqlmodel import Session

from bot.answers.cache import phrasings
from bot.answers.matcher import Matcher
from bot.clock import Clock
from bot.content.load import load
from bot.content.records import Content
from bot.content.watch import changes, picture
from bot.conversation.dispatcher import Live
from bot.errors import BrokenContent, Unavailable, UsherError
from bot.metrics import Metrics
from bot.store.database import Database
from bot.store.tables import Setting
from bot.training import Outdated

log = logging.getLogger(__name__)
CONTENT_LOADED = "content_loaded"  # the setting that says which content is served, and what became of the last change
_READS = 3  # of a folder that changes while it is read
_NAMED = 20  # faults of one change that are logged, and stored
_LONGEST = 300  # characters of one fault


class Outcome(StrEnum):
    """What became of a change of the content files."""

    TAKEN = "taken"
    REFUSED = "refused"  # the files have faults
    FAILED = "failed"  # they have none, and could not be taken nevertheless
    UNCHANGED = "unchanged"  # they say what they said before


@dataclass(frozen=True, slots=True)
class Loaded:
    """What `usher status` tells: which content is served, and whether the files say the same."""

    version: str
    at: str  # since when it is served; ISO
    zone: str  # of its event: times are told in it also when the files cannot be read
    outcome: str = Outcome.TAKEN  # of the last change
    changed_at: str | None = None  # when that was; None: not since the start
    faults: tuple[str, ...] = ()  # of the files as they are now


class LiveContent:
    """Holds the content that every message is answered from. `follow` keeps it up to date."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        metrics: Metrics,
        train_now: Callable[[Content], Matcher],
        train: Callable[[Content], Awaitable[Matcher]],
    ) -> None:
        """Reads and trains it at once, by `train_now`; `train` does it while replies go on. Raises BrokenContent."""
        self._folder, self._clock, self._metrics, self._train = folder, clock, metrics, train
        self._warming: asyncio.Task[None] | None = None
        self._seen = picture(folder)  # before it is read: what changes meanwhile is noticed
        content = load(folder)
        self.swap(content, train_now(content))

    async def warm(self) -> None:
        """Has read in what the first question needs, which takes longer than all the rest of the start."""
        if self._warming is None:
            self._warming = asyncio.create_task(asyncio.to_thread(_read_in, self._matcher))
        await asyncio.shield(self._warming)

    def swap(self, content: Content, matcher: Matcher) -> None:
        """From here on that is served; who holds the former goes on with it."""
        self._matcher = matcher
        self.live = Live(content, matcher.match, matcher.with_last, ready=self.warm)
        self.loaded = Loaded(content.version, self._now(), content.event.timezone)

    @property
    def content(self) -> Content:
        """What is served now; whoever needs two things of it asks once."""
        return self.live.content

    async def follow(self, database: Database) -> None:
        """Takes every change of the files, or says why not, until it is cancelled."""
        async with aclosing(changes(self._folder, self._seen)) as steps:
            async for _ in steps:
                await self.reload()
                await self.note(database)

    async def reload(self) -> None:
        """Takes the content as it is now, trained and as a whole; a broken one never replaces a good one."""
        try:
            content = await asyncio.to_thread(_at_one_moment, self._folder)
            if content.version == self.content.version:
                return self._settle(Outcome.UNCHANGED)
            same = phrasings(content) == phrasings(self.content)  # all that a matcher is made of
            matcher = self._matcher if same else await self._train(content)
        except BrokenContent as error:
            return self._settle(Outcome.REFUSED, tuple(_line(fault) for fault in error.faults))
        except Outdated:  # which is a change of its own, and comes next
            return None
        except Exception as error:  # whatever it is: the old answers go on, and the next change is looked at
            return self._settle(Outcome.FAILED, (_line(error) if isinstance(error, UsherError) else _place(error),))
        self.swap(content, matcher)
        return self._settle(Outcome.TAKEN)

    def _settle(self, outcome: Outcome, faults: tuple[str, ...] = ()) -> None:
        """Says what became of a change."""
        self._metrics.reloaded(outcome, len(faults))
        self.loaded = Loaded(
            self.loaded.version, self.loaded.at, self.loaded.zone, outcome, self._now(), faults[:_NAMED]
        )
        for fault in faults[:_NAMED]:
            log.error("the changed content is refused", extra={"fault": fault})
        if faults[_NAMED:]:
            log.error("the changed content has more faults", extra={"more": len(faults) - _NAMED})
        if not faults:
            log.info("the content was reloaded", extra={"version": self.content.version, "outcome": outcome.value})

    def _now(self) -> str:
        return self._clock.now().isoformat()

    async def note(self, database: Database) -> None:
        """Writes down for `usher status` how things stand."""
        value = json.dumps(asdict(self.loaded))

        def note(session: Session) -> None:
            session.merge(Setting(name=CONTENT_LOADED, value=value))

        try:
            await database.write(note)
        except Unavailable:  # it is noted with the next change, then
            log.warning("the database is away: it does not know which content is served")


def _read_in(matcher: Matcher) -> None:
    """Whatever is not there yet of what answers and calendar entries are made with."""
    importlib.import_module("icalendar")
    matcher.warm()


def _at_one_moment(folder: Path) -> Content:
    """The content, read while nothing changed: half of an old and half of a new one may look sound."""
    for _ in range(_READS):
        before = picture(folder)
        try:
            content = load(folder)
        except BrokenContent:
            if picture(folder) == before:
                raise
        else:
            if picture(folder) == before:
                return content
    return load(folder)


def _line(fault: object) -> str:
    """One line, whatever the name of a file or a value holds."""
    return " ".join(str(fault).split())[:_LONGEST]


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
