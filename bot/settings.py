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
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "USHER_"
CLONE = Path(__file__).parent.parent
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


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("expected an ISO time with an offset such as 2019-10-08T09:00:00+08:00")
    return value


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise ValueError("expected scheme, host and port only, such as https://api.example.org")
    return value.rstrip("/")


def _public(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("expected an address such as https://usher.example.org")
    return value.rstrip("/")


def _database(value: str) -> str:
    if re.match(r"postgres(ql)?://", value):
        return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value)
    if value.startswith(("sqlite:///", "postgresql+psycopg://")):
        return value
    raise ValueError("expected sqlite:///FILE or postgresql://...")


def _chat_ids(value: object) -> tuple[int, ...]:
    if isinstance(value, tuple):
        return value
    try:
        return tuple(int(part) for part in re.split(r"[,\s]+", str(value).strip()) if part)
    except ValueError:
        raise ValueError("expected chat ids, separated by commas") from None


def _matching(pattern: str, expected: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


Origin = Annotated[str, AfterValidator(_origin)]
TapWindow = Annotated[Window, BeforeValidator(Window.read)]


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
    now: Annotated[datetime, AfterValidator(_aware)] | None = None

    telegram_token: Annotated[SecretStr, AfterValidator(lambda token: _telegram_token(token))] | None = None
    telegram_mode: Literal["webhook", "polling"] = "polling"  # works anywhere, with no address of its own
    telegram_secret: Annotated[SecretStr, AfterValidator(lambda secret: _telegram_secret(secret))] | None = None
    telegram_api_url: Origin = "https://api.telegram.org"
    telegram_proxy: str | None = None
    telegram_rate: float = Field(28, gt=0, le=1000)
    telegram_organizers: Annotated[tuple[int, ...], BeforeValidator(_chat_ids)] = ()

    wechat_app_id: str | None = None
    wechat_app_secret: SecretStr | None = None
    wechat_token: SecretStr | None = None
    wechat_aes_key: Annotated[SecretStr, AfterValidator(lambda key: _aes_key(key))] | None = None
    wechat_mode: Literal["safe", "compatible", "plain"] = "safe"
    wechat_account: Literal["service", "subscription"] = "service"
    wechat_verified: bool = True
    wechat_api_url: Origin = "https://api.weixin.qq.com"
    wechat_window: TapWindow = Window((5, timedelta(hours=48)))
    wechat_tap_window: TapWindow = Window((3, timedelta(minutes=1)))
    wechat_template_reminder: str = ""
    wechat_template_confirmation: str = ""

    smtp_url: SecretStr | None = None
    mail_from: str | None = None

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


def _telegram_token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"\d{1,20}:[A-Za-z0-9_-]+", token.get_secret_value()):
        raise ValueError("expected the token from @BotFather, such as 123456789:AA...")
    return token


def _telegram_secret(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret.get_secret_value()):
        raise ValueError("expected 1 to 256 characters of A-Z, a-z, 0-9, _ and -")
    return secret


def _aes_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9+/]{43}", key.get_secret_value()):
        raise ValueError("expected the EncodingAESKey, 43 characters")
    return key


def read(environment: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Reads settings from an environment and a `.env` file under it.

    Raises WrongSetting with every name that is unknown, malformed or missing, one a line.
    """
    given = {**_file(env_file), **(os.environ if environment is None else environment)}
    ours = {name.removeprefix(PREFIX).lower(): value for name, value in given.items() if name.startswith(PREFIX)}
    unknown = sorted(name for name in ours if name not in Settings.model_fields)
    if unknown:
        raise WrongSetting("\n".join(f"{PREFIX}{name.upper()}: no such setting" for name in unknown))
    try:
        settings = Settings(**{name: value for name, value in ours.items() if value.strip()})  # type: ignore[arg-type]  # pydantic reads the strings
    except ValidationError as error:
        raise WrongSetting("\n".join(_fault(row) for row in error.errors(include_input=False))) from None
    _together(settings)
    return settings


def _file(env_file: Path | None) -> dict[str, str]:
    if env_file is None or not env_file.is_file():
        return {}
    return {name: value or "" for name, value in dotenv_values(env_file, interpolate=False).items()}


def _fault(row: Any) -> str:
    message = row["msg"].removeprefix("Value error, ")
    return f"{PREFIX}{str(row['loc'][0]).upper()}: {message[0].lower()}{message[1:]}"


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
