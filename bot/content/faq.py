"""What people ask, and the answers: content/faq."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from bot.content.values import AtLeastOne, Phrases, matching
from bot.content.words import Record, Words


class Asked(Record):
    """Ways to ask one thing, at least one a language."""

    zh: Annotated[Phrases, AtLeastOne]
    en: Annotated[Phrases, AtLeastOne]


class Front(Record):
    """What stands above the answers of a file of content/faq."""

    ask: Asked
    title: Words | None = None  # empty: the first way to ask


class Examples(Record):
    """Things asked that are not ours, by language."""

    zh: Phrases = ()
    en: Phrases = ()


class OutOfScope(Record):
    """content/faq/_out_of_scope.md."""

    ask: Examples


class Entry(Record):
    """One file of content/faq: what people ask, and the answer."""

    id: Annotated[
        str, matching("[a-z][a-z0-9_]{0,40}", "a file named with small letters, digits and _, the first a letter")
    ]
    ask: Mapping[str, Phrases]
    title: Words
    answer: Words
