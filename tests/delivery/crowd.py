"""People for announcements: put straight into the tables, as many as wanted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from bot.delivery.routes import Accounts
from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery
from bot.store.tables import Contact, Conversation, Registration
from tests.stored import rows

APP, BOT = "wxapp", "123456"
ALL = Accounts(
    wechat=APP, wechat_secret=True, template_reminder="R", template_confirmation="C", telegram=BOT, email=True
)
NOBODY = Accounts()


def wechat(number: int, now: datetime, **more: Any) -> dict[str, Any]:
    """A WeChat chat whose window is open for two days, unless told otherwise."""
    window = {"message_until": now + timedelta(hours=48), "message_left": 5}
    return _contact("wechat", APP, f"o{number}", now) | window | more


def telegram(number: int, now: datetime, **more: Any) -> dict[str, Any]:
    """A Telegram chat."""
    return _contact("telegram", BOT, f"{number}", now) | more


def registered(number: int, now: datetime, **more: Any) -> dict[str, Any]:
    """A registration of the contact with the same number, confirmed when it was made."""
    return {
        "id": number,
        "reference": f"FFS-{number:06}",
        "contact_id": number,
        "status": "confirmed",
        "category": "factory",
        "name": f"人{number}",
        "phone": f"+86138{number:08}",
        "email": None,
        "language": "zh",
        "channel": "wechat",
        "source": "",
        "registered_by": None,
        "consent_version": "1",
        "more": {},
        "consent_at": now,
        "created_at": now,
        "decided_at": now,
        "checked_in_at": None,
    } | more


def drafted(number: int, now: datetime, draft_at: datetime | None) -> dict[str, Any]:
    """The conversation of the contact with that number."""
    return {"contact_id": number, "state": "{}", "draft_at": draft_at, "updated_at": now}


def settle(
    database: Database,
    contacts: Sequence[dict[str, Any]] = (),
    registrations: Sequence[dict[str, Any]] = (),
    conversations: Sequence[dict[str, Any]] = (),
) -> None:
    """Writes them all."""

    def write(connection: Connection) -> None:
        numbered = [{"id": number, **row} for number, row in enumerate(contacts, 1)]
        for table, found in ((Contact, numbered), (Registration, registrations), (Conversation, conversations)):
            if found:
                connection.execute(table.__table__.insert(), list(found))

    database.transact_now(write)


def town(database: Database, people: int, now: datetime) -> None:
    """So many confirmed people, half on WeChat and half on Telegram, who registered a day ago."""
    chats = [(wechat if number % 2 else telegram)(number, now) for number in range(1, people + 1)]
    before = now - timedelta(days=1)
    settle(database, chats, [registered(number, before) for number in range(1, people + 1)])


def deliveries(database: Database, announcement_id: str | None = None) -> list[Delivery]:
    """What stands in the outbox, in the order it was written."""
    found = sorted(rows(database, Delivery), key=lambda row: row.id or 0)
    return [row for row in found if announcement_id in (None, row.announcement_id)]


def announcements(database: Database) -> dict[str, Announcement]:
    """What was announced, by id."""
    return {row.id: row for row in rows(database, Announcement)}


def _contact(channel: str, account: str, user_id: str, now: datetime) -> dict[str, Any]:
    nothing = dict.fromkeys(("message_until", "tap_until", "blocked_at", "stopped_at"))
    return nothing | {
        "channel": channel,
        "account": account,
        "user_id": user_id,
        "language": "zh",
        "language_chosen": False,
        "source": "",
        "created_at": now,
        "seen_at": now,
        "message_left": 0,
        "tap_left": 0,
    }
