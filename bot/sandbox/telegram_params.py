"""The parameters of a Bot API call: from a query, a form, a form with files, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from bot.clock import seconds


class Refusal(Exception):
    """An answer with "ok": false."""

    def __init__(self, code: int, description: str, ours: bool = False, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.ours = ours  # it can happen to a bot that does everything right
        self.parameters = parameters


def bad(description: str, ours: bool = False) -> Refusal:
    """A 400."""
    return Refusal(400, f"Bad Request: {description}", ours)


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Parameters:
    """What came with a call, and when, by seconds()."""

    values: Mapping[str, Any]
    files: Mapping[str, File] = field(default_factory=dict)
    came: float = field(default_factory=seconds)

    def text(self, name: str) -> str:
        """As text; "" when missing."""
        value = self.values.get(name)
        if value is None or isinstance(value, dict | list):
            return ""
        return str(value).lower() if isinstance(value, bool) else str(value)

    def number(self, name: str, default: int = 0) -> int:
        """As a whole number."""
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise bad(f"wrong parameter {name}") from None

    def real(self, name: str) -> float:
        """As a number."""
        try:
            return float(self.text(name))
        except ValueError:
            raise bad(f"wrong parameter {name}") from None

    def flag(self, name: str) -> bool:
        """As yes or no."""
        return self.text(name).lower() in ("true", "yes", "1")

    def structure(self, name: str) -> Any:
        """An object or array: as it is in JSON, or as JSON text in a form. None when missing."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise bad(f"can't parse {name} JSON object") from None


def read_parameters(kind: str, query: str, body: bytes, came: float) -> Parameters:
    """Reads a request by its Content-Type. Raises Refusal."""
    values: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    name = kind.partition(";")[0].strip().lower()
    if name == "application/json":
        try:
            fields = json.loads(body or b"{}")
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            raise bad("can't parse request: JSON object expected")
        return Parameters(values | fields, came=came)
    if name == "multipart/form-data":
        fields, files = _multipart(kind, body)
        return Parameters(values | fields, files, came)
    try:
        return Parameters(values | dict(parse_qsl(body.decode(), keep_blank_values=True)), came=came)
    except UnicodeDecodeError:
        raise bad("strings must be encoded in UTF-8") from None


def _multipart(kind: str, body: bytes) -> tuple[dict[str, Any], dict[str, File]]:
    whole = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    values: dict[str, Any] = {}
    files: dict[str, File] = {}
    for part in whole.iter_parts() if isinstance(whole, EmailMessage) and whole.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise bad("can't parse multipart form data")
        filename = part.get_filename()
        if filename is None:
            values[name] = content.decode()
        else:
            files[name] = File(filename, part.get_content_type(), content)
    return values, files
