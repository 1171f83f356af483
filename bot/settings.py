"""Settings from the environment and `.env`: each checked, each fault with its name and what is expected."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url

from bot.setting_values import (
    AesKey,
    BotSecret,
    BotToken,
    ChatIds,
    Counted,
    DatabaseUrl,
    Mail,
    MailServer,
    Moment,
    Origin,
    PublicUrl,
    Secret,
    WeChatToken,
    Window,
    is_public,
)

PREFIX = "USHER_"
CLONE = Path(__file__).parent.parent
_WORDS = {
    "bool_parsing": "expected true or false",
    "int_parsing": "expected a whole number",
    "float_parsing": "expected a number",
}


class WrongSetting(Exception):
    """A setting is missing, unknown or malformed: its name and what was expected."""


class Settings(BaseSettings):
    """Every setting; CONTRACT section 3 says what each is for. An empty value means not set."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: DatabaseUrl = "sqlite:///usher.db"
    content: Path = Path("content")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    public_url: PublicUrl | None = None
    secret: Secret | None = None
    log: Literal["text", "json"] = "text"
    metrics_token: SecretStr | None = None
    now: Moment | None = None

    telegram_token: BotToken | None = None
    telegram_mode: Literal["webhook", "polling"] = "polling"  # works anywhere, with no address of its own
    telegram_secret: BotSecret | None = None
    telegram_api_url: Origin = "https://api.telegram.org"
    telegram_proxy: str | None = None
    telegram_rate: float = Field(28, gt=0, le=1000)
    telegram_organizers: ChatIds = ()

    wechat_app_id: str | None = None
    wechat_app_secret: SecretStr | None = None
    wechat_token: WeChatToken | None = None
    wechat_aes_key: AesKey | None = None
    wechat_mode: Literal["safe", "compatible", "plain"] = "safe"
    wechat_account: Literal["service", "subscription"] = "service"
    wechat_verified: bool = True
    wechat_api_url: Origin = "https://api.weixin.qq.com"
    wechat_window: Counted = Window((5, timedelta(hours=48)))
    wechat_tap_window: Counted = Window((3, timedelta(minutes=1)))
    wechat_template_reminder: str = ""
    wechat_template_confirmation: str = ""

    smtp_url: MailServer | None = None
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
        settings = Settings.model_validate(ours)
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
        missing += ["public_url"] if settings.public_url is None else []
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
    if settings.telegram_on and settings.telegram_mode == "webhook" and not is_public(settings.public_url or ""):
        raise WrongSetting(
            f"{PREFIX}PUBLIC_URL: expected https:// with USHER_TELEGRAM_MODE=webhook: Telegram asks for it"
        )
