"""Decisions: who gets a seat, who waits, who is told of it and how often."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from bot.content.event import Event
from bot.content.records import Content
from bot.delivery.announcements import SUPERSEDED
from bot.registration.decide import (
    CannotDecide,
    Decided,
    Desk,
    cancel,
    confirm,
    confirm_pending,
    decline,
    move_up,
    promote,
)
from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery
from bot.store.tables import Registration, Status
from tests.conftest import NOW
from tests.edits import with_event
from tests.registration.people import ACCOUNTS, decisions, registered_as, standing, told
from tests.stored import registered, rows, statements

Decide = Callable[..., list[Decided]]


@pytest.fixture
def desk(content: Content) -> Desk:
    return Desk(content.event, ACCOUNTS, NOW, "command")


def seats(content: Content, capacity: int, *, auto: bool = False, later: timedelta = timedelta()) -> Desk:
    """A desk of an event with so many seats."""
    event: Event = with_event(content, capacity=capacity, auto_confirm=auto).event
    return Desk(event, ACCOUNTS, NOW + later, "command")


def decided(database: Database, decide: Decide, *arguments: Any) -> list[Decided]:
    return database.transact_now(lambda connection: decide(connection, *arguments))


def lines(results: list[Decided]) -> list[str]:
    return [str(result) for result in results]


# One at a time


def test_who_is_confirmed_is_told_in_the_chat_and_by_mail(database: Database, desk: Desk) -> None:
    (reference,) = registered_as(database, Status.PENDING)
    results = decided(database, confirm, [reference], desk)
    assert lines(results) == [f"{reference}: confirmed, was pending"]
    (row,) = registered(database)
    assert (row.status, row.decided_at) == (Status.CONFIRMED, NOW)
    assert told(database) == [(f"D-{reference}-1", "chat", "queued"), (f"D-{reference}-1", "mail", "queued")]
    (announcement,) = rows(database, Announcement)
    assert announcement.more["decision"] == "confirmed"
    assert announcement.more["before"] == "pending"
    assert (announcement.kind, announcement.by, announcement.state) == ("decision", "command", "planned")
    assert announcement.latest_at == desk.event.end
    assert [row.route for row in rows(database, Delivery)] == ["telegram", "email"]


@pytest.mark.parametrize("typed", ["ffs-000000", "000000", " FFS-OOOOOO "])
def test_a_reference_is_taken_as_people_type_it(database: Database, desk: Desk, typed: str) -> None:
    registered_as(database, Status.PENDING)
    decided(database, confirm, [typed], desk)
    assert standing(database) == ["confirmed"]


@pytest.mark.parametrize("decide", [confirm, decline])
def test_the_same_decision_twice_changes_nothing_and_tells_nobody_again(
    database: Database, desk: Desk, content: Content, decide: Decide
) -> None:
    (reference,) = registered_as(database, Status.PENDING)
    decided(database, decide, [reference, reference.lower()], desk)
    before = registered(database)[0].model_dump(), told(database)
    (again,) = decided(database, decide, [reference], seats(content, 0, later=timedelta(hours=1)))
    assert str(again).endswith(" already, nobody is told again")
    assert not again.changed
    assert (registered(database)[0].model_dump(), told(database)) == before


def test_deciding_otherwise_later_is_announced_anew(database: Database, desk: Desk) -> None:
    (reference,) = registered_as(database, Status.PENDING)
    for decide in (confirm, decline, confirm):
        decided(database, decide, [reference], desk)
    said = decisions(database)
    assert {name: (more["before"], more["decision"], more["number"]) for name, more in said.items()} == {
        f"D-{reference}-1": ("pending", "confirmed", 1),
        f"D-{reference}-2": ("confirmed", "declined", 2),
        f"D-{reference}-3": ("declined", "confirmed", 3),
    }


def test_an_earlier_decision_that_did_not_leave_yet_does_not_leave_any_more(database: Database, desk: Desk) -> None:
    (reference,) = registered_as(database, Status.PENDING)
    decided(database, confirm, [reference], desk)
    sent = (col(Delivery.way) == "mail", col(Delivery.announcement_id) == f"D-{reference}-1")
    database.write_now(lambda session: session.execute(update(Delivery).where(*sent).values(status="sent")))
    decided(database, decline, [reference], desk)
    first, second = f"D-{reference}-1", f"D-{reference}-2"
    assert sorted(told(database)) == [
        *((first, "chat", "skipped"), (first, "mail", "sent")),
        *((second, "chat", "queued"), (second, "mail", "queued")),
    ]
    assert [row.error for row in rows(database, Delivery) if row.status == "skipped"] == [SUPERSEDED]


@pytest.mark.parametrize("decide", [confirm, decline])
def test_what_cannot_be_decided_is_refused_and_nothing_is_changed(
    database: Database, desk: Desk, decide: Decide
) -> None:
    one, gone = registered_as(database, Status.PENDING, Status.CANCELLED)
    with pytest.raises(CannotDecide, match=rf"^{gone}: cancelled by the person; "):
        decided(database, decide, [one, gone], desk)
    with pytest.raises(CannotDecide, match=r"^FFS-ZZZZZZ: no such registration; expected .* such as FFS-7K2M9Q$"):
        decided(database, decide, [one, "zzzzzz"], desk)
    assert standing(database) == ["pending", "cancelled"]
    assert told(database) == []


def test_after_the_event_nobody_is_told(database: Database, content: Content) -> None:
    (reference,) = registered_as(database, Status.PENDING)
    decided(database, confirm, [reference], seats(content, 0, later=timedelta(days=30)))
    assert standing(database) == ["confirmed"]
    assert [row for row in rows(database, Delivery) if row.status != "skipped"] == []


# Seats


def test_when_all_seats_are_taken_a_place_on_the_waiting_list_is_given_and_told(
    database: Database, content: Content
) -> None:
    references = registered_as(database, Status.PENDING, Status.PENDING, Status.PENDING)
    results = decided(database, confirm, reversed(references), seats(content, 2))
    assert lines(results) == [
        f"{references[2]}: confirmed, was pending",
        f"{references[1]}: confirmed, was pending",
        f"{references[0]}: on the waiting list, all seats are taken",
    ]
    assert decisions(database)[f"D-{references[0]}-1"]["decision"] == "waitlisted"
    (again,) = decided(database, confirm, references[:1], seats(content, 2))
    assert str(again) == f"{references[0]}: still on the waiting list, all seats are taken"
    assert len(decisions(database)) == 3


def test_everybody_pending_is_confirmed_in_the_order_of_registration(database: Database, content: Content) -> None:
    references = registered_as(database, *[Status.PENDING] * 5, Status.DECLINED, Status.CANCELLED)
    first_last = {"created_at": NOW - timedelta(days=40)}
    last = col(Registration.reference) == references[4]
    database.write_now(lambda session: session.execute(update(Registration).where(last).values(**first_last)))
    found = []
    while results := decided(database, confirm_pending, seats(content, 3), 2):
        found.append(lines(results))
    assert found == [
        [f"{references[4]}: confirmed, was pending", f"{references[0]}: confirmed, was pending"],
        [
            f"{references[1]}: confirmed, was pending",
            f"{references[2]}: on the waiting list, all seats are taken",
        ],
        [f"{references[3]}: on the waiting list, all seats are taken"],
    ]
    assert len(decisions(database)) == 5


def test_a_seat_that_gets_free_goes_to_the_first_of_the_waiting_list(database: Database, content: Content) -> None:
    full = seats(content, 1, auto=True)
    one, two, three = registered_as(database, Status.CONFIRMED, Status.WAITLISTED, Status.WAITLISTED)
    results = decided(database, cancel, one, full)
    assert lines(results) == [f"{one}: cancelled, was confirmed", f"{two}: confirmed, was waitlisted (a seat is free)"]
    assert told(database) == [
        (f"D-{one}-1", "mail", "queued"),  # the reply in the chat says it already
        *((f"D-{two}-1", "chat", "queued"), (f"D-{two}-1", "mail", "queued")),
    ]
    assert lines(decided(database, decline, [two], full))[1:] == [
        f"{three}: confirmed, was waitlisted (a seat is free)"
    ]
    assert standing(database) == ["cancelled", "declined", "confirmed"]


def test_who_cancels_without_a_seat_frees_none_and_gets_no_mail(database: Database, content: Content) -> None:
    full = seats(content, 1, auto=True)
    _, pending, waiting, _ = registered_as(
        database, Status.CONFIRMED, Status.PENDING, Status.WAITLISTED, Status.WAITLISTED
    )
    for reference in (pending, waiting):
        (result,) = decided(database, cancel, reference, full)
        assert result.status is Status.CANCELLED
    assert not decided(database, cancel, waiting, full)[0].changed
    assert standing(database) == ["confirmed", "cancelled", "cancelled", "waitlisted"]
    assert told(database) == []


def test_when_the_capacity_grows_as_many_move_up_as_there_are_seats(database: Database, content: Content) -> None:
    registered_as(database, Status.CONFIRMED, *[Status.WAITLISTED] * 4)
    assert decided(database, promote, seats(content, 1, auto=True)) == []
    assert len(decided(database, promote, seats(content, 3, auto=True))) == 2
    assert standing(database) == [*["confirmed"] * 3, *["waitlisted"] * 2]
    assert len(decided(database, promote, seats(content, 0, auto=True), 1)) == 1
    assert len(decided(database, promote, seats(content, 0, auto=True), 1)) == 1
    assert decided(database, promote, seats(content, 0, auto=True), 1) == []


@pytest.mark.parametrize(("auto", "stand"), [(True, "confirmed"), (False, "pending")])
async def test_a_capacity_that_was_raised_is_noticed_by_the_clock_and_otherwise_nothing_is_written(
    database: Database, content: Content, auto: bool, stand: str
) -> None:
    registered_as(database, Status.CONFIRMED, Status.WAITLISTED, Status.WAITLISTED)
    for capacity, writes in ((1, False), (2, True), (2, False)):
        with statements(database) as sent:
            await move_up(database, seats(content, capacity, auto=auto))
        assert bool(sent) is writes
    assert standing(database) == ["confirmed", stand, "waitlisted"]
    await move_up(database, seats(content, 0, auto=auto, later=timedelta(days=20)))
    assert standing(database)[2] == "waitlisted"  # the event is over


def test_with_fewer_seats_than_people_nobody_loses_one_and_nobody_gets_one(
    database: Database, content: Content
) -> None:
    references = registered_as(database, Status.CONFIRMED, Status.CONFIRMED, Status.WAITLISTED)
    decided(database, cancel, references[0], seats(content, 1, auto=True))
    assert standing(database) == ["cancelled", "confirmed", "waitlisted"]


def test_while_organizers_decide_whoever_was_not_looked_at_moves_up_to_pending(
    database: Database, content: Content
) -> None:
    desk = seats(content, 1)
    one, two, _ = registered_as(database, Status.CONFIRMED, Status.WAITLISTED, Status.WAITLISTED)
    results = decided(database, cancel, one, desk)
    assert lines(results)[1:] == [f"{two}: pending, was waitlisted (a seat is free)"]
    assert registered(database)[1].decided_at is None
    assert decided(database, promote, desk) == []  # that seat is spoken for
    assert standing(database) == ["cancelled", "pending", "waitlisted"]
    decided(database, decline, [two], desk)
    assert standing(database) == ["cancelled", "declined", "pending"]


def test_whoever_an_organizer_confirmed_when_it_was_full_moves_up_to_a_seat_first(
    database: Database, content: Content
) -> None:
    desk = seats(content, 1)
    one, _, _, four = registered_as(database, Status.CONFIRMED, Status.WAITLISTED, Status.WAITLISTED, Status.WAITLISTED)
    decided(database, confirm, [four], desk)
    assert registered(database)[3].decided_at == NOW
    assert told(database) == []  # they wait as before, and know it
    results = decided(database, decline, [one], desk)
    assert lines(results)[1:] == [f"{four}: confirmed, was waitlisted (a seat is free)"]
    assert standing(database) == ["declined", "waitlisted", "waitlisted", "confirmed"]


def test_as_long_as_others_are_pending_nobody_new_becomes_so(database: Database, content: Content) -> None:
    references = registered_as(database, Status.CONFIRMED, Status.PENDING, Status.WAITLISTED)
    decided(database, cancel, references[0], seats(content, 1))
    assert standing(database) == ["cancelled", "pending", "waitlisted"]


def test_confirming_all_gives_seats_to_those_who_wait_before_those_who_are_pending(
    database: Database, content: Content
) -> None:
    registered_as(database, Status.CONFIRMED, Status.WAITLISTED, decided_at=NOW)
    registered_as(database, Status.PENDING)
    results = []
    while found := decided(database, confirm_pending, seats(content, 2)):
        results += found
    assert standing(database) == ["confirmed", "confirmed", "waitlisted"]
    assert [result.status for result in results] == ["confirmed", "waitlisted"]


def test_a_colleague_is_told_by_their_own_mail_and_in_the_chat_they_were_registered_by(
    database: Database, desk: Desk
) -> None:
    (reference,) = registered_as(database, Status.PENDING, registered_by="FFS-ABCDEF")
    decided(database, confirm, [reference], desk)
    assert [(row.way, row.route) for row in rows(database, Delivery)] == [("chat", "telegram"), ("mail", "email")]
