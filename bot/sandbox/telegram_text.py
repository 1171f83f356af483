"""Text as Telegram counts and marks it: UTF-16 units, the entities in what people type, HTML in what bots send."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from bot.sandbox.transcript import Part

Entity = dict[str, Any]
_TYPED = (
    ("bot_command", re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")),
    ("mention", re.compile(r"(?<![\w@.])@[A-Za-z][A-Za-z0-9_]{3,31}(?![\w@])")),
    ("email", re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")),
    ("url", re.compile(r"https?://[^\s<>\"]+")),
    ("phone_number", re.compile(r"\+\d[\d ()-]{5,18}\d")),
)
_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "a": "text_link",
}
_TOKEN = re.compile(r"<(/?)([A-Za-z0-9-]*)([^<>]*)>|<|[^<]+", re.S)
_HREF = re.compile(r"""\s+href\s*=\s*("([^"]*)"|'([^']*)'|([^\s"']+))\s*""")


class WrongText(Exception):
    """Text that the Bot API refuses, in its words."""


def utf16(text: str) -> int:
    """How long Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def typed_entities(text: str) -> list[Entity]:
    """What Telegram marks in a text that somebody typed; nothing marked overlaps."""
    found: list[tuple[int, int, str]] = []
    for kind, pattern in _TYPED:
        for match in pattern.finditer(text):
            if all(match.end() <= start or match.start() >= end for start, end, _ in found):
                found.append((match.start(), match.end(), kind))
    return [
        {"offset": utf16(text[:start]), "length": utf16(text[start:end]), "type": kind}
        for start, end, kind in sorted(found)
    ]


def read_html(source: str) -> tuple[str, list[Entity]]:
    """The plain text and the entities of HTML parse mode. Raises WrongText."""
    text, entities, opened = "", [], list[tuple[str, Entity]]()
    for token in _TOKEN.finditer(source):
        if not token[0].startswith("<"):
            text += unescape(token[0])
            continue
        closing, name, rest = token[1], (token[2] or "").lower(), token[3] or ""
        where = f"at byte offset {len(source[: token.start()].encode())}"
        if name not in _TAGS:
            raise WrongText(f'can\'t parse entities: Unsupported start tag "{name}" {where}')
        if closing:
            if not opened or opened[-1][0] != name:
                raise WrongText(f"can't parse entities: Unexpected end tag {where}")
            entity = opened.pop()[1]
            entity["length"] = utf16(text) - entity["offset"]
            entities.append(entity)
        else:
            opened.append((name, {"offset": utf16(text), "length": 0, "type": _TAGS[name]} | _href(name, rest, where)))
    if opened:
        raise WrongText(f"can't parse entities: Can't find end tag corresponding to start tag \"{opened[-1][0]}\"")
    return text, sorted((one for one in entities if one["length"]), key=lambda one: (one["offset"], -one["length"]))


def _href(name: str, rest: str, where: str) -> Entity:
    if name != "a":
        return {}
    found = _HREF.fullmatch(rest)
    if not found:
        raise WrongText(f"can't parse entities: Unsupported attribute {where}")
    return {"url": unescape(found[2] or found[3] or found[4] or "")}


def read_entities(text: str, given: Any) -> list[Entity]:
    """The entities which a bot gives by itself, each inside the text. Raises WrongText."""
    if given is None:
        return []
    for entity in given if isinstance(given, list) else [None]:
        if not isinstance(entity, dict) or not isinstance(entity.get("type"), str):
            raise WrongText("can't parse entities: expected an Array of MessageEntity")
        offset, length = entity.get("offset"), entity.get("length")
        if not (isinstance(offset, int) and isinstance(length, int) and 0 <= offset < offset + length <= utf16(text)):
            raise WrongText("can't parse entities: offset and length lie outside the text")
    return list(given)


def parts_of(text: str, entities: list[Entity]) -> tuple[Part, ...]:
    """The text with its web links, as a person sees it."""
    units, parts, end = text.encode("utf-16-le"), list[Part](), 0
    links = [one for one in entities if one["type"] == "text_link"]
    for one in sorted(links, key=lambda one: int(one["offset"])):
        start, stop = 2 * one["offset"], 2 * (one["offset"] + one["length"])
        url = str(one.get("url", ""))
        if start < end or not url.startswith(("http://", "https://")):
            continue
        parts.append(Part(units[end:start].decode("utf-16-le", "replace")))
        parts.append(Part(units[start:stop].decode("utf-16-le", "replace"), link=url))
        end = stop
    parts.append(Part(units[end:].decode("utf-16-le", "replace")))
    return tuple(part for part in parts if part.text)
