"""WeChat's XML: written as the platform writes it, read as strictly as it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.parsers import expat

Value = str | int | Mapping[str, Any] | Sequence[Any]
_DEEP = 6  # no reply nests further


class WrongReply(Exception):
    """An answer that the platform would not show; the words say what is wrong with it."""


class Bare(str):
    """A value that the platform writes outside CDATA: numbers and a few ids."""

    __slots__ = ()


def write_xml(fields: Mapping[str, Value]) -> bytes:
    """The fields as the platform writes them: texts in CDATA, numbers bare, control characters as they came."""
    return f"<xml>{_written(fields)}</xml>".encode("utf-8", "surrogatepass")


def _written(fields: Mapping[str, Any]) -> str:
    rows = ((name, one) for name, value in fields.items() for one in (value if isinstance(value, list) else [value]))
    return "".join(f"<{name}>{_value(one)}</{name}>" for name, one in rows)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return _written(value)
    if isinstance(value, Bare | int):
        return str(value)
    return "<![CDATA[" + str(value).replace("]]>", "]]]]><![CDATA[>") + "]]>"


def read_xml(body: bytes) -> dict[str, Any]:
    """What stands inside `<xml>`: texts, or fields again. Strictly well-formed, no DOCTYPE. Raises WrongReply."""
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except expat.ExpatError as error:
        raise WrongReply(f"the XML is not well-formed: {error}") from None
    fields = reader.root.get("xml")
    if not isinstance(fields, dict):
        raise WrongReply("the XML has no fields inside <xml>")
    return fields


class _Reader:
    """One pass of expat, which collects fields."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate("utf-8")
        self.root: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any], list[str]]] = [("", self.root, [])]
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = lambda text: self._open[-1][2].append(text)
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_: object) -> None:
        raise WrongReply("the XML has a DOCTYPE")

    def _start(self, name: str, _attributes: object) -> None:
        if len(self._open) > _DEEP:
            raise WrongReply("the XML nests too deep")
        self._open.append((name, {}, []))

    def _end(self, name: str) -> None:
        _, fields, texts = self._open.pop()
        parent = self._open[-1][1]
        if name in parent:
            raise WrongReply(f"{name} stands there twice")
        if fields and "".join(texts).strip():
            raise WrongReply(f"{name} holds text beside fields")
        parent[name] = fields or "".join(texts)
