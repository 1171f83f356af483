"""Seven people, each to be reached in another way, the settings under which a command finds them, and its output."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest

from bot.store.database import Database
from tests.command import Ended
from tests.conftest import NOW
from tests.delivery.crowd import APP, BOT, registered, settle, telegram, wechat

TEXTS = ("--zh", "{name}您好，请走东门。", "--en", "Hello {name}, the east gate please.")
VENUE = (
    *("--name-zh", "示例大厦", "--name-en", "Example Tower"),
    *(
        "--address-zh",
        "深圳市示例路1号",
        "--address-en",
        "1 Example Road, Shenzhen",
        "--lat",
        "22.5431",
        "--lon",
        "114.0579",
    ),
)
ACCOUNTS = {
    "WECHAT_APP_ID": APP,
    "WECHAT_APP_SECRET": "a secret of the tests",
    "WECHAT_TOKEN": "token",
    "WECHAT_AES_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "TELEGRAM_TOKEN": f"{BOT}:AAtest",
    "SMTP_URL": "smtp://127.0.0.1:1",
    "MAIL_FROM": "usher@example.org",
    "NOW": NOW.isoformat(),
}
OPEN, ENGLISH, MAILED, SILENT, BLOCKED, PENDING, SECOND = (f"FFS-{number:06}" for number in range(1, 8))
NO_WINDOW = {"message_until": None, "message_left": 0}
CLOSED = "WeChat window closed, no template; no e-mail address"
GONE = "unfollowed, or blocked the bot; no e-mail address"


@pytest.fixture
def settings(database: Database) -> dict[str, str]:
    """Settings under which a command finds seven people, five of them confirmed, each to be reached in another way."""
    chats = [
        *(wechat(1, NOW), telegram(2, NOW, language="en"), wechat(3, NOW, **NO_WINDOW), wechat(4, NOW, **NO_WINDOW)),
        *(telegram(5, NOW, blocked_at=NOW), telegram(6, NOW), telegram(7, NOW)),
    ]
    undecided = {"status": "pending", "decided_at": None}
    people = [
        registered(1, NOW, email="p1@example.com"),
        registered(2, NOW, name="=Ann", language="en"),
        registered(3, NOW, email="p3@example.com"),
        registered(4, NOW, name="=1+1"),
        registered(5, NOW),
        registered(6, NOW, **undecided, email="p6@example.com"),
        registered(7, NOW, **undecided),
    ]
    settle(database, chats, people)
    return {"DATABASE_URL": database.url.render_as_string(hide_password=False), **ACCOUNTS}


def listed(ended: Ended) -> list[dict[str, Any]]:
    """The lines of a command that prints JSON."""
    assert (ended.code, ended.err) == (0, "")
    return [json.loads(line) for line in ended.out.splitlines()]


def announced(ended: Ended) -> str:
    """The id that a broadcast prints, and nothing else."""
    assert (ended.code, ended.err) == (0, "")
    found = re.fullmatch(r"(B-[0-9A-F]{8})\n", ended.out)
    assert found, ended.out
    return found[1]


def one_line(ended: Ended) -> str:
    """What is said of a fault."""
    assert (ended.code, ended.out) == (1, "")
    found = re.fullmatch(r"usher: (.+)\n", ended.err)
    assert found, ended.err
    return found[1]


def called(ended: Ended) -> list[dict[str, str]]:
    """The rows of a call list."""
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("\ufeffname,phone,reason,reference,announcement\r\n")
    return list(csv.DictReader(io.StringIO(ended.out.removeprefix("\ufeff"))))
