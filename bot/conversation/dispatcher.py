"""Receives every message: one transaction, at most one effect, and the same reply to every copy of it."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, or_, select, update
from sqlmodel import Session, col

from bot.adapters.base import Adapter
from bot.answers.matcher import Match, Outcome
from bot.answers.normalize import number
from bot.clock import Clock, seconds
from bot.content.records import Content
from bot.conversation import arrival
from bot.conversation.fitting import fitted
from bot.conversation.router import Router
from bot.conversation.state import State
from bot.conversation.turn import Turn, unchanged
from bot.conversation.waited import Nothing, Waiting, with_notices
from bot.errors import TryLater, Unavailable
from bot.message import Kind, Message, Reply
from bot.store import tables
from bot.store.database import Database
from bot.store.group_commit import Undo

log = logging.getLogger(__name__)
_CLAIM = timedelta(seconds=30)  # longer than a send takes; after that another copy of the message may send its reply
ERASED = "erased"  # the outcome after which the database's files are scrubbed
_REPEAT = "repeat"  # the outcome of a copy


async def at_once() -> None:
    """There is nothing to wait for."""


@dataclass(frozen=True, slots=True)
class Live:
    """What may change while running: the content and what finds answers in it, swapped as one."""

    content: Content
    match: Callable[[str], Match]
    with_last: Callable[[Match, str], Match] = unchanged  # a match, read as a follow-up to an entry
    ready: Callable[[], Awaitable[object]] = at_once  # ends when `match` need not wait for what it works with


Measure = Callable[[str, str, float], None]
"""Counts one message: channel, outcome, seconds until its commit."""

_NOTHING_WAITS = Nothing()


class Dispatcher:
    """Turns messages into replies. `receive` is what adapters call."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        live: Callable[[], Live],
        router: Router,
        adapters: Mapping[str, Adapter],
        secret: bytes,
        measure: Measure,
        waiting: Waiting = _NOTHING_WAITS,
        accounts: Any = None,
        organizers: Collection[str] = (),
    ) -> None:
        self._database, self._clock, self._live, self._router = database, clock, live, router
        self._adapters, self._secret, self._measure = adapters, secret, measure
        self._waiting, self._accounts = waiting, accounts
        self._organizers = frozenset(organizers)  # their addresses, as printed
        self._flying: dict[str, asyncio.Task[Reply | None]] = {}
        self._fresh: set[str] = set()

    async def receive(self, message: Message) -> Reply | None:
        """The reply, after the commit. Copies in flight share one result. Raises Unavailable."""
        task = self._flying.get(message.id)
        if task is None:
            task = self._flying[message.id] = asyncio.create_task(self._answer(message))
            task.add_done_callback(lambda _: self._flying.pop(message.id, None))
        return await asyncio.shield(task)

    async def drained(self) -> None:
        """Waits for the messages that are in flight now."""
        if self._flying:
            await asyncio.wait(list(self._flying.values()))

    async def _answer(self, message: Message) -> Reply | None:
        started = seconds()
        live, match = self._live(), _unread
        if self._may_ask(message):
            live, match = await self._reading(message)
        try:
            reply, outcome = await self._database.transact(
                lambda connection: self._turn(connection, message, live, match)
            )
        except Unavailable:
            self._measure(message.sender.channel, "unavailable", seconds() - started)
            raise
        except Exception as error:  # a fault of ours must not leave a person without a word
            log.error("a handler failed", extra={"fault": type(error).__name__, "at": _place(error)})
            reply, outcome = await self._database.transact(
                lambda connection: self._apologize(connection, message, live)
            )
        if outcome == ERASED:
            await self._database.scrub()
        if reply is not None and outcome != _REPEAT and self._adapters[message.sender.channel].sends_replies:
            self._fresh.add(message.id)
        self._measure(message.sender.channel, outcome, seconds() - started)
        return reply

    async def _reading(self, message: Message) -> tuple[Live, Callable[[], Match]]:
        """Finds out what the matcher makes of it, once, and only where somebody wants to know.

        Most of what is typed answers the form, and is no question; reading it as one would cost three times what all
        the rest of a message does. Those who ask in the first seconds of a process wait until it can tell.
        """
        try:
            await self._live().ready()
        except Exception as error:
            _complain(error)
            return self._live(), _unread
        live = self._live()

        @cache  # a transaction may run more than once
        def match() -> Match:
            try:
                return live.match(message.text)
            except Exception as error:  # they are told that it was not understood, which is better than nothing
                _complain(error)
                return _unread()

        return live, match

    def _may_ask(self, message: Message) -> bool:
        """Whether these may be a question: not a tap, a known word, a number or a mail address alone."""
        text = message.text
        if message.kind is not Kind.TEXT or message.tapped or not any(map(str.isalpha, text)):
            return False
        address = "@" in text and len(text.split()) == 1
        return not address and number(text) is None and not self._router.knows(text)

    def _turn(
        self, connection: Connection, message: Message, live: Live, match: Callable[[], Match]
    ) -> tuple[Reply | None, str]:
        turn, before = self._begin(connection, message, live, match)
        if before.seen:
            # A copy writes nothing, not even that its sender was here: they may be erased by now.
            raise Undo((before.reply, _REPEAT))
        reply = self._router.route(turn)
        if reply is not None and not turn.erased:
            waiting = self._waiting if before.waiting else _NOTHING_WAITS
            reply = with_notices(turn, reply, waiting, self._adapters[message.sender.channel].fit)
        reply = self._finish(turn, None if reply == Reply() else reply)
        return reply, ERASED if turn.erased else turn.outcome

    def _apologize(self, connection: Connection, message: Message, live: Live) -> tuple[Reply | None, str]:
        """The state stays as it was: the person may say or tap the same again."""
        turn, before = self._begin(connection, message, live, _unread)
        if before.seen:
            raise Undo((before.reply, _REPEAT))
        reply = Reply(turn.say("fault"))
        self._save(turn, reply)
        return reply, "fault"

    def _begin(
        self, connection: Connection, message: Message, live: Live, match: Callable[[], Match]
    ) -> tuple[Turn, arrival.Standing]:
        now = self._clock.now()
        person = arrival.meet(connection, message, now)
        before = arrival.standing(connection, person, message, self._secret)
        if before.former is not None and not before.seen:
            arrival.find_again(connection, person, before.former)
        state = State.from_json(before.state)
        organizer = str(message.sender) in self._organizers
        turn = Turn(
            message,
            person,
            state,
            live.content,
            connection,
            now,
            match,
            self._secret,
            live.with_last,
            self._accounts,
            before.venue,
            organizer,
        )
        return turn, before

    def _finish(self, turn: Turn, reply: Reply | None) -> Reply | None:
        if reply is not None:
            more = turn.choice("choice.more")
            adapter, asks_again = self._adapters[turn.message.sender.channel], turn.state.form is not None
            fit = fitted(adapter, reply, more, asks_again=asks_again)
            reply, turn.state.rest, turn.state.offered = fit.shown, fit.rest, fit.offered
        turn.flush()
        self._save(turn, reply)
        return reply

    def _save(self, turn: Turn, reply: Reply | None) -> None:
        arrival.save(turn, reply, _draft_touched(turn), self._clock.real())

    async def claim(self, key: str) -> bool:
        """Whether the caller is the one copy that should send the reply of this message now.

        False: it is done with. Raises TryLater while another copy's claim is young.
        """
        if key in self._fresh:  # claimed by the transaction that wrote it
            self._fresh.discard(key)
            return True
        return await self._database.write(lambda session: _claim(session, key, self._clock.real()))

    async def sent(self, key: str) -> None:
        """The reply of this message was sent, or its fate is unknown: no copy sends it again."""
        await self._database.write(lambda session: _mark(session, key, sent_at=self._clock.real()))

    async def release(self, key: str) -> None:
        """The reply was certainly not sent: the next copy of the message may."""
        await self._database.write(lambda session: _mark(session, key, claimed_at=None))


def _draft_touched(turn: Turn) -> datetime | None:
    """When a draft past consent was last touched; drafts before consent are nobody's business."""
    draft = turn.state.draft
    return turn.now if draft and draft.consent_at else None


def _unread() -> Match:
    return Match(Outcome.UNKNOWN)


def _complain(error: Exception) -> None:
    log.error("the matcher failed", extra={"fault": type(error).__name__, "at": _place(error)})


def _place(error: Exception) -> str:
    """Where it happened; never its message, which may hold what a person wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))


def _claim(session: Session, key: str, now: datetime) -> bool:
    row = tables.Message
    free = or_(col(row.claimed_at).is_(None), col(row.claimed_at) <= now - _CLAIM)
    waiting = (col(row.key) == key, col(row.sent_at).is_(None))
    taken = update(row).where(*waiting, free).values(claimed_at=now).returning(col(row.id))
    if session.execute(taken).first() is not None:
        return True
    if session.execute(select(col(row.id)).where(*waiting)).first() is not None:
        raise TryLater("another copy of this message is about to send its reply", _CLAIM.total_seconds())
    return False


def _mark(session: Session, key: str, **values: datetime | None) -> None:
    session.execute(update(tables.Message).where(col(tables.Message.key) == key).values(**values))
