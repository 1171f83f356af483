"""Which handler answers a message: by its kind, the choice that was picked, its words, where the form stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from bot.answers.normalize import bare, number, plain
from bot.conversation.prompt import prompt
from bot.conversation.sure import awaited
from bot.conversation.turn import Turn
from bot.conversation.words import LETTER
from bot.message import Choice, Kind, Reply

K = TypeVar("K", str, Kind)
Handler = Callable[[Turn], Reply | None]
H = TypeVar("H", bound=Handler)
ANY_TIME = ("faq", "sent")  # a choice with such a tag holds as long as its message is on the screen
_UNREAD = (Kind.MEDIA, Kind.EDITED)  # whoever sends one while a note is awaited is asked to type it
_SLASHED = re.compile(r"/[A-Za-z0-9_]{1,32}")  # how commands are written on Telegram: nobody asks or answers so
_PRINTED = re.compile(r"(\d{1,2})\s*[.、:)]?\s*(\D.*)")  # a choice as it stands on the screen: 4 工厂代表


class Router:
    """Handlers of one subject, or of several routers together. Words and tags are known once each."""

    def __init__(self, *parts: Router) -> None:
        self.kinds: dict[Kind, Handler] = {}
        self.words: dict[str, Handler] = {}
        self.tags: dict[str, Handler] = {}
        self.patterns: list[tuple[re.Pattern[str], Handler]] = []
        self.asides: set[Handler] = set()
        self.organizers: set[Handler] = set()  # who else says their words says something ordinary
        self.courtesies: set[Handler] = set()  # of words that ask for nothing: to a person they are part of the talk
        self.roles: dict[str, Handler] = {}
        for part in parts:
            self._take(part)

    def on(
        self, *words: str, aside: bool = False, organizers: bool = False, courtesy: bool = False
    ) -> Callable[[H], H]:
        """The handler of these words, understood anywhere. After an aside the form, where there is one, asks again."""
        put = self._put(self.words, [plain(word) for word in words], aside, organizers)

        def noted(handler: H) -> H:
            self.courtesies |= {handler} if courtesy else set()
            return put(handler)

        return noted

    def kind(self, *kinds: Kind, aside: bool = False) -> Callable[[H], H]:
        """The handler of messages that are not text."""
        return self._put(self.kinds, list(kinds), aside)

    def tag(self, name: str, *, aside: bool = False, organizers: bool = False) -> Callable[[H], H]:
        """The handler of picked choices whose tag begins with a name."""
        return self._put(self.tags, [name], aside, organizers)

    def role(self, name: str, *, aside: bool = False) -> Callable[[H], H]:
        """The handler of one place in the conversation: note, form, sure, nod, letter ...; "free" for all else.

        "quiet" is where a person was asked to answer; "reply" gets what organizers reply to one of our messages, and
        returns None where that was nothing but a message like others.
        """
        return self._put(self.roles, [name], aside)

    def matching(self, pattern: str, *, aside: bool = False) -> Callable[[H], H]:
        """The handler of texts that match a pattern wholly, after `plain`."""

        def put(handler: H) -> H:
            self.patterns.append((re.compile(pattern), handler))
            self.asides |= {handler} if aside else set()
            return handler

        return put

    def knows(self, text: str) -> bool:
        """Whether these are words that some handler stands for."""
        return (handler := self._command(text)) is not None and handler not in self.organizers

    def stands_for(self, text: str) -> str:
        """What the handler of these words does, in the words of its file; empty: no handler stands for them."""
        handler = self._command(text) if self.knows(text) else None
        return (handler.__doc__ or "").partition("\n")[0] if handler else ""

    def route(self, turn: Turn) -> Reply | None:
        """The reply to one message."""
        _pick(turn)
        if turn.organizer and turn.message.reply_to and (reply := self.roles["reply"](turn)):
            turn.outcome = "reply"
            return reply
        handler = self._handler(turn)
        turn.outcome = handler.__name__
        turn.state.note = turn.state.note and turn.message.kind in _UNREAD
        last, handed = turn.state.last, turn.state.handed
        reply = handler(turn)
        if turn.state.last is last and handler not in self.courtesies:  # something else was done
            turn.state.last = None
        if turn.state.handed is handed and self._ends_quiet(turn, handler):
            turn.state.handed = None
        if reply is not None and handler in self.asides and turn.state.form and not turn.state.note:
            question = prompt(turn)
            reply = Reply(reply.text, question.ask, question.choices, question.contact_button)
        return reply

    def _handler(self, turn: Turn) -> Handler:
        if turn.message.kind in _UNREAD and awaited(turn.state.offered):
            return self.roles["sure"]
        if turn.message.kind is not Kind.TEXT:
            return self.kinds[turn.message.kind]
        if turn.picked and turn.picked.tag:
            return self._for(turn, self.tags[turn.tag[0]]) or self.roles["stale"]
        if turn.message.tapped and not turn.picked:
            return self.roles["stale"]
        command = self._for(turn, self._command(turn.text))
        if command is None and _SLASHED.fullmatch(turn.text.strip()):
            return self.roles["command"]
        if turn.quiet and command in self.courtesies:
            command = None
        if turn.state.note:
            return command or self.roles["note"]
        if awaited(turn.state.offered) and command in (None, self.roles.get("nod")):
            return self._matched(turn) or self.roles["sure"]
        if turn.state.letter and turn.organizer:
            its_own = turn.state.letter.listens or plain(turn.text) in LETTER
            return self.roles["letter"] if its_own or command is None else command
        return command or self._elsewhere(turn)

    def _ends_quiet(self, turn: Turn, handler: Handler) -> bool:
        """Whether whoever was handed to a person talks to the bot again: by a known word, or a tap."""
        if turn.message.kind not in (Kind.TEXT, Kind.START):
            return False
        return handler is self.roles.get("command") or handler not in self.roles.values()

    def _for(self, turn: Turn, handler: Handler | None) -> Handler | None:
        """The handler, unless it is for organizers alone and the person is none."""
        return None if handler in self.organizers and not turn.organizer else handler

    def _command(self, text: str) -> Handler | None:
        return self.words.get(plain(text)) or self.words.get(bare(text))

    def _elsewhere(self, turn: Turn) -> Handler:
        return self._matched(turn) or self.roles["form" if turn.state.form else "quiet" if turn.quiet else "free"]

    def _matched(self, turn: Turn) -> Handler | None:
        said = plain(turn.text)
        return next((handler for pattern, handler in self.patterns if pattern.fullmatch(said)), None)

    def _put(self, table: dict[K, Handler], keys: list[K], aside: bool, organizers: bool = False) -> Callable[[H], H]:
        def put(handler: H) -> H:
            for key in dict.fromkeys(keys):
                if key in table:
                    raise ValueError(f"{key!r} has two handlers")
                table[key] = handler
            self.asides |= {handler} if aside else set()
            self.organizers |= {handler} if organizers else set()
            return handler

        return put

    def _take(self, part: Router) -> None:
        for mine, theirs in ((self.words, part.words), (self.tags, part.tags), (self.roles, part.roles)):
            twice = set(mine) & set(theirs)
            if twice:
                raise ValueError(f"{sorted(twice)} have two handlers")
            mine.update(theirs)
        self.kinds.update(part.kinds)
        self.patterns += part.patterns
        self.asides |= part.asides
        self.organizers |= part.organizers
        self.courtesies |= part.courtesies


def _pick(turn: Turn) -> None:
    """Finds the choice that was taken, and what it says."""
    message, offered = turn.message, turn.state.offered
    turn.text = message.text
    if message.kind is not Kind.TEXT:
        return
    if message.tapped:
        turn.picked = _tapped(message.tapped, message.text, offered)
    else:
        turn.picked = _typed(message.text, offered)
    if turn.picked:
        turn.text = turn.picked.text


def _tapped(tag: str, text: str, offered: tuple[Choice, ...]) -> Choice | None:
    """A tap counts while its question is open. A tag comes from outside: it is believed only where it was offered.

    What holds at any time has a handler that believes nothing of its tag.
    """
    if tag.split(".")[0] in ANY_TIME or tag == "say":
        return Choice(text, text, "" if tag == "say" else tag)
    return next((choice for choice in offered if choice.tag == tag), None)


def _typed(text: str, offered: tuple[Choice, ...]) -> Choice | None:
    place = number(text)
    if place is not None:
        return offered[place - 1] if place <= len(offered) else None
    said = plain(text)
    if printed := _PRINTED.fullmatch(said):
        offered, said = offered[int(printed[1]) - 1 :][:1] if printed[1] != "0" else (), printed[2]
    return next(
        (choice for choice in offered if said and said in map(plain, (choice.label, choice.text, *choice.also))), None
    )
