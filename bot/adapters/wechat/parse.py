"""Reads the platform's XML into a flat table of texts, or refuses it.

On expat itself: a DOCTYPE or deep nesting stops it at the first such tag, while the same words inside a person's text
stay words; wechatpy's `parse_message` can do neither, and takes three times as long.
"""

from __future__ import annotations

from xml.parsers import expat

from bot.errors import Forbidden

Fields = dict[str, str]

DEEPEST = 16  # the deepest push in the platform's pages has 5 levels
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r"))  # illegal in XML, yet pushed as they were typed
_NOT_CHARACTERS = ("\ufffe".encode(), "\uffff".encode())


def fields(body: bytes) -> Fields:
    """The text of each child of `<xml>`, by name; of a repeated name the first; of a nested one all its text.

    Raises Forbidden for whatever is not such a body.
    """
    reading = _Reading()
    try:
        reading.parser.Parse(_stripped(body), True)
    except expat.ExpatError:
        raise Forbidden("XML") from None
    return reading.found


def _stripped(body: bytes) -> bytes:
    body = body.translate(None, _CONTROLS)
    for nothing in _NOT_CHARACTERS:
        body = body.replace(nothing, b"")
    return body.strip()


class _Reading:
    """One pass over one body."""

    def __init__(self) -> None:
        self.found: Fields = {}
        self._depth = 0
        self._words: list[str] = []
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._opens
        self.parser.EndElementHandler = self._closes
        self.parser.CharacterDataHandler = self._words.append

    def _doctype(self, *_: object) -> None:
        raise Forbidden("DOCTYPE")

    def _opens(self, name: str, _: object) -> None:
        self._depth += 1
        if self._depth > DEEPEST or (self._depth == 1 and name != "xml"):
            raise Forbidden("nesting" if self._depth > 1 else "root")
        if self._depth == 2:
            self._words.clear()

    def _closes(self, name: str) -> None:
        if self._depth == 2:
            self.found.setdefault(name, "".join(self._words))
        self._depth -= 1
