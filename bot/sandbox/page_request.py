"""What the page may send: JSON from itself, read and checked, and the answers when it is not that."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.transcript import NoAnswer, NotPossible

TYPED = 4096  # characters of one message
_BODY = 32_768
Fields = dict[str, Any]
Endpoint = Callable[[Request], Awaitable[Response]]


class BadRequest(Exception):
    """The page sent something that no person could have done."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(status)
        self.status = status


def answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with what it refuses said as a word that the page knows."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except BadRequest as bad:
            return error("bad_request", bad.status)
        except NotPossible as not_possible:
            return error(not_possible.word, 409)
        except NoAnswer:
            return error("no_answer", 504)

    return answered


def error(name: str, status: int) -> JSONResponse:
    """A fault by its word."""
    return JSONResponse({"error": name}, status)


def same_origin(request: Request) -> bool:
    """Whether a browser sent it from our own page, or no browser at all."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:
        return False


async def fields_of(request: Request) -> Fields:
    """The JSON of a request. Another page cannot send that content type without being asked for its origin."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json" or not same_origin(request):
        raise BadRequest
    length = request.headers.get("content-length", "")
    if not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > _BODY:
        raise BadRequest
    try:
        fields = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise BadRequest from None
    if not isinstance(fields, dict):
        raise BadRequest
    return fields


def typed(fields: Fields) -> str:
    """What somebody wrote."""
    text = fields.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > TYPED or re.search("[\ud800-\udfff]", text):
        raise BadRequest
    return text


def number(fields: Fields, name: str) -> int:
    """A whole number."""
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequest
    return value


def code(fields: Fields, needed: bool = True) -> str:
    """A scene or a payload; "" where it is missing and not needed."""
    value = fields.get("code", "")
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        if value == "" and not needed:
            return ""
        raise BadRequest
    return value
