"""Two at once never make two registrations of one person, nor give one seat twice; and without the guards they do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

import bot.registration.register as service
import handlers.registration
from bot.clock import Clock
from bot.content.records import Content
from bot.conversation import arrival
from bot.conversation.turn import Person
from bot.message import Message
from bot.store.database import Database
from bot.store.tables import Contact, Registration
from tests.chat import FORM, Town
from tests.edits import with_event
from tests.emptied import Open, empty
from tests.stored import contact, registered

PATIENCE = 0.4  # seconds for which one of two waits for the other, who may be held up by a lock


class Together:
    """Where two meet, so that both have looked before either writes."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)
        self.met = False

    def wait(self) -> None:
        """Returns once both are here, or when one is kept from coming."""
        try:
            self._barrier.wait(PATIENCE)
            self.met = True
        except threading.BrokenBarrierError:
            pass

    def after(self, look: Callable[..., Any]) -> Callable[..., Any]:
        """The same look, with a wait behind it."""

        def looks(*arguments: Any) -> Any:
            seen = look(*arguments)
            self.wait()
            return seen

        return looks


@pytest.fixture
def unguarded(database: Database) -> Iterator[Database]:
    """A database whose index may be taken away: it is put back."""
    yield database
    put_back(database)


@pytest.fixture
def postgresql_unguarded(kept_open: Open) -> Iterator[Database]:
    """The same on PostgreSQL, where transactions really run side by side."""
    database = kept_open("postgresql")
    empty(database)
    yield database
    put_back(database)


def put_back(database: Database) -> None:
    empty(database)
    index = next(row for row in Registration.__table__.indexes if row.name == "one_own_registration")
    index.create(database.engine, checkfirst=True)


def said(town: Town, words: str, **what: Any) -> Message:
    return Message(id=f"m{next(town.ids)}", sender=town.chat().address, sent_at=town.clock.now(), text=words, **what)


def drop_index(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("DROP INDEX one_own_registration"))


# With the guards


@pytest.mark.parametrize("tapped", [("", ""), ("review.confirm", "review.confirm"), ("", "review.confirm")])
async def test_two_confirmations_at_once_make_one_registration(town: Town, tapped: tuple[str, str]) -> None:
    await town.chat().says("报名", *FORM)
    replies = await asyncio.gather(*(town.dispatcher.receive(said(town, "确认", tapped=tag)) for tag in tapped))
    assert len(registered(town.database)) == 1
    openings = sorted(reply.text[:5] for reply in replies if reply)
    assert openings == ["您的报名 ", "报名已提交"]


async def test_many_confirmations_in_two_processes_make_one_registration(town: Town) -> None:
    await town.chat().says("报名", *FORM)
    other = Town(Database(town.database.url.render_as_string(hide_password=False)), town.content, town.clock)
    messages = [said(town, "确认") for _ in range(12)]
    places = [town, other] * 6
    await asyncio.gather(*(place.dispatcher.receive(message) for place, message in zip(places, messages, strict=True)))
    other.database.close()
    assert len(registered(town.database)) == 1


async def test_a_typed_and_a_tapped_answer_in_the_same_instant_are_one_answer(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", "同意")
    typed, tapped = said(town, "工厂代表"), said(town, "品牌商", tapped="form.category.brand")
    await asyncio.gather(town.dispatcher.receive(typed), town.dispatcher.receive(tapped))
    await chat.says("1", *FORM[3:], "确认")
    (row,) = registered(town.database)
    assert row.category in ("brand", "factory")
    assert row.programme == "in_programme"


async def test_the_first_two_messages_of_a_person_at_once_make_one_contact(town: Town) -> None:
    await asyncio.gather(
        *(town.dispatcher.receive(said(town, words)) for words in ("你好", "议程", "报名", "要收费吗"))
    )
    assert contact(town.database, "u1").user_id == "u1"


async def test_the_last_seat_is_given_once(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=1))
    chats = [town.chat(f"u{number}") for number in range(6)]
    for chat in chats:
        await chat.says("报名", *FORM)
    await asyncio.gather(*(chat.says("确认") for chat in chats))
    statuses = sorted(row.status for row in registered(town.database))
    assert statuses == ["confirmed", *["waitlisted"] * 5]


# Control arms: the same two, with one guard after the other taken away


def submit(database: Database, content: Content, contact_id: int, clock: Clock) -> None:
    answers = dict(
        zip(("category", "programme", "organization", "name", "title", "phone", "email"), FORM[1:], strict=True)
    )
    origin = service.Origin(contact_id, "memory", "zh", "", "1", clock.now())
    database.write_now(
        lambda session: service.submit(session.connection(), content.event, answers, origin, clock.now())
    )


async def two_who_looked_first(database: Database, content: Content, clock: Clock) -> list[BaseException | None]:
    """Both see that nobody is registered, without the contact's lock; then both register."""
    await Town(database, content, clock).chat().says("你好")
    who, together = contact(database, "u1").id, Together()
    assert who is not None

    def look_and_register() -> None:
        rows = together.after(lambda: database.read_now(lambda session: service.registrations(session, who)))()
        if service.own(rows) is None:
            submit(database, content, who, clock)

    results = await asyncio.gather(*(asyncio.to_thread(look_and_register) for _ in range(2)), return_exceptions=True)
    assert together.met
    return results


async def test_control_without_lock_and_index_two_come_to_be(
    unguarded: Database, content: Content, clock: Clock
) -> None:
    drop_index(unguarded)
    assert await two_who_looked_first(unguarded, content, clock) == [None, None]
    assert len(registered(unguarded)) == 2


async def test_the_index_alone_stops_the_second(unguarded: Database, content: Content, clock: Clock) -> None:
    results = await two_who_looked_first(unguarded, content, clock)
    assert [type(result) for result in results if result] == [IntegrityError]
    assert len(registered(unguarded)) == 1


def not_locking(connection: Connection, message: Message, now: object) -> Person:
    """Meets a person who is known, without a lock."""
    row = connection.execute(select(Contact.__table__).where(col(Contact.user_id) == message.sender.user_id)).one()
    return Person(row.id, row.language, row.language_chosen, row.stopped_at, row.source, row.created_at)


@pytest.mark.parametrize(
    ("lock", "index", "come_to_be"), [(True, True, 1), (True, False, 1), (False, True, 1), (False, False, 2)]
)
async def test_control_two_confirmations_through_the_whole_conversation(
    postgresql_unguarded: Database,
    content: Content,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    lock: bool,
    index: bool,
    come_to_be: int,
) -> None:
    town, together = Town(postgresql_unguarded, content, clock), Together()
    await town.chat().says("报名", *FORM)
    monkeypatch.setattr(handlers.registration, "has_own", together.after(service.has_own))
    if not lock:
        monkeypatch.setattr(arrival, "meet", not_locking)
    if not index:
        drop_index(postgresql_unguarded)
    await asyncio.gather(*(town.dispatcher.receive(said(town, "确认")) for _ in range(2)))
    assert together.met is not lock
    assert len(registered(postgresql_unguarded)) == come_to_be


@pytest.mark.parametrize(("lock", "seats_given"), [(True, 1), (False, 2)])
async def test_control_the_last_seat_without_the_lock_of_the_event(
    postgresql_unguarded: Database,
    content: Content,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    lock: bool,
    seats_given: int,
) -> None:
    town = Town(postgresql_unguarded, with_event(content, auto_confirm=True, capacity=1), clock)
    together, chats = Together(), [town.chat(name) for name in ("a", "b")]
    for chat in chats:
        await chat.says("报名", *FORM)
    monkeypatch.setattr(service, "_first_status", together.after(service._first_status))
    if not lock:
        monkeypatch.setattr(service, "lock_event", _no_lock)
    await asyncio.gather(*(chat.says("确认") for chat in chats))
    assert together.met is not lock
    assert sum(row.status == "confirmed" for row in registered(postgresql_unguarded)) == seats_given


def _no_lock(_: Connection) -> None:
    """Takes nothing."""
