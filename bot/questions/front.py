"""Adds ways to ask to the front matter of a file of content/faq, and leaves every other byte of it as it is."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.errors import UsherError

_FENCE = "+++"
_TOKEN = re.compile(
    r"""
    (?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<comment>\#[^\n]*)|(?P<line>\n)|(?P<space>[^\S\n]+)|(?P<mark>[\[\]{},=])|(?P<bare>[^\s"'\#\[\]{},=]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+)")
_SILENT = ("comment", "line", "space")
_INDENT = "    "


class CannotEdit(UsherError):
    """Front matter that is written in a way in which nothing can be added to its lists."""


@dataclass(frozen=True, slots=True)
class _List:
    """Where a list stands: between its brackets, and the end of its last value and of the comma behind that."""

    opens: int
    closes: int
    last: int  # 0: it is empty
    comma: int  # 0: there is none


def quoted(text: str) -> str:
    """The text as a TOML string. What JSON escapes, TOML reads alike; DEL it leaves."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def extended(text: str, added: Mapping[str, Sequence[str]]) -> str:
    """The file's text with more ways to ask in each language, behind those there. Raises CannotEdit."""
    start, end = _front(text)
    before = text[start:end]
    after, ends = before, "\r\n" if "\r\n" in before else "\n"
    for language, phrasings in added.items():
        if phrasings:
            after = _added(after, language, [quoted(phrasing) for phrasing in phrasings], ends)
    if not _as_meant(before, after, added):
        raise CannotEdit("the lists below `ask` are not written as expected: ask.zh = [..], ask.en = [..]")
    return text[:start] + after + text[end:]


def _front(text: str) -> tuple[int, int]:
    """Where the front matter begins and ends, by the rules of bot/content/load.py."""
    position, fences = 0, []
    for line in text.split("\n"):
        if line.strip("\ufeff \t\r") == _FENCE:
            fences.append((position, position + len(line) + 1))
        position += len(line) + 1
        if len(fences) == 2:
            return fences[0][1], fences[1][0]
    raise CannotEdit("expected front matter between two lines of +++")


def _added(front: str, language: str, strings: Sequence[str], ends: str) -> str:
    found = _find(front, ("ask", language))
    if found is None:
        raise CannotEdit(f"there is no list ask.{language} = [..]")
    tail = found.comma or found.last
    if not found.last:
        return front[: found.opens + 1] + ", ".join(strings) + front[found.opens + 1 :]
    if "\n" not in front[found.opens : found.closes]:
        return front[:tail] + (" " if found.comma else ", ") + ", ".join(strings) + front[tail:]
    lines = "".join(f"{ends}{_indent(front, found)}{string}," for string in strings)
    rest = front.find("\n", tail, found.closes)  # a comment behind the last one stays behind it
    place = tail if rest < 0 else rest - (front[rest - 1] == "\r")
    return front[: found.last] + ("" if found.comma else ",") + front[found.last : place] + lines + front[place:]


def _indent(front: str, found: _List) -> str:
    """That of the last value's line, if the list does not begin there."""
    begins = front.rfind("\n", 0, found.last) + 1
    line = front[begins : found.last]
    return line[: len(line) - len(line.lstrip())] if begins > found.opens else _INDENT


def _find(front: str, wanted: tuple[str, ...]) -> _List | None:
    """The list which is the value of a key, looked for as TOML is read: a string may hold anything."""
    table: tuple[str, ...] = ()
    statement: list[re.Match[str]] = []
    depth = 0
    for token in _tokens(front):
        if token.lastgroup == "mark":
            depth += (token[0] in "[{") - (token[0] in "]}")
        if token.lastgroup != "line" or depth:
            statement.append(token)
            continue
        if found := _list(statement, table, wanted):
            return found
        table, statement = _table(statement, table), []
    return _list(statement, table, wanted)


def _tokens(front: str) -> list[re.Match[str]]:
    tokens, position = [], 0
    while position < len(front):
        token = _TOKEN.match(front, position)
        if token is None:
            raise CannotEdit("a string in the front matter has no end")
        tokens.append(token)
        position = token.end()
    return tokens


def _table(statement: Sequence[re.Match[str]], before: tuple[str, ...]) -> tuple[str, ...]:
    """The table that goes on after this line."""
    said = [token for token in statement if token.lastgroup not in _SILENT]
    if not said or said[0][0] != "[":
        return before
    return _names("".join(token[0] for token in said))


def _list(statement: Sequence[re.Match[str]], table: tuple[str, ...], wanted: tuple[str, ...]) -> _List | None:
    said = [token for token in statement if token.lastgroup not in _SILENT]
    signs = [token[0] for token in said]
    if "=" not in signs or signs[0] == "[":
        return None
    value = signs.index("=") + 1
    if table + _names("".join(signs[: value - 1])) != wanted or signs[value : value + 1] != ["["] or signs[-1] != "]":
        return None
    opens, closes = said[value].start(), said[-1].start()
    inside = said[value + 1 : -1]
    comma = inside[-1].end() if inside and inside[-1][0] == "," else 0
    values = inside[:-1] if comma else inside
    return _List(opens, closes, values[-1].end() if values else 0, comma if values else 0)


def _names(key: str) -> tuple[str, ...]:
    return tuple("".join(parts) for parts in _NAME.findall(key))


def _as_meant(before: str, after: str, added: Mapping[str, Sequence[str]]) -> bool:
    """Whether it reads as it did, with nothing but the new phrasings behind the old ones."""
    try:
        was, now = (tomllib.loads(front.replace("\r\n", "\n")) for front in (before, after))
    except tomllib.TOMLDecodeError:
        return False
    for language, phrasings in added.items():
        if phrasings:
            was["ask"][language] = [*was["ask"][language], *phrasings]
    return was == now
