"""What is wrong with an organizer's texts, said before anything is queued."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from bot.content.facts import NAMES, PLACEHOLDER, Venue
from bot.content.records import Content
from bot.content.words import LANGUAGES, Language
from bot.registration import chat
from bot.registration.chat import TELEGRAM_UNITS, WECHAT_BYTES
from bot.registration.template import FIELD
from bot.registration.voice import PERSONAL, Voice
from bot.store.outbox import Route

_BRACE = re.compile(r"[{}｛｝]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # but tab and line break
_LONG_NAME = 80  # characters, where the form sets no limit of its own
_CHATS = frozenset({Route.WECHAT_MESSAGE, Route.TELEGRAM})
_OFTEN = ("name", "reference", "event.date", "venue.text")  # what to name where nothing is like what was written
Texts = Mapping[str, Mapping[str, str]]
"""{"zh": {"text": ..., "short": ...}, "en": ...}, as an announcement keeps them."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One fault of one text."""

    key: str  # of its sentence in texts.toml; empty: only a command meets it
    english: str
    values: Mapping[str, str] = field(default_factory=dict)  # what the sentence is filled with


def faults(
    content: Content,
    texts: Texts,
    venue: Venue | None,
    *,
    with_venue: bool = False,
    languages: Collection[Language] = LANGUAGES,
    routes: Collection[str] = _CHATS,
) -> list[str]:
    """Everything that is wrong, one line each; none: every person's message can be composed and fits.

    `languages` are those that the audience reads, `routes` those by which it may be told.
    """
    found = ["no venue is published, expected `usher venue set` first"] if with_venue and venue is None else []
    for language in LANGUAGES:
        given = texts.get(language, {})
        if given.get("text", "").strip():
            short = _short(given.get("short", ""))
            rows = wrong(content, given["text"], venue, language, with_venue=with_venue, routes=routes, more=short)
            found += [f"{language}: {row.english}" for row in rows]
        elif language in languages or language in texts:
            found.append(f"{language}: is missing or empty, expected the text")
    return found


def wrong(
    content: Content,
    text: str,
    venue: Venue | None,
    language: Language,
    *,
    with_venue: bool = False,
    routes: Collection[str] = _CHATS,
    more: Iterable[Wrong] = (),
) -> list[Wrong]:
    """What is wrong with the text of one language; `more`: with what goes with it. Only a sound one is measured."""
    named = [*_names(text, NAMES | PERSONAL), *more]
    return named or list(_lengths(content, text, venue, language, with_venue, routes))


def _names(text: str, known: Collection[str]) -> Iterator[Wrong]:
    for name in dict.fromkeys(PLACEHOLDER.findall(text)):
        if name not in known:
            expected = f"expected one of {', '.join(sorted(known))}" if known else "expected none here"
            like = get_close_matches(name, sorted(known), n=2) or _OFTEN
            values = {"placeholder": f"{{{name}}}", "known": " ".join(f"{{{row}}}" for row in like)}
            yield Wrong("broadcast.fault.unknown", f"{{{name}}} is not known, {expected}", values)
    if stray := _BRACE.search(PLACEHOLDER.sub("", text)):
        yield Wrong("broadcast.fault.stray", f"{stray[0]} belongs to no placeholder", {"sign": stray[0]})
    if _CONTROL.search(text):
        yield Wrong("broadcast.fault.control", "holds control characters, expected plain text")


def _short(short: str) -> Iterator[Wrong]:
    yield from (Wrong("", f"short form: {what.english}") for what in _names(short, ()))
    if len(short) > FIELD:
        yield Wrong("", f"short form: {len(short)} characters, expected at most {FIELD}")
    if len(short.splitlines()) > 1:
        yield Wrong("", "short form: has a line break, expected one line")


def _lengths(
    content: Content, text: str, venue: Venue | None, language: Language, with_venue: bool, routes: Collection[str]
) -> Iterator[Wrong]:
    """As the longest name and the longest way around it would make them: of somebody told through a colleague."""
    name = next((question.max_length for question in content.form.questions if question.id == "name"), _LONG_NAME)
    reference = f"{content.event.reference_prefix}-000000"
    say = Voice(content, venue, language, "王" * name, reference, seated=True)
    place = with_venue and venue is not None
    told = chat.announced(say, say.fill(text), ticket="", venue=place, wechat=True, pass_on=True).on_telegram()
    counted = f"with a name of {name} characters" + " and the venue" * place
    if Route.WECHAT_MESSAGE in routes and (size := chat.wechat_bytes(told)) > WECHAT_BYTES:
        english = f"{size} bytes on WeChat {counted}, expected at most {WECHAT_BYTES}"
        yield Wrong("broadcast.fault.wechat", english, {"size": str(size), "most": str(WECHAT_BYTES)})
    if Route.TELEGRAM in routes and (size := chat.telegram_units(told)) > TELEGRAM_UNITS:
        english = f"{size} characters on Telegram {counted}, expected at most {TELEGRAM_UNITS}"
        yield Wrong("broadcast.fault.telegram", english, {"size": str(size), "most": str(TELEGRAM_UNITS)})
