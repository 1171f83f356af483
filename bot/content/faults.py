"""Turns a record's complaint into a place in a file and words that an organizer can act on."""

from __future__ import annotations

import re

from pydantic_core import ErrorDetails

_NAMED = re.compile(r"([a-z0-9_.-]+): (expected .*)", re.DOTALL)  # how a record's own check names the key it means
_WORDS = {
    "missing": "is missing; expected a value",
    "extra_forbidden": "no such key; expected only known ones",
    "string_type": "expected text in quotation marks",
    "string_too_short": "is empty; expected text",
    "tuple_type": "expected a list, [..] or [[..]]",
    "dict_type": "expected keys of its own below it, not a single value",
    "model_type": "expected keys of its own below it, not a single value",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
}


def place_and_words(name: str, row: ErrorDetails) -> tuple[str, str]:
    """Where and what, from one row of pydantic's; `name` is a file, or a file and a key."""
    place, words = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in row["loc"]], _words(row)
    if row["type"] == "value_error" and (named := _NAMED.fullmatch(words)):
        place, words = [*place, f".{named[1]}"], named[2]
    key = "".join(place).lstrip(".")
    return (f"{name}{'.' if ':' in name else ':'}{key}" if key else name), words


def _words(row: ErrorDetails) -> str:
    message = row["msg"].removeprefix("Value error, ")
    return _WORDS.get(row["type"], re.sub(r"^(Input|String) should ", "expected to ", message))
