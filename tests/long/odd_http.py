"""Requests that no client of a platform would write: odd lengths, pieces, versions, and far too much of everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.long.forge import Request, checked, posted, pushed


def chunked(request: Request, chunks: list[bytes]) -> bytes:
    rows = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    head = f"POST {request.target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{rows}\r\n".encode()
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def written(request: Request, **headers: str) -> bytes:
    """The bytes of a request, some of its headers being others."""
    others = {name.replace("_", "-"): value for name, value in headers.items()}
    rows = {"Host": "x", "Content-Length": str(len(request.body)), **request.headers, **others}
    head = "".join(f"{name}: {value}\r\n" for name, value in rows.items())
    return f"{request.method} {request.target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + request.body


def many_headers(request: Request, count: int, size: int) -> bytes:
    return written(request, **{f"X_{number}": "h" * size for number in range(count)})


@dataclass(frozen=True)
class Odd:
    """Bytes on a connection, and the statuses that are right; 0 stands for a connection closed without an answer."""

    name: str
    make: Callable[[], bytes]
    right: set[int]
    hangs_up: bool = False  # ends its side of the connection, as nothing more will come


_WEBSOCKET = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13",
              "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
_SECOND = b"\r\nX-Telegram-Bot-Api-Secret-Token: x\r\n\r\n"
ODD_HTTP = [
    Odd("a right push in chunks", lambda: chunked(right := pushed(), [right.body[:50], right.body[50:]]), {200}),
    Odd("a right push by HTTP/1.0", lambda: written(pushed()).replace(b"HTTP/1.1", b"HTTP/1.0"), {200}),
    Odd("blanks in chunks", lambda: chunked(pushed(), [b" ", b" "]), {403}),
    Odd("a megabyte in chunks", lambda: chunked(pushed(), [b"x" * 1024] * 1024), {403, 0}),
    Odd("a chunk whose length is none", lambda: chunked(pushed(), []).replace(b"0\r\n\r\n", b"zz\r\n"), {400, 403}),
    Odd("a body that ends early", lambda: written(pushed(), Content_Length="99999")[:-10], {403, 400, 0}, True),
    Odd("a length that is none", lambda: written(pushed(), Content_Length="ten"), {400}),
    Odd("a negative length", lambda: written(pushed(), Content_Length="-5"), {400}),
    Odd("two lengths", lambda: written(pushed(), content_length="5"), {400}),
    Odd("half a megabyte of headers", lambda: many_headers(pushed(late=999), 100, 5000), {400, 403, 431, 0}),
    Odd("ten thousand headers", lambda: many_headers(pushed(late=999), 10_000, 10), {400, 403, 431, 0}),
    Odd("a query of a megabyte", lambda: written(pushed(x="y" * 2**20)), {400, 403, 414, 0}),
    Odd("no HTTP", lambda: b"\x16\x03\x01\x02\x00" * 50 + b"\r\n\r\n", {400, 0}),
    Odd("a blank in the address", lambda: written(pushed()).replace(b"webhook?", b"web hook?"), {400, 404}),
    Odd("raw bytes in the query", lambda: written(pushed()).replace(b"nonce=", b"nonce=\xff\x01"), {400, 403}),
    Odd("HTTP/0.9", lambda: b"GET /wechat/webhook\r\n\r\n", {400, 403, 0}),
    Odd("HTTP/9.9", lambda: written(pushed(late=999)).replace(b"HTTP/1.1", b"HTTP/9.9"), {400, 403, 505, 0}),
    Odd("an upgrade to a websocket", lambda: written(checked(signature=""), **_WEBSOCKET), {400, 403, 404}),
    Odd("two secrets", lambda: written(posted()).replace(b"\r\n\r\n", _SECOND, 1), {401}),
]
