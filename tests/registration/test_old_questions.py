"""Questions, and answers, go when they are 90 days old, at night, whatever became of them; a receipt says how many."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.clock import Clock
from bot.content.records import Content
from bot.registration import old_questions
from bot.registration.old_questions import KEPT, forget_old
from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery, Kind, State
from bot.store.tables import Asked, Erasure
from tests.conftest import NOW
from tests.delivery.crowd import settle, telegram
from tests.questions.questioned import ask
from tests.stored import everything, rows

NIGHT = NOW.replace(hour=3)  # of the day on which they were asked, at nine


@pytest.fixture(autouse=True)
def _asked(database: Database) -> None:
    settle(database, [telegram(number, NOW) for number in range(1, 4)])
    ask(
        database,
        ("车票能报销吗", {"asked_at": NOW}),
        ("秘密的问题", {"asked_at": NOW, "closed_at": NOW, "answer_id": "A-1", "outcome": "note"}),
        ("新的问题", {"asked_at": NOW + timedelta(days=1)}),
    )


async def at(database: Database, content: Content, moment: datetime) -> Erasure | None:
    return await forget_old(database, content.event, Clock(moment))


async def test_they_stay_until_the_night_after_ninety_days(database: Database, content: Content) -> None:
    for moment in (NOW, NIGHT + KEPT, NOW + KEPT + timedelta(hours=12), NIGHT + KEPT + timedelta(hours=23, minutes=59)):
        assert await at(database, content, moment) is None
    assert len(rows(database, Asked)) == 3
    assert rows(database, Erasure) == []


async def test_then_they_go_once_with_a_receipt(database: Database, content: Content) -> None:
    night = NIGHT + KEPT + timedelta(days=1)
    receipt = await at(database, content, night)
    assert receipt is not None
    assert (receipt.by, receipt.rows) == ("retention", {"questions": 2})
    assert [row.text for row in rows(database, Asked)] == ["新的问题"]
    assert await at(database, content, night + timedelta(hours=1)) is None
    assert (await at(database, content, night + timedelta(days=1))).rows == {"questions": 1}  # type: ignore[union-attr]
    assert rows(database, Asked) == []
    assert "秘密的问题".encode() not in everything(database)


async def test_many_go_a_slice_at_a_time(database: Database, content: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_questions, "_SLICE", 1)
    receipt = await at(database, content, NOW + KEPT + timedelta(days=30))
    assert receipt is not None
    assert receipt.rows == {"questions": 3}
    assert len(rows(database, Erasure)) == 1


async def test_what_was_passed_on_to_organizers_goes_as_well_and_what_they_answered(
    database: Database, content: Content
) -> None:
    def pass_on(days: int) -> None:
        at = NOW + timedelta(days=days)
        told = {"due_at": at, "created_at": at, "state": State.PLANNED, "texts": {"zh": {"text": "请回电"}}}
        sent = Delivery(
            announcement_id=f"N-{days}", person="c1", contact_id=1, way="chat", priority=0, status="sent", due_at=at
        )
        for kind in (Kind.NOTE, Kind.ANSWER):
            row = Announcement(id=f"{kind[0].upper()}-{days}", kind=kind, **told)
            database.write_now(lambda session, row=row: session.add(row))  # type: ignore[misc]
        database.write_now(lambda session: session.add(sent))

    pass_on(0)
    pass_on(50)
    receipt = await at(database, content, NOW + KEPT + timedelta(days=2))
    assert receipt is not None
    assert receipt.rows == {"questions": 3, "notes": 1, "answers": 1}
    assert {row.id for row in rows(database, Announcement)} == {"A-50", "N-50"}
    assert [row.announcement_id for row in rows(database, Delivery)] == ["N-50"]
