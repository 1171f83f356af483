"""What a person sees on one phone: the lines of a chat, in order, and waiting for the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

Who = Literal["person", "bot", "platform"]
_KEPT = 1000  # lines of one chat; a load test must not fill the memory


class NoAnswer(Exception):
    """The bot did not answer in time; the words say what was seen instead."""


class NotPossible(Exception):
    """A person cannot do that now: nothing to tap, not a follower, blocked. The words say why.

    `word`: by which the demo's page says it.
    """

    def __init__(self, reason: str, word: str = "not_possible") -> None:
        super().__init__(reason)
        self.word = word


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line: plain text, a web link, or a choice inside the text."""

    text: str
    link: str = ""  # where a web link leads
    choice: int = 0  # 1 for the line's first choice; 0: not to be tapped


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to tap."""

    label: str  # as shown
    says: str = ""  # what tapping it says (WeChat)
    tag: str = ""  # what comes with it: bizmsgmenuid, callback_data
    link: str = ""  # a button which opens a page instead
    row: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chat."""

    number: int  # from 1, in order
    who: Who  # platform: a notice of the platform's own
    at: datetime  # aware
    parts: tuple[Part, ...]
    choices: tuple[Option, ...] = ()
    message_id: int = 0  # Telegram's
    said: int = 0  # the transcript's version when its text was last changed

    @property
    def text(self) -> str:
        """The text as shown, links by their labels."""
        return "".join(part.text for part in self.parts)

    def to_dict(self) -> dict[str, Any]:
        """For the page; what stands behind a choice stays here."""
        return {
            "number": self.number,
            "who": self.who,
            "at": self.at.isoformat(),
            "parts": [{"text": part.text, "link": part.link, "choice": part.choice} for part in self.parts],
            "choices": [{"label": option.label, "link": option.link, "row": option.row} for option in self.choices],
        }


class Transcript:
    """The lines of one chat. `version` grows with every change."""

    def __init__(self) -> None:
        self.lines: deque[Line] = deque(maxlen=_KEPT)
        self.version = 0
        self._last = 0
        self._news = asyncio.Event()

    def add(self, who: Who, at: datetime, parts: tuple[Part, ...], **more: Any) -> Line:
        """Appends a line."""
        self._last += 1
        line = Line(self._last, who, at, parts, said=self.version + 1, **more)
        self.lines.append(line)
        self._stir()
        return line

    def change(self, line: Line, parts: tuple[Part, ...] | None = None, **more: Any) -> None:
        """Changes a line in place; with `parts` it counts as said again."""
        if parts is not None:
            more |= {"parts": parts, "said": self.version + 1}
        self.lines[self.lines.index(line)] = replace(line, **more)
        self._stir()

    def line(self, number: int) -> Line:
        """The line of that number. Raises NotPossible."""
        for line in reversed(self.lines):
            if line.number == number:
                return line
        raise NotPossible(f"there is no line {number}")

    def since(self, version: int, who: Who = "bot") -> list[Line]:
        """The lines said after that version."""
        return [line for line in self.lines if line.said > version and line.who == who]

    async def until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Waits until it is so; False when the time is up."""
        try:
            async with asyncio.timeout(seconds):
                while not done():
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _stir(self) -> None:
        self.version += 1
        self._news.set()
        self._news = asyncio.Event()


def find_option(line: Line, wanted: int | str) -> Option:
    """The choice by number (from 1) or by label, with or without the number printed in it. Raises NotPossible."""
    if isinstance(wanted, int):
        if 1 <= wanted <= len(line.choices):
            return line.choices[wanted - 1]
    else:
        for same in (lambda option: option.label, lambda option: _bare(option.label), lambda option: option.says):
            for option in line.choices:
                if same(option) == wanted:
                    return option
    raise NotPossible(f"nothing to tap as {wanted!r} among {[option.label for option in line.choices]}")


def _bare(label: str) -> str:
    return label.lstrip("0123456789０１２３４５６７８９").lstrip(" .、．)）\u3000")
