"""Settings from the environment and `.env`: each checked, each fault with its name and what is expected."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "USHER_"
CLONE = Path(__file__).parent.parent
_DATABASE = "expected sqlite:///FILE or postgresql://user:password@host:port/name"
_WORDS = {
    "bool_parsing": "expected true or false",
    "int_parsing": "expected a whole number",
    "float_parsing": "expected a number",
}
_DURATION = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class WrongSetting(Exception):
    """A setting is missing, unknown or malformed: its name and what was expected."""


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
    bare = not (parts.query or parts.fragment) and (path or parts.path in ("", "/"))
    return parts.scheme in ("http", "https") and bool(host) and bare


def _origin(value: str) -> str:
    if not _web(value, path=False):
        raise ValueError("expected scheme, host and port only, such as https://api.example.org")
    return value.rstrip("/")


def _public(value: str) -> str:
    if not _web(value, path=True):
        raise ValueError("expected an address such as https://usher.example.org")
    return value.rstrip("/")


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


Origin = Annotated[str, AfterValidator(_origin)]
Counted = Annotated[Window, BeforeValidator(Window.read)]
BotToken = Annotated[
    SecretStr, _matching(r"\d{1,20}:[A-Za-z0-9_-]+", "the token from @BotFather, such as 123456789:AA...")
]
BotSecret = Annotated[SecretStr, _matching(r"[A-Za-z0-9_-]{1,256}", "1 to 256 characters of A-Z, a-z, 0-9, _ and -")]
AesKey = Annotated[SecretStr, _matching(r"[A-Za-z0-9+/]{43}", "the EncodingAESKey, 43 characters")]
Mail = Annotated[str, _matching(r"([^@<>]*<)?[^@\s<>]+@[^@\s<>]+>?", "an e-mail address such as usher@example.org")]


class Settings(BaseSettings):
    """Every setting; CONTRACT section 3 says what each is for. An empty value means not set."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: Annotated[str, AfterValidator(_database)] = "sqlite:///usher.db"
    content: Path = Path("content")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    public_url: Annotated[str, AfterValidator(_public)] | None = None
    secret: SecretStr | None = None
    log: Literal["text", "json"] = "text"
    metrics_token: SecretStr | None = None
    now: Annotated[datetime, BeforeValidator(_moment)] | None = None

    telegram_token: BotToken | None = None
    telegram_mode: Literal["webhook", "polling"] = "polling"  # works anywhere, with no address of its own
    telegram_secret: BotSecret | None = None
    telegram_api_url: Origin = "https://api.telegram.org"
    telegram_proxy: str | None = None
    telegram_rate: float = Field(28, gt=0, le=1000)
    telegram_organizers: Annotated[tuple[int, ...], BeforeValidator(_chat_ids)] = ()

    wechat_app_id: str | None = None
    wechat_app_secret: SecretStr | None = None
    wechat_token: SecretStr | None = None
    wechat_aes_key: AesKey | None = None
    wechat_mode: Literal["safe", "compatible", "plain"] = "safe"
    wechat_account: Literal["service", "subscription"] = "service"
    wechat_verified: bool = True
    wechat_api_url: Origin = "https://api.weixin.qq.com"
    wechat_window: Counted = Window((5, timedelta(hours=48)))
    wechat_tap_window: Counted = Window((3, timedelta(minutes=1)))
    wechat_template_reminder: str = ""
    wechat_template_confirmation: str = ""

    smtp_url: Annotated[SecretStr, AfterValidator(_mail_server)] | None = None
    mail_from: Mail | None = None

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `read` hands over: where values come from is decided there, once."""
        return (init_settings,)

    @property
    def telegram_on(self) -> bool:
        """Whether the Telegram channel is set up."""
        return self.telegram_token is not None

    @property
    def wechat_on(self) -> bool:
        """Whether the WeChat channel is set up."""
        return self.wechat_app_id is not None

    def content_folder(self) -> Path:
        """The content folder; the clone's own where a relative one is absent here."""
        if not self.content.is_absolute() and not self.content.is_dir() and (CLONE / self.content).is_dir():
            return CLONE / self.content
        return self.content

    def cache_folder(self) -> Path | None:
        """Where what was trained is kept for the next start: beside SQLite's file, else with the user's other caches.

        None where nothing can be written: then each start trains.
        """
        url = make_url(self.database_url)
        if url.get_backend_name() == "sqlite":
            folder = Path(f"{url.database}-cache").absolute()
        else:
            folder = Path(os.environ.get("XDG_CACHE_HOME", "") or "~/.cache", "usher")
        try:
            folder = folder.expanduser()
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError):  # RuntimeError: nobody knows where home is
            return None
        return folder if os.access(folder, os.W_OK | os.X_OK) else None


_FIELDS = frozenset(Settings.model_fields)


def read(environment: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Reads settings from an environment and a `.env` file under it.

    Raises WrongSetting with every name that is unknown, malformed or missing, one a line.
    """
    ours = _ours(_file(env_file)) | _ours(os.environ if environment is None else environment)
    unknown = sorted(name for name in ours if name not in _FIELDS)
    if unknown:
        raise WrongSetting("\n".join(f"{PREFIX}{name.upper()}: no such setting" for name in unknown))
    try:
        settings = Settings(**ours)  # type: ignore[arg-type]  # pydantic reads the strings
    except ValidationError as error:
        raise WrongSetting("\n".join(_fault(row) for row in error.errors(include_input=False))) from None
    _together(settings)
    return settings


def _ours(given: Mapping[str, str]) -> dict[str, str]:
    """Our settings without their prefix. An empty one is not set, and hides no other; an unknown one stays a fault."""
    ours = {name.removeprefix(PREFIX).lower(): text.strip() for name, text in given.items() if name.startswith(PREFIX)}
    return {name: text for name, text in ours.items() if text or name not in _FIELDS}


def _file(env_file: Path | None) -> dict[str, str]:
    if env_file is None or not env_file.is_file():
        return {}
    try:
        with env_file.open(encoding="utf-8-sig") as lines:
            broken = next((row for row in parse_stream(lines) if row.error), None)
        if broken:
            raise WrongSetting(f"{env_file}:{broken.original.line}: cannot be read; expected NAME=value")
        values = dotenv_values(env_file, interpolate=False, encoding="utf-8-sig")  # a mark that some editors write
    except UnicodeDecodeError:
        raise WrongSetting(f"{env_file}: is not UTF-8; expected text saved as UTF-8") from None
    return {name: value or "" for name, value in values.items()}


def _fault(row: Any) -> str:
    words = _WORDS.get(row["type"], row["msg"].removeprefix("Value error, "))
    return f"{PREFIX}{str(row['loc'][0]).upper()}: {re.sub('^Input should be ', 'expected ', words)}"


def _together(settings: Settings) -> None:
    """Settings that need each other."""
    missing: list[str] = []
    if settings.wechat_on:
        missing += ["wechat_token"] if settings.wechat_token is None else []
        if settings.wechat_mode != "plain" and settings.wechat_aes_key is None:
            missing.append("wechat_aes_key")
    elif settings.wechat_token or settings.wechat_app_secret or settings.wechat_aes_key:
        missing.append("wechat_app_id")
    if settings.telegram_on and settings.telegram_mode == "webhook":
        missing += ["telegram_secret"] if settings.telegram_secret is None else []
    if not settings.telegram_on and settings.telegram_secret:
        missing.append("telegram_token")
    if settings.smtp_url and not settings.mail_from:
        missing.append("mail_from")
    if missing:
        raise WrongSetting(
            "\n".join(
                f"{PREFIX}{name.upper()}: missing, the channel needs it together with the others" for name in missing
            )
        )
