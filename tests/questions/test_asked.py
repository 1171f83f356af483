"""Every question is kept with what became of it, and nobody can fill the disk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.answers.matcher import Match
from bot.answers.matcher import Outcome as Found
from bot.content.records import Content
from bot.conversation.state import State
from bot.conversation.turn import Person, Turn
from bot.message import Address, Kind, Message
from bot.questions import asked
from bot.questions.asked import A_DAY, LONGEST, keep, none_meant, tapped
from bot.store.database import Database
from bot.store.tables import Asked, Outcome
from tests.conftest import NOW
from tests.delivery.crowd import settle, telegram
from tests.stored import rows, statements

UNKNOWN = Match(Found.UNKNOWN, score=0.2)
OFFERED = Match(Found.SUGGEST, suggestions=("cost", "transport"), score=0.4)


@pytest.fixture(autouse=True)
def _two_people(database: Database) -> None:
    settle(database, [telegram(1, NOW), telegram(2, NOW)])


def turn(connection: Connection, content: Content, text: str = "车票能报销吗", who: int = 1, **more: Any) -> Turn:
    message = Message(id="m", sender=Address("telegram", "b", "1"), sent_at=NOW, kind=Kind.TEXT, text=text)
    person = Person(who, "zh", False, None, "", NOW)
    return Turn(message, person, State(), content, connection, more.get("now", NOW), lambda: UNKNOWN, text=text)


def said(database: Database, content: Content, *steps: Any, **more: Any) -> list[Any]:
    """Runs these in one turn."""

    def run(connection: Connection) -> list[Any]:
        now = turn(connection, content, **more)
        return [step(now) for step in steps]

    return database.transact_now(run)


def test_a_question_is_kept_in_one_statement_with_outcome_entry_and_score(database: Database, content: Content) -> None:
    with statements(database) as sent:
        assert said(database, content, lambda now: keep(now, OFFERED, Outcome.SUGGEST)) == [True]
    assert len(sent) == 1
    (row,) = rows(database, Asked)
    assert row.model_dump() == {
        "id": row.id,
        "contact_id": 1,
        "asked_at": NOW,
        "language": "zh",
        "outcome": "suggest",
        "text": "车票能报销吗",
        "entry": "cost",
        "score": 0.4,
        "closed_at": None,
        "answer_id": None,
    }


@pytest.mark.parametrize(
    ("match", "outcome", "kept"),
    [
        (Match(Found.ANSWER, entry="when", score=0.9), Outcome.ANSWER, ("answer", "when", 0.9)),
        (UNKNOWN, Outcome.UNKNOWN, ("unknown", None, 0.2)),
        (Match(Found.UNKNOWN, score=0.8, ours=False), Outcome.FOREIGN, ("foreign", None, 0.8)),
        (OFFERED, Outcome.NOTE, ("note", None, None)),
    ],
)
def test_each_outcome_says_what_it_is_about(
    database: Database, content: Content, match: Match, outcome: Outcome, kept: tuple[Any, ...]
) -> None:
    said(database, content, lambda now: keep(now, match, outcome))
    assert [(row.outcome, row.entry, row.score) for row in rows(database, Asked)] == [kept]


def test_the_nearest_of_what_the_matcher_ranked_is_kept_with_what_nobody_answers(
    database: Database, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ranked:
        entry, suggestions, score, ranked = None, (), 0.1, (("lunch", 0.31), ("cost", 0.2))

    said(database, content, lambda now: keep(now, Ranked(), Outcome.UNKNOWN))  # type: ignore[arg-type]
    assert [(row.entry, row.score) for row in rows(database, Asked)] == [("lunch", 0.31)]


def test_a_tapped_suggestion_is_evidence_of_what_was_meant(database: Database, content: Content) -> None:
    said(database, content, lambda now: keep(now, OFFERED, Outcome.SUGGEST), who=2)
    said(database, content, lambda now: keep(now, OFFERED, Outcome.SUGGEST))
    said(database, content, lambda now: keep(now, OFFERED, Outcome.SUGGEST), text="打车钱给不给")
    said(database, content, lambda now: tapped(now, "transport"))
    assert [(row.text, row.outcome, row.entry) for row in rows(database, Asked)] == [
        ("车票能报销吗", "suggest", "cost"),
        ("车票能报销吗", "suggest", "cost"),
        ("打车钱给不给", "tapped", "transport"),
    ]


def test_none_of_these_makes_it_wait_for_an_organizer_once(database: Database, content: Content) -> None:
    said(database, content, lambda now: keep(now, OFFERED, Outcome.SUGGEST))
    assert said(database, content, none_meant) == [True]
    assert [(row.outcome, row.entry) for row in rows(database, Asked)] == [("unknown", "cost")]
    assert said(database, content, none_meant) == [False]


def test_one_person_leaves_only_so_many_in_a_day(
    database: Database, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "A_DAY", 3)
    many = [lambda now: keep(now, UNKNOWN, Outcome.UNKNOWN)] * 5
    assert A_DAY == 200
    assert said(database, content, *many) == [True] * 3 + [False] * 2
    assert said(database, content, many[0], who=2) == [True]
    assert said(database, content, many[0], now=NOW + timedelta(hours=23)) == [False]
    assert said(database, content, many[0], now=NOW + timedelta(days=1, seconds=1)) == [True]
    assert len(rows(database, Asked)) == 5


def test_what_no_database_can_hold_and_no_organizer_can_read_is_left_out(database: Database, content: Content) -> None:
    said(database, content, lambda now: keep(now, UNKNOWN, Outcome.UNKNOWN, "a\0b\ud83d c" + "长" * LONGEST))
    (row,) = rows(database, Asked)
    assert row.text.startswith("ab? c长")
    assert len(row.text) == LONGEST
