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

from bot.answers.cache import matcher_of, phrasings
from bot.answers.encoder import installed
from bot.answers.matcher import Match, Matcher
from bot.clock import Clock
from bot.content.load import load
from bot.content.records import Content
from bot.content.watch import changes, picture
from bot.conversation.dispatcher import Live
from bot.errors import BrokenContent, Unavailable, UsherError
from bot.metrics import Metrics
from bot.store.database import Database
from bot.store.noted import note
from bot.training import Outdated

log = logging.getLogger(__name__)
CONTENT_LOADED = "content_loaded"  # the setting that says which content is served, and what became of the last change
_READS = 3  # of a folder that changes while it is read
_NAMED = 20  # faults of one change that are logged, and stored
_LONGEST = 300  # characters of one fault
_START = 1.0  # seconds that a start waits for the first training; WeChat's patience covers what is left of it


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
        kept: Callable[[Content], Matcher | None],
        train: Callable[[Content], Awaitable[Matcher]],
        taken: Callable[[Content], None] = lambda _: None,
    ) -> None:
        """Reads it at once. `kept`: a matcher that was trained before; `train`: trains one. Raises BrokenContent.

        `taken` is told of every content that was changed and taken.
        """
        self._folder, self._clock, self._metrics = folder, clock, metrics
        self._train, self._taken = train, taken
        self._warming: asyncio.Task[None] | None = None
        self._seen = picture(folder)  # before it is read: what changes meanwhile is noticed
        content = load(folder)
        self.swap(content, kept(content))

    @property
    def learnt(self) -> bool:
        """Whether questions are understood; otherwise those who ask wait for the first training."""
        return self._matcher is not None

    async def begin(self) -> None:
        """Begins to get ready for questions; waits for the first training, though no longer than a start may take."""
        warming = asyncio.ensure_future(self.warm())
        warming.add_done_callback(lambda done: done.cancelled() or done.exception())  # it was logged
        if not self.learnt:
            await asyncio.wait([warming], timeout=_START)

    async def warm(self) -> None:
        """Has what questions need, which takes longer than all the rest of the start: till then they wait."""
        if self._warming is None:
            self._warming = asyncio.create_task(self._warm())
        await asyncio.shield(self._warming)

    async def close(self) -> None:
        """Trains no more."""
        if self._warming:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)

    async def _warm(self) -> None:
        try:
            await asyncio.gather(asyncio.to_thread(_read_in), self._learn())
        except Exception as error:
            log.error("no question can be understood", extra={"fault": _told(error)})
            raise

    async def _learn(self) -> None:
        """The first training, where nothing was kept."""
        content = self.content
        if self._matcher:
            return
        try:
            matcher = await self._train(content)
        except Exception as error:  # the files changed again, or it was killed: here it is slower, and sure
            log.warning("training apart did not succeed", extra={"fault": type(error).__name__})
            matcher = await asyncio.to_thread(matcher_of, content)
        if content is self.content:  # else a change was quicker
            self._serve(content, matcher)

    def swap(self, content: Content, matcher: Matcher | None) -> None:
        """From here on that is served; who holds the former goes on with it. None: it has to be trained first."""
        self.loaded = Loaded(content.version, self._now(), content.event.timezone)
        self._serve(content, matcher)

    def _serve(self, content: Content, matcher: Matcher | None) -> None:
        self._matcher = matcher
        if matcher:
            self.live = Live(content, matcher.match, matcher.with_last, self.warm)
        else:
            self.live = Live(content, _unready, ready=self.warm)

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
            matcher = self._matcher if self._matcher and same else await self._train(content)
        except BrokenContent as error:
            return self._settle(Outcome.REFUSED, tuple(_line(fault) for fault in error.faults))
        except Outdated:  # which is a change of its own, and comes next
            return None
        except Exception as error:  # whatever it is: the old answers go on, and the next change is looked at
            return self._settle(Outcome.FAILED, (_told(error),))
        self.swap(content, matcher)
        self._taken(content)
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
        try:
            await database.transact(lambda connection: note(connection, CONTENT_LOADED, value))
        except Unavailable:  # it is noted with the next change, then
            log.warning("the database is away: it does not know which content is served")


def _read_in() -> None:
    """What answers and calendar entries are made with."""
    importlib.import_module("icalendar")
    if encoder := installed():
        encoder.warm()


def _unready(_: str) -> Match:
    raise AssertionError("asked before it was ready")


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


def _told(error: Exception) -> str:
    if isinstance(error, UsherError):
        return _line(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
