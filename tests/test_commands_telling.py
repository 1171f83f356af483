"""The commands that decide, tell people, and show what became of it: what they print, and what stands afterwards."""

from __future__ import annotations

import pytest

from bot.store.database import Database
from tests.conftest import NOW
from tests.delivery.crowd import APP, BOT, registered, settle, telegram, wechat

TEXTS = ("--zh", "{name}您好，请走东门。", "--en", "Hello {name}, the east gate please.")
VENUE = (
    *("--name-zh", "示例大厦", "--name-en", "Example Tower"),
    *("--address-zh", "深圳市示例路1号", "--address-en", "1 Example Road, Shenzhen", "--lat", "22.5431", "--lon", "114.0579"),
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
OPEN, ENGLISH, CLOSED, SILENT, BLOCKED, PENDING, LATER = (f"FFS-00000{number}" for number in range(1, 8))


@pytest.fixture
def settings(database: Database, database_url: str) -> dict[str, str]:
    """Settings under which a command finds these people, each to be reached in another way."""
    gone = {"message_until": None, "message_left": 0}
    chats = [
        wechat(1, NOW), telegram(2, NOW, language="en"), wechat(3, NOW, **gone), wechat(4, NOW, **gone),
        telegram(5, NOW, blocked_at=NOW), telegram(6, NOW), telegram(7, NOW),
    ]  # fmt: skip
    undecided = {"status": "pending", "decided_at": None}
    people = [
        registered(1, NOW, email="p1@example.com"),
        registered(2, NOW, language="en", name="=Ann", channel="telegram"),
        registered(3, NOW, email="p3@example.com"),
        registered(4, NOW),
        registered(5, NOW, channel="telegram"),
        registered(6, NOW, **undecided, channel="telegram", email="p6@example.com"),
        registered(7, NOW, **undecided, channel="telegram"),
    ]
    settle(database, chats, people)
    return {"DATABASE_URL": database_url, **ACCOUNTS}


def test_x(here, settings):
    for words in [("plan",), ("plan","--json"), ("broadcast",*TEXTS,"--dry-run"), ("broadcast",*TEXTS), ("broadcast",*TEXTS), ("broadcast",*TEXTS, "--again"),
      ("broadcast","--zh","{nmae}","--en","x"), ("broadcast",*TEXTS,"--venue"), ("venue","set",*VENUE), ("broadcast",*TEXTS,"--venue","--dry-run"),("broadcast",*TEXTS,"--venue"),
      ("deliveries",),("calls",),("confirm",PENDING),("confirm",PENDING),("confirm","--all-pending"),("confirm","--all-pending"),("decline",OPEN),("confirm","FFS-ZZZZZZ"),("broadcast",*TEXTS,"--at","2019-10-20T10:00:00"),
      ("broadcast",*TEXTS,"--at","2019-10-20T10:00:00+08:00"),("broadcast",*TEXTS,"--where","colour=red"),("deliveries","--announcement","nope"),("status",),("broadcast","--zh"," ","--en","")]:
        e=here(*words,**settings); open('/tmp/e3/out.txt','a').write(f'$ {words}\n[{e.code}]\n{e.out}{e.err}\n')
