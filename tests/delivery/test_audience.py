"""Who is meant: the filter language, and who of them an announcement is for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from bot.content.records import Content
from bot.delivery.audience import WrongFilter, audience, check, normal, of_drafts, where
from bot.store.database import Database
from bot.store.outbox import Kind
from bot.store.tables import Contact, Conversation, Registration
from tests.conftest import NOW
from tests.delivery.crowd import drafted, registered, settle, telegram, wechat

HOUR = timedelta(hours=1)


@pytest.fixture
def people(database: Database) -> Database:
    """Six on WeChat and Telegram, in every kind of standing; the second and the fourth have left a form."""
    settle(
        database,
        [(wechat if number < 4 else telegram)(number, NOW) for number in range(1, 8)],
        [
            registered(1, NOW, category="brand", language="en"),
            registered(2, NOW, status="pending", decided_at=None),
            registered(3, NOW - HOUR, decided_at=NOW + HOUR, checked_in_at=NOW),
            registered(4, NOW, status="waitlisted", decided_at=None, channel="telegram"),
            registered(5, NOW, status="declined", channel="telegram"),
            registered(6, NOW, status="cancelled", channel="telegram"),
        ],
        [drafted(2, NOW, NOW - HOUR), drafted(4, NOW, NOW), drafted(5, NOW, None), drafted(7, NOW, NOW)],
    )
    return database


FILTERS = {
    "": [1, 2, 3, 4, 5, 6],
    "status=confirmed": [1, 3],
    "status=pending,waitlisted": [2, 4],
    "status=confirmed category=brand,retailer language=en": [1],
    "channel=telegram": [4, 5, 6],
    "reference=FFS-000002,FFS-000005": [2, 5],
    "checked_in=yes": [3],
    "checked_in=no status=confirmed": [1],
    "checked_in=yes,no": [1, 2, 3, 4, 5, 6],
    "draft=stale": [2, 4],
    "draft=stale channel=telegram": [4],
}


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_means(people: Database, text: str) -> None:
    statement = select(col(Registration.id)).where(where(text)).order_by(col(Registration.id))
    assert people.read_now(lambda session: list(session.scalars(statement))) == FILTERS[text]


AUDIENCES: list[tuple[str, Kind, bool, list[int]]] = [
    ("", Kind.BROADCAST, False, [1, 2, 3, 4]),  # nobody who said no, or to whom the organizer did
    ("status=declined", Kind.BROADCAST, False, [5]),
    ("category=brand", Kind.REMINDER, False, [1]),
    ("status=confirmed", Kind.REMINDER, False, [1, 3]),
    ("status=confirmed", Kind.REMINDER, True, [1]),  # the third was decided later
    ("checked_in=yes", Kind.REMINDER, False, [3]),
    ("reference=FFS-000006", Kind.DECISION, True, [6]),
]


@pytest.mark.parametrize(("text", "kind", "in_time", "expected"), AUDIENCES)
def test_an_announcement_is_for(people: Database, text: str, kind: Kind, in_time: bool, expected: list[int]) -> None:
    condition = audience(text, kind, NOW if in_time else None)
    statement = select(col(Registration.id)).where(condition).order_by(col(Registration.id))
    assert people.read_now(lambda session: list(session.scalars(statement))) == expected


def test_who_came_in_later_is_not_thanked_late(database: Database) -> None:
    rows = [registered(1, NOW, checked_in_at=NOW), registered(2, NOW, checked_in_at=NOW + HOUR)]
    settle(database, [wechat(1, NOW), wechat(2, NOW)], rows)
    statement = select(col(Registration.id)).where(audience("checked_in=yes", Kind.REMINDER, NOW))
    assert database.read_now(lambda session: list(session.scalars(statement))) == [1]


def test_a_filter_of_drafts_is_about_chats(people: Database) -> None:
    joined = select(col(Contact.id)).join(Conversation).order_by(col(Contact.id))

    def meant(text: str) -> list[int]:
        return people.read_now(lambda session: list(session.scalars(joined.where(of_drafts(text)))))

    assert meant("draft=stale") == [2, 4, 7]
    assert meant("draft=stale channel=telegram language=zh") == [4, 7]


WRONG = {
    "everybody": "'everybody' is not known; expected FIELD=VALUE[,VALUE], FIELD one of status",
    "colour=red": "one of status, category, programme, organization, language, channel, source, reference, checked_in",
    "status=": "names no value",
    "status=maybe": "'maybe' is no status; expected one of pending",
    "checked_in=perhaps": "'perhaps' is no checked_in; expected one of yes, no",
    "channel=Wechat": "'Wechat' is no channel; expected one of wechat, telegram",
    "channel=wechat,sms": "'sms' is no channel",
    "language=de": "'de' is no language; expected one of zh, en",
    "draft=fresh": "'fresh' is no draft; expected one of stale",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_filter_says_what_was_expected(text: str) -> None:
    with pytest.raises(WrongFilter) as error:
        where(text)
    assert WRONG[text] in str(error.value)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("category=factorys", "'factorys' is no category; expected one of toy_association, brand, retailer, factory"),
        ("category=factory programme=foo", "'foo' is no programme; expected one of "),
        ("language=de", "'de' is no language"),
    ],
)
def test_a_choice_that_the_form_does_not_have_is_refused(content: Content, text: str, wrong: str) -> None:
    with pytest.raises(WrongFilter) as error:
        check(text, content.form)
    assert wrong in str(error.value)


def test_what_people_type_themselves_is_free(content: Content) -> None:
    check(
        "source=anything organization=欢乐玩具厂 category=factory,brand status=confirmed channel=wechat", content.form
    )


@pytest.mark.parametrize(
    "text", ["status=confirmed", "draft=stale status=confirmed", "draft=stale channel=sms", "draft=stale colour=red"]
)
def test_drafts_know_nothing_of_registrations(text: str) -> None:
    with pytest.raises(WrongFilter):
        of_drafts(text)


def test_equal_filters_read_alike() -> None:
    assert normal("category=brand,factory  status=confirmed") == normal("status=confirmed category=factory,brand,brand")
    assert normal("status=confirmed") != normal("status=pending")
