"""Groups what waits for an organizer, so that who asks the same is answered at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from sqlalchemy import Connection

from bot.answers.normalize import plain
from bot.questions.nearness import Space, Vectors
from bot.store.statement import Statement, moment
from bot.store.tables import Outcome

MOST = 20_000  # questions that are looked at, the oldest: the others come up as these are answered
_BLOCK = 256  # questions compared at once: with 20,000 groups before them that takes 20 MB
_COLUMNS = "id, contact_id, asked_at, language, outcome, text, entry, score"
# Written as the index is, which SQLite takes only then.
_OPEN = "closed_at IS NULL AND outcome IN ('unknown', 'note', 'suggest')"
_WAITING = Statement(f"SELECT {_COLUMNS} FROM question WHERE {_OPEN} ORDER BY id LIMIT :most")  # noqa: S608  # constants
_COUNT = Statement(f"SELECT count(*) FROM question WHERE {_OPEN}")  # noqa: S608
_TAPPED = Statement(f"""
    SELECT {_COLUMNS} FROM question WHERE outcome = 'tapped' AND closed_at IS NULL ORDER BY id DESC LIMIT :most
""")  # noqa: S608


@dataclass(frozen=True, slots=True)
class Question:
    """One question that somebody asked, or a note."""

    id: int
    contact_id: int | None
    asked_at: datetime
    language: str
    outcome: str
    text: str
    entry: str | None  # that comes nearest
    score: float | None


@dataclass(frozen=True)
class Group:
    """Questions that ask the same, the oldest first; a note is alone in its group."""

    questions: tuple[Question, ...]

    @property
    def id(self) -> str:
        """Of its oldest question: the same as long as that waits, whatever is asked meanwhile."""
        return f"Q{self.questions[0].id}"

    @property
    def kind(self) -> str:
        """question, note, or tapped: that a suggestion was taken."""
        outcome = self.questions[0].outcome
        return "question" if outcome in (Outcome.UNKNOWN, Outcome.SUGGEST) else outcome

    @property
    def people(self) -> list[int]:
        """Who asked, each once."""
        return sorted({question.contact_id for question in self.questions if question.contact_id is not None})

    @cached_property
    def nearest(self) -> tuple[str | None, float | None]:
        """The entry that comes nearest to most of them, and how near at best."""
        near: Counter[str] = Counter()
        for question in self.questions:
            if question.entry:
                near[question.entry] += question.score or 0.0  # type: ignore[assignment]  # counters may hold fractions
        if not near:
            return None, None
        entry = max(sorted(near), key=lambda name: near[name])
        return entry, max((question.score or 0.0) for question in self.questions if question.entry == entry)

    @property
    def languages(self) -> dict[str, int]:
        """How many of them were asked in each."""
        return dict(sorted(Counter(question.language for question in self.questions).items()))

    @property
    def wordings(self) -> list[str]:
        """The ways in which it was asked, the oldest first, each once."""
        said: dict[str, str] = {}
        for question in self.questions:
            said.setdefault(plain(question.text), question.text)
        return list(said.values())


def open_groups(connection: Connection, space: Space) -> list[Group]:
    """What waits, the largest group first, of these the newest. Raises nothing that the database does not."""
    found = grouped(_questions(_WAITING.run(connection, most=MOST)), space)
    return sorted(found, key=lambda group: (-len(group.questions), -group.questions[-1].id))


def count(connection: Connection) -> int:
    """How many questions and notes wait."""
    return int(_COUNT.row(connection)[0])


def tapped(connection: Connection) -> list[Group]:
    """Of which entries people took the suggestion, and what they had asked: the newest evidence, by entry."""
    by_entry: dict[str, list[Question]] = {}
    for question in reversed(_questions(_TAPPED.run(connection, most=MOST))):
        by_entry.setdefault(question.entry or "", []).append(question)
    by_entry.pop("", None)
    return [Group(tuple(rows)) for _, rows in sorted(by_entry.items(), key=lambda pair: (-len(pair[1]), pair[0]))]


def grouped(questions: Sequence[Question], space: Space) -> list[Group]:
    """Each question joins the group whose oldest question it is nearest to, if that is near; else it begins one.

    Whom a question joins depends on older ones alone: what is asked later changes no group. Given oldest first.
    """
    notes = [Group((question,)) for question in questions if question.outcome == Outcome.NOTE]
    said: dict[str, list[Question]] = {}
    for question in questions:
        if question.outcome != Outcome.NOTE:
            said.setdefault(plain(question.text), []).append(question)
    first = [rows[0].text for rows in said.values()]
    joined: dict[int, list[Question]] = {}
    for leader, rows in zip(_joined(first, space), said.values(), strict=True):
        joined.setdefault(leader, []).extend(rows)
    return notes + [Group(tuple(sorted(rows, key=lambda question: question.id))) for rows in joined.values()]


def _joined(texts: Sequence[str], space: Space) -> Iterator[int]:
    """For each text the number of the one that its group began with."""
    near = list(_leaders(texts, space.before)) if space.before else list(range(len(texts)))
    heads = sorted(set(near))
    looked = heads[: space.most]
    leader = {head: head for head in heads}
    for head, first in zip(looked, _leaders([texts[head] for head in looked], space), strict=True):
        leader[head] = looked[first]
    return (leader[head] for head in near)


def _leaders(texts: Sequence[str], space: Space) -> Iterator[int]:
    """For each text the number of the one that its group began with, a block at a time."""
    begun: list[int] = []  # the numbers of the texts with which groups began
    known: Vectors | None = None  # theirs, with room for more
    for start in range(0, len(texts), _BLOCK):
        block = space.vectors(texts[start : start + _BLOCK])
        if known is None:
            known = np.empty((len(texts), block.shape[1]), np.float32)
        older = len(begun)
        before, among = block @ known[:older].T, block @ block.T
        for row in range(len(block)):
            new = [number - start for number in begun[older:]]
            near = np.concatenate((before[row], among[row, np.array(new, int)]))
            best = int(near.argmax()) if begun else 0
            if not begun or near[best] < space.near:
                best = len(begun)
                known[best] = block[row]
                begun.append(start + row)
            yield begun[best]


def _questions(rows: Sequence[Sequence[object]]) -> list[Question]:
    return [Question(row[0], row[1], moment(row[2]), *row[3:]) for row in rows]  # type: ignore[arg-type]
