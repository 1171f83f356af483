"""Times are aware in Python and UTC in the database; people can be registered once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import select

from bot.store.database import Database
from bot.store.tables import Contact, Registration

SHENZHEN = timezone(timedelta(hours=8))
NOON = datetime(2019, 10, 8, 12, 0, 0, 123456, tzinfo=SHENZHEN)


def person(user_id: str = "u1", when: datetime = NOON) -> Contact:
    return Contact(channel="memory", account="a", user_id=user_id, created_at=when, seen_at=when)


def registration(contact_id: int, reference: str, **more: object) -> Registration:
    return Registration(reference=reference, contact_id=contact_id, consent_at=NOON, created_at=NOON, **more)


def test_a_time_is_utc_in_the_database_and_comes_back_aware(database: Database) -> None:
    database.write_now(lambda session: session.add(person()))
    read = database.read_now(lambda session: session.exec(select(Contact)).one())
    assert read.created_at == NOON
    assert read.created_at.tzinfo is UTC
    assert read.message_until is None
    raw = database.read_now(lambda session: str(session.execute(text("SELECT created_at FROM contact")).scalar()))
    assert raw.startswith("2019-10-08 04:00:00.123456")


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(StatementError, match="expected an aware time"):
        database.write_now(lambda session: session.add(person(when=naive)))
    with pytest.raises(StatementError, match="expected an aware time"):
        database.read_now(lambda session: session.exec(select(Contact).where(Contact.seen_at == naive)).all())
    assert database.read_now(lambda session: session.exec(select(Contact)).all()) == []


def test_one_person_is_one_contact_for_each_account(database: Database) -> None:
    database.write_now(lambda session: session.add(person()))
    with pytest.raises(IntegrityError):
        database.write_now(lambda session: session.add(person()))


def test_one_own_live_registration_for_each_contact_and_any_number_of_others(database: Database) -> None:
    database.write_now(lambda session: session.add_all([person(), person("u2")]))
    rows = [
        registration(1, "FFS-000001"),
        registration(1, "FFS-000002", status="cancelled"),
        registration(1, "FFS-000003", registered_by="FFS-000001"),
        registration(1, "FFS-000004", registered_by="FFS-000001"),
        registration(2, "FFS-000005"),
    ]
    ids = database.write_now(lambda session: [one.id for one in session.exec(select(Contact).order_by(text("id")))])
    for row in rows:
        row.contact_id = ids[row.contact_id - 1] if row.contact_id else None
    database.write_now(lambda session: session.add_all(rows))
    with pytest.raises(IntegrityError):
        database.write_now(lambda session: session.add(registration(ids[0], "FFS-000006")))
    with pytest.raises(IntegrityError):  # a reference is given once
        database.write_now(lambda session: session.add(registration(ids[0], "FFS-000003", status="cancelled")))


def test_what_hangs_on_a_contact_goes_with_it_and_registrations_stay(database: Database) -> None:
    database.write_now(lambda session: session.add(person()))
    contact_id = database.read_now(lambda session: session.exec(select(Contact)).one().id)
    assert contact_id is not None
    database.write_now(lambda session: session.add(registration(contact_id, "FFS-000001")))
    with database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO conversation VALUES (:id, '{}', NULL, :now)"), {"id": contact_id, "now": str(NOON)}
        )
        connection.execute(text("DELETE FROM contact"))
        assert connection.scalar(text("SELECT count(*) FROM conversation")) == 0
        assert connection.scalar(text("SELECT count(*) FROM registration WHERE contact_id IS NULL")) == 1
