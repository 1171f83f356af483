"""References, what is stored of the form's answers, and how they read back."""

from __future__ import annotations

import secrets

import pytest
from sqlmodel import Session

from bot.clock import Clock
from bot.content.records import Content
from bot.registration import register
from bot.registration.register import Origin, answers_of, apply, live, own, read_reference, registrations, submit
from bot.store.database import Database
from bot.store.tables import Contact, Registration, Status

ANSWERS = {
    "consent": "agree",
    "category": "factory",
    "programme": "new",
    "organization": "东莞市欢乐玩具厂",
    "name": "王芳",
    "title": "",
    "phone": "+8613800138000",
    "email": "wangfang@example.com",
    "diet": "不吃辣",
}


@pytest.mark.parametrize("typed", ["FFS-7K2M90", "ffs-7k2m90", "7K2M90", " ffs-7k2m9o ", "FFS-7K2M9O", "7k2m9o"])
def test_a_reference_is_understood_as_people_type_it(typed: str) -> None:
    assert read_reference(typed, "FFS") == "FFS-7K2M90"


def test_letters_that_look_like_digits_are_read_as_those() -> None:
    assert read_reference("ffs-iLoA00", "FFS") == "FFS-110A00"


def origin(contact_id: int, clock: Clock, **more: str) -> Origin:
    return Origin(contact_id, "memory", "zh", "mail", "1", clock.now(), **more)


@pytest.fixture
def contact_id(database: Database, clock: Clock) -> int:
    now = clock.now()
    person = Contact(channel="memory", account="memory", user_id="u1", created_at=now, seen_at=now)
    database.write_now(lambda session: session.add(person))
    assert person.id is not None
    return person.id


def test_what_is_registered_reads_back_as_the_answers(
    database: Database, content: Content, clock: Clock, contact_id: int
) -> None:
    submitted = database.write_now(
        lambda session: submit(session.connection(), content.event, ANSWERS, origin(contact_id, clock), clock.now())
    )
    (row,) = database.read_now(lambda session: registrations(session, contact_id))
    assert row.reference == submitted.reference
    assert (row.title, row.more, row.source, row.channel) == (None, {"diet": "不吃辣"}, "mail", "memory")
    assert answers_of(row) == ANSWERS


def test_a_changed_registration_keeps_no_answer_that_was_taken_back() -> None:
    row = Registration()
    apply(row, ANSWERS)
    apply(row, {"consent": "agree", "category": "retailer"})
    assert (row.category, row.programme, row.name, row.more) == ("retailer", None, None, {})


def test_a_reference_that_is_taken_is_not_given_again(
    database: Database, content: Content, clock: Clock, contact_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter("AAAAAA" + "AAAAAA" * 2 + "BBBBBB")
    monkeypatch.setattr(secrets, "choice", lambda letters: next(drawn))

    def two(session: Session) -> list[str]:
        mine = submit(session.connection(), content.event, ANSWERS, origin(contact_id, clock), clock.now())
        by = origin(contact_id, clock, registered_by=mine.reference)
        return [mine.reference, submit(session.connection(), content.event, ANSWERS, by, clock.now()).reference]

    assert database.write_now(two) == ["FFS-AAAAAA", "FFS-BBBBBB"]


def test_references_are_drawn_from_letters_nobody_mistakes() -> None:
    assert set(register._CROCKFORD) == set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_ones_own_is_the_live_one_that_no_colleague_made() -> None:
    rows = [Registration(status=Status.CANCELLED), Registration(registered_by="FFS-000000"), Registration(name="me")]
    assert own(rows) is rows[2]
    assert live(rows) == rows[1:]
    assert own(rows[:2]) is None
