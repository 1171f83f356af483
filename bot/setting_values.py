"""Single settings: what each must look like, and what is said when it does not. No fault repeats a secret."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

_DATABASE = "expected sqlite:///FILE or postgresql://user:password@host:port/name"
_DURATION = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Window(tuple[int, timedelta]):
    """How many messages within how long: `5/48h`."""

    __slots__ = ()

    @classmethod
    def read(cls, value: object) -> Window:
        """Reads `COUNT/DURATION`, the duration in s, m, h or d."""
        if isinstance(value, cls):
            return value
        found = re.fullmatch(r"(\d{1,4})/(\d{1,6})([smhd])", str(value).strip())
        if not found:
            raise ValueError("expected COUNT/DURATION such as 5/48h")
        count, number, unit = found.groups()
        return cls((int(count), timedelta(seconds=int(number) * _DURATION[unit])))


def _moment(value: object) -> object:
    """An ISO time with its offset; pydantic alone would take a number for seconds."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValueError("expected an ISO time with an offset such as 2019-10-08T09:00:00+08:00")
    return moment


def _web(value: str, *, path: bool) -> bool:
    """Whether it is the address of a host, with a path or without."""
    try:
        parts = urlsplit(value)
        host = parts.hostname if parts.port != 0 else None  # reading the port checks it
    except ValueError:
        return False
    bare = not (parts.query or parts.fragment or re.search(r"[?#\s]", value))
    return parts.scheme in ("http", "https") and bool(host) and bare and (path or parts.path in ("", "/"))


def _origin(value: str) -> str:
    if not _web(value, path=False) or "@" in value:
        raise ValueError("expected scheme, host and port only, such as https://api.example.org")
    return value.rstrip("/")


def _public(value: str) -> str:
    if not _web(value, path=True) or "@" in value:
        raise ValueError("expected an address such as https://usher.example.org")
    return value.rstrip("/")


def is_public(address: str) -> bool:
    """Whether a platform may be told to call there: with https, or on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether it is a name or an address of this machine itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _database(value: str) -> str:
    """The address as SQLAlchemy wants it. A wrong one is not repeated: it may hold a password."""
    value = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value)
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError(_DATABASE) from None
    if url.drivername == "postgresql+psycopg":
        return value
    if url.drivername != "sqlite" or url.host or not url.database or ":memory:" in url.database:
        raise ValueError(_DATABASE)
    if not Path(url.database).parent.is_dir():
        raise ValueError(f"{Path(url.database).parent}: no such folder; expected one that exists")
    return value


def _mail_server(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not (value.startswith("smtp://") and _web(value.replace("smtp", "http", 1), path=False)):
        raise ValueError("expected smtp://user:password@host:port")
    return secret


def _chat_ids(value: object) -> tuple[int, ...]:
    if isinstance(value, tuple):
        return value
    try:
        return tuple(int(part) for part in re.split(r"[,\s]+", str(value).strip()) if part)
    except ValueError:
        raise ValueError("expected chat ids, separated by commas") from None


def _matching(pattern: str, expected: str) -> AfterValidator:
    """Takes only text, secret or not, that wholly matches; never repeats it."""

    def check(value: Any) -> Any:
        if not re.fullmatch(pattern, value.get_secret_value() if isinstance(value, SecretStr) else value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


DatabaseUrl = Annotated[str, AfterValidator(_database)]
PublicUrl = Annotated[str, AfterValidator(_public)]
Origin = Annotated[str, AfterValidator(_origin)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Counted = Annotated[Window, BeforeValidator(Window.read)]
ChatIds = Annotated[tuple[int, ...], BeforeValidator(_chat_ids)]
MailServer = Annotated[SecretStr, AfterValidator(_mail_server)]
BotToken = Annotated[
    SecretStr, _matching(r"\d{1,20}:[A-Za-z0-9_-]+", "the token from @BotFather, such as 123456789:AA...")
]
BotSecret = Annotated[SecretStr, _matching(r"[A-Za-z0-9_-]{1,256}", "1 to 256 characters of A-Z, a-z, 0-9, _ and -")]
Secret = Annotated[SecretStr, _matching(r"(?s).{16,}", "at least 16 characters that nobody can guess")]
WeChatToken = Annotated[SecretStr, _matching(r"[A-Za-z0-9]{3,32}", "3 to 32 letters and digits")]
AesKey = Annotated[SecretStr, _matching(r"[A-Za-z0-9+/]{43}", "the EncodingAESKey, 43 characters")]
Mail = Annotated[str, _matching(r"([^@<>]*<)?[^@\s<>]+@[^@\s<>]+>?", "an e-mail address such as usher@example.org")]
