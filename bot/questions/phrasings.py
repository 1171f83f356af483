"""Chooses from what people asked the wordings that may stand in the content: nothing personal, nothing twice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, select
from sqlmodel import col

from bot.answers.normalize import language_of, plain
from bot.questions.groups import Question
from bot.questions.masked import MAIL, PHONE, masked
from bot.store.tables import Registration

MOST = 10
_LOOKED_AT = 200  # wordings of a group, the oldest
_SHORTEST, _LONGEST = 2, 100  # characters
_LATIN = re.compile(r"[a-z][a-z'’-]+")
_CAPITAL = re.compile(r"\b[A-Z][A-Za-z'’-]+")
# Who says such a thing says who they are, or where: 我叫…, my name is …, a handle, an address, a registration's number.
_PERSONAL = re.compile(
    r"我叫|我姓|本人|姓名|名字是|微信号|微信號|加我|身份证|身分證|护照号|護照號|住在"
    r"|\bqq\b|my name|wechat id|passport n|i['’]?m called"
    r"|@\w|https?:|www\.|\b[a-z]{2,5}-[0-9a-z]{6}\b|\d{6}",
    re.IGNORECASE,
)


class Names:
    """The people and organizations who are registered: whoever is named in a question is not named in the content."""

    def __init__(self, names: Iterable[str], organizations: Iterable[str] = ()) -> None:
        people = {_flat(name) for name in names}
        self._whole = {name for name in people | {_flat(name) for name in organizations} if len(name) > 1}
        self._parts = {part for name in people for part in _LATIN.findall(name) if len(part) > 2}

    @classmethod
    def read(cls, connection: Connection) -> Names:
        """All of them, from the registrations."""
        rows = connection.execute(select(col(Registration.name), col(Registration.organization))).all()
        return cls((row[0] or "" for row in rows), (row[1] or "" for row in rows))

    def named_in(self, text: str) -> bool:
        """Whether a text names one of them: wholly, or by one name written with a capital."""
        flat = _flat(text)
        said = {word.casefold() for word in _CAPITAL.findall(unicodedata.normalize("NFKC", text))}
        return bool(said & self._parts) or any(name in flat for name in self._whole)


def phrasings(questions: Sequence[Question], names: Names, known: Collection[str] = ()) -> dict[str, list[str]]:
    """The wordings by language, at most ten, the oldest first. `known`: ways to ask that stand there already."""
    seen = {plain(text) for text in known}
    chosen: dict[str, list[str]] = {"zh": [], "en": []}
    for question in questions[:_LOOKED_AT]:
        text = one_line(question.text)
        if plain(text) in seen or not usable(text) or names.named_in(text):
            continue
        seen.add(plain(text))
        chosen[language_of(text) or question.language].append(text)
        if sum(map(len, chosen.values())) == MOST:
            break
    return chosen


def usable(text: str) -> bool:
    """Whether a wording is one that others may use too: short, in words, with nothing by which somebody is known."""
    if not _SHORTEST <= len(text) <= _LONGEST or not any(map(str.isalpha, text)):
        return False
    hidden = masked(text)
    return PHONE not in hidden and MAIL not in hidden and not _PERSONAL.search(unicodedata.normalize("NFKC", text))


def one_line(text: str) -> str:
    """A text without line breaks and without signs that nobody sees."""
    seen = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    return " ".join(seen.split())


def _flat(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
