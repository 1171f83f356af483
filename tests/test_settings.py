"""Settings: what each takes and refuses, where values come from, and that `.env.example` lists them all."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.setting_values import Window
from bot.settings import Settings, WrongSetting, read
from tests.conftest import ROOT

KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
BOT = "123456789:AAE4x-y_z"
WECHAT = {"WECHAT_APP_ID": "wx1", "WECHAT_TOKEN": "token", "WECHAT_AES_KEY": KEY}


def settings(**given: str) -> Settings:
    """What the program reads from an environment of just these."""
    return read({f"USHER_{name}": value for name, value in given.items()})


def shown(value: object) -> object:
    """A value as it can be compared."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


GOOD = [
    ("DATABASE_URL", "sqlite:///other.db", "sqlite:///other.db"),
    ("DATABASE_URL", "postgresql://me:pw@db:5432/usher", "postgresql+psycopg://me:pw@db:5432/usher"),
    ("DATABASE_URL", "postgres://me@db/usher", "postgresql+psycopg://me@db/usher"),
    ("DATABASE_URL", "postgresql:///usher?host=/run/pg", "postgresql+psycopg:///usher?host=/run/pg"),
    ("CONTENT", "/srv/content", Path("/srv/content")),
    ("HOST", "0.0.0.0", "0.0.0.0"),  # noqa: S104  # a value that is read, not bound
    ("PORT", " 9000 ", 9000),
    ("PUBLIC_URL", "https://usher.example.org/", "https://usher.example.org"),
    ("PUBLIC_URL", "https://example.org/usher", "https://example.org/usher"),
    ("SECRET", "long and quite random", "long and quite random"),
    ("LOG", "json", "json"),
    ("METRICS_TOKEN", "m", "m"),
    ("NOW", "2019-10-08T09:00:00+08:00", datetime(2019, 10, 8, 9, tzinfo=timezone(timedelta(hours=8)))),
    ("TELEGRAM_TOKEN", BOT, BOT),
    ("TELEGRAM_MODE", "polling", "polling"),
    ("TELEGRAM_API_URL", "http://127.0.0.1:8081/", "http://127.0.0.1:8081"),
    ("TELEGRAM_PROXY", "http://127.0.0.1:3128", "http://127.0.0.1:3128"),
    ("TELEGRAM_RATE", "20.5", 20.5),
    ("TELEGRAM_ORGANIZERS", "1, 22,-333", (1, 22, -333)),
    ("WECHAT_MODE", "compatible", "compatible"),
    ("WECHAT_ACCOUNT", "subscription", "subscription"),
    ("WECHAT_VERIFIED", "false", False),
    ("WECHAT_API_URL", "https://sh.api.weixin.qq.com", "https://sh.api.weixin.qq.com"),
    ("WECHAT_WINDOW", "20/2d", Window((20, timedelta(days=2)))),
    ("WECHAT_TAP_WINDOW", "3/90s", Window((3, timedelta(seconds=90)))),
    ("WECHAT_TEMPLATE_REMINDER", "T1", "T1"),
    ("WECHAT_TEMPLATE_CONFIRMATION", "T2", "T2"),
    ("MAIL_FROM", "IETP <usher@example.org>", "IETP <usher@example.org>"),
]


@pytest.mark.parametrize(("name", "given", "expected"), GOOD)
def test_what_a_setting_takes(name: str, given: str, expected: object) -> None:
    assert shown(getattr(settings(**{name: given}), name.lower())) == expected


WRONG = [
    ("DATABASE_URL", "mysql://me@db/usher", "sqlite:///FILE or postgresql"),
    ("DATABASE_URL", "usher.db", "sqlite:///FILE or postgresql"),
    ("DATABASE_URL", "sqlite://", "sqlite:///FILE or postgresql"),
    ("DATABASE_URL", "sqlite:///:memory:", "sqlite:///FILE or postgresql"),
    ("DATABASE_URL", "postgresql://me:hidden@db:port/usher", "sqlite:///FILE or postgresql"),
    ("DATABASE_URL", "sqlite:////no/such/folder/usher.db", "/no/such/folder: no such folder"),
    ("PORT", "eighty", "a whole number"),
    ("PORT", "0", "greater than or equal to 1"),
    ("PORT", "65536", "less than or equal to 65535"),
    ("PUBLIC_URL", "usher.example.org", "an address such as https://"),
    ("PUBLIC_URL", "https://usher.example.org?x=1", "an address such as https://"),
    ("SECRET", "123456789012345", "at least 16 characters"),
    ("WECHAT_TOKEN", "ab", "3 to 32 letters and digits"),
    ("WECHAT_TOKEN", "a" * 33, "3 to 32 letters and digits"),
    ("WECHAT_TOKEN", "with-dash", "3 to 32 letters and digits"),
    ("PUBLIC_URL", "https://me:hidden@usher.example.org", "an address such as https://"),
    ("TELEGRAM_API_URL", "https://me:hidden@api.telegram.org", "scheme, host and port only"),
    ("WECHAT_API_URL", "https://api.weixin.qq.com?", "scheme, host and port only"),
    ("WECHAT_API_URL", "https://api.weixin.qq.com/?a=hidden", "scheme, host and port only"),
    ("PUBLIC_URL", "https://usher.example.org:port", "an address such as https://"),
    ("LOG", "xml", "'text' or 'json'"),
    ("NOW", "2019-10-08T09:00:00", "an ISO time with an offset"),
    ("NOW", "1570496400", "an ISO time with an offset"),
    ("NOW", "yesterday", "an ISO time with an offset"),
    ("TELEGRAM_TOKEN", "not:a token", "the token from @BotFather"),
    ("TELEGRAM_MODE", "pull", "'webhook' or 'polling'"),
    ("TELEGRAM_SECRET", "with spaces", "1 to 256 characters"),
    ("TELEGRAM_API_URL", "https://api.telegram.org/bot", "scheme, host and port only"),
    ("TELEGRAM_API_URL", "http://[::1", "scheme, host and port only"),
    ("TELEGRAM_RATE", "fast", "a number"),
    ("TELEGRAM_RATE", "0", "greater than 0"),
    ("TELEGRAM_ORGANIZERS", "@ann", "chat ids, separated by commas"),
    ("WECHAT_AES_KEY", KEY + "=", "43 characters"),
    ("WECHAT_MODE", "secure", "'safe', 'compatible' or 'plain'"),
    ("WECHAT_ACCOUNT", "personal", "'service' or 'subscription'"),
    ("WECHAT_VERIFIED", "perhaps", "true or false"),
    ("WECHAT_API_URL", "api.weixin.qq.com", "scheme, host and port only"),
    ("WECHAT_WINDOW", "5", "COUNT/DURATION such as 5/48h"),
    ("WECHAT_TAP_WINDOW", "3/1 minute", "COUNT/DURATION such as 5/48h"),
    ("SMTP_URL", "mail.example.org", "smtp://user:password@host:port"),
    ("SMTP_URL", "smtp://me:hidden@mail.example.org:port", "smtp://user:password@host:port"),
    ("MAIL_FROM", "organizer", "an e-mail address"),
]


@pytest.mark.parametrize(("name", "given", "expected"), WRONG)
def test_a_wrong_setting_names_itself_and_what_is_expected(name: str, given: str, expected: str) -> None:
    with pytest.raises(WrongSetting) as fault:
        settings(**{name: given})
    assert str(fault.value).startswith(f"USHER_{name}: ")
    assert "expected" in str(fault.value)
    assert expected in str(fault.value)
    assert "hidden" not in str(fault.value)  # a password is not repeated


TOGETHER = [
    ({"WECHAT_APP_ID": "wx1"}, {"WECHAT_TOKEN", "WECHAT_AES_KEY"}),
    ({"WECHAT_APP_ID": "wx1", "WECHAT_MODE": "plain"}, {"WECHAT_TOKEN"}),
    ({"WECHAT_TOKEN": "token"}, {"WECHAT_APP_ID"}),
    ({"WECHAT_APP_SECRET": "s"}, {"WECHAT_APP_ID"}),
    ({"WECHAT_AES_KEY": KEY}, {"WECHAT_APP_ID"}),
    ({"TELEGRAM_TOKEN": BOT, "TELEGRAM_MODE": "webhook"}, {"TELEGRAM_SECRET", "PUBLIC_URL"}),
    ({"TELEGRAM_SECRET": "s"}, {"TELEGRAM_TOKEN"}),
    ({"SMTP_URL": "smtp://me:pw@mail.example.org:587"}, {"MAIL_FROM"}),
]


@pytest.mark.parametrize(("given", "missing"), TOGETHER)
def test_half_a_channel_names_what_is_missing(given: dict[str, str], missing: set[str]) -> None:
    with pytest.raises(WrongSetting) as fault:
        settings(**given)
    assert set(re.findall(r"USHER_(\w+): missing", str(fault.value))) == missing


def test_a_channel_is_on_when_its_settings_are_there_and_off_when_they_are_empty() -> None:
    assert not settings().wechat_on
    assert not settings().telegram_on
    assert settings(**WECHAT).wechat_on
    assert settings(TELEGRAM_TOKEN=BOT).telegram_on
    empty = settings(**dict.fromkeys([*WECHAT, "TELEGRAM_TOKEN"], ""))
    assert not empty.wechat_on
    assert not empty.telegram_on


def test_an_unknown_name_is_refused_by_name_also_when_it_is_empty() -> None:
    with pytest.raises(WrongSetting, match="USHER_PROT: no such setting"):
        settings(PROT="8000")
    with pytest.raises(WrongSetting, match="USHER_TELEGRAM_TOKEN_: no such setting"):
        settings(TELEGRAM_TOKEN_="")


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(WrongSetting) as fault:
        settings(PORT="x", LOG="y", NOW="z")
    assert re.findall(r"^USHER_(\w+):", str(fault.value), re.MULTILINE) == ["PORT", "LOG", "NOW"]


def test_the_environment_wins_over_the_file_and_an_empty_value_hides_nothing(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("\ufeffUSHER_PORT=9000\nUSHER_LOG=json\nUSHER_HOST=\nPATH=/elsewhere\nUSHER=1\n", encoding="utf-8")
    found = read({"USHER_PORT": "9001", "USHER_LOG": " ", "HOME": "/"}, file)
    assert (found.port, found.log, found.host) == (9001, "json", "127.0.0.1")


def test_the_file_is_taken_as_it_is_written(tmp_path: Path) -> None:
    """A dollar in a password is a dollar; quotation marks around a value are not part of it."""
    file = tmp_path / ".env"
    file.write_text("USHER_SECRET=a$HOME${PATH}b0123456\nUSHER_METRICS_TOKEN='c#d'\n", encoding="utf-8")
    found = read({}, file)
    assert (shown(found.secret), shown(found.metrics_token)) == ("a$HOME${PATH}b0123456", "c#d")


def test_a_fault_in_the_file_is_named_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("USHER_PROT=9000\n", encoding="utf-8")
    with pytest.raises(WrongSetting, match="USHER_PROT: no such setting"):
        read({}, file)
    file.write_bytes(b"USHER_LOG=\xff\n")
    with pytest.raises(WrongSetting, match="is not UTF-8"):
        read({}, file)


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    printed = repr(settings(**WECHAT, WECHAT_APP_SECRET="s3cret", SECRET="s3cret" * 3, TELEGRAM_TOKEN=BOT))
    assert "s3cret" not in printed
    assert KEY not in printed
    assert BOT not in printed


def test_the_content_of_the_clone_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings().content_folder() == ROOT / "content"
    (tmp_path / "content").mkdir()
    assert settings().content_folder() == Path("content")
    assert settings(CONTENT="elsewhere").content_folder() == Path("elsewhere")


def test_what_was_learnt_is_kept_beside_the_database_or_with_the_users_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings().cache_folder() == tmp_path / "usher.db-cache"
    elsewhere = settings(DATABASE_URL="postgresql://u:p@db/usher")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert elsewhere.cache_folder() == tmp_path / "home" / ".cache" / "usher"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert elsewhere.cache_folder() == tmp_path / "caches" / "usher"
    assert (tmp_path / "caches" / "usher").is_dir()


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "caches").write_text("a file is in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert settings(DATABASE_URL="postgresql://u:p@db/usher").cache_folder() is None


def test_the_example_lists_every_setting_in_order_and_changes_nothing() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert re.findall(r"^USHER_(\w+)=", text, re.MULTILINE) == [name.upper() for name in Settings.model_fields]
    assert read({}, ROOT / ".env.example") == Settings()


def test_the_example_says_of_every_setting_what_it_is_and_what_is_taken_without_it() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    for block in text.split("\n\n"):
        if name := re.search(r"^USHER_\w+=", block, re.MULTILINE):
            comment = block[: name.start()]
            assert "default:" in comment.lower(), name[0]
            assert "Example:" in comment, name[0]
            field = Settings.model_fields[name[0][len("USHER_") : -1].lower()]
            for value in re.findall(r"Default: (\S+)", comment):
                assert value.rstrip(".,") == _as_written(field.default), name[0]


def _as_written(default: object) -> str:
    """A default as the example writes it."""
    if isinstance(default, Window):
        count, time = default
        return (
            f"{count}/{time // timedelta(hours=1)}h" if time >= timedelta(hours=1) else f"{count}/{time.seconds // 60}m"
        )
    return str(default).lower() if isinstance(default, bool) else str(default or "none")


WEBHOOK = {"TELEGRAM_TOKEN": BOT, "TELEGRAM_MODE": "webhook", "TELEGRAM_SECRET": "hook"}


@pytest.mark.parametrize("address", ["http://usher.example.org", "http://10.0.0.7:8000"])
def test_telegram_calls_no_address_without_https(address: str) -> None:
    with pytest.raises(WrongSetting, match=r"^USHER_PUBLIC_URL: expected https://"):
        settings(**WEBHOOK, PUBLIC_URL=address)


@pytest.mark.parametrize(
    "address", ["https://usher.example.org/", "http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000"]
)
def test_telegram_calls_an_address_with_https_or_this_machine(address: str) -> None:
    assert settings(**WEBHOOK, PUBLIC_URL=address).public_url == address.rstrip("/")


def test_only_a_webhook_of_telegram_needs_https() -> None:
    assert settings(TELEGRAM_TOKEN=BOT, PUBLIC_URL="http://usher.example.org").telegram_on
