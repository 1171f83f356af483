"""What the demo's page asks of the bot behind it, and has it do."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from bot.app import Usher
from bot.delivery.announcements import broadcast
from bot.delivery.reminders import plan
from bot.registration import venue
from bot.registration.decide import Desk, confirm_pending
from bot.sandbox.clock_page import Hooks

_VENUE = venue.Details("示例会场", "Example Hall", "深圳市示例路1号", "1 Example Road, Shenzhen", 22.5405, 113.9345)
_VENUE_SET = {"zh": {"text": "会场定了，到时见！"}, "en": {"text": "The venue is set. See you there!"}}


def connect(hooks: Hooks, usher: Usher) -> None:
    """Lets the page's clock ask the bot behind it what is due next, and have it done."""

    async def next_due() -> datetime | None:
        accounts, now = usher.lanes.accounts, usher.clock.now()
        rows = await usher.database.read(lambda session: plan(session, usher.content, accounts, now))
        due = [row["due_at"] for row in rows if row["state"] == "scheduled" and row["due_at"]]
        return min((datetime.fromisoformat(moment) for moment in due), default=None)

    hooks.zone = lambda: usher.content.event.zone
    hooks.next_due, hooks.tick = next_due, usher.lanes.wound
    hooks.deeds = {"confirm": partial(_confirm, usher), "venue": partial(_publish, usher)}


async def _confirm(usher: Usher) -> None:
    """As `usher confirm --all-pending` does, which does not know the demo's accounts."""
    desk = Desk(usher.content.event, usher.lanes.accounts, usher.clock.now(), "demo")
    while await usher.database.transact(lambda connection: confirm_pending(connection, desk)):
        pass
    usher.lanes.wake()


async def _publish(usher: Usher) -> None:
    """As `usher venue set` and `usher broadcast --venue` do."""
    accounts, now = usher.lanes.accounts, usher.clock.now()

    def tell(connection: Connection) -> None:
        venue.publish(connection, venue.read(_VENUE), now)
        broadcast(
            connection,
            accounts=accounts,
            now=now,
            texts=_VENUE_SET,
            audience="status=confirmed",
            more={"venue": True},
            by="demo",
            again=True,
        )

    await usher.database.transact(tell)
    await usher.lanes.wound()
