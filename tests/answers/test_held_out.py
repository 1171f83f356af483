"""The floors that the matcher keeps on questions which nobody trained it on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.answers.encoder import Encoder
from bot.answers.evaluate import Figures, figures, main, read, table
from bot.answers.matcher import Match, Matcher, Outcome
from bot.answers.normalize import question
from bot.content.records import Content
from tests.answers.conftest import ROOT

QUESTIONS = Path(__file__).parent / "questions.tsv"


@pytest.fixture(scope="module")
def measured(matcher: Matcher, encoder: Encoder) -> dict[str, Figures]:
    return table(matcher, read(QUESTIONS))


FLOORS = {"right": 0.93, "held_back": 0.95, "first": 0.87, "found": 0.92, "answered": 0.4, "unknown": 0.6}


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
def test_a_figure_keeps_its_floor(measured: dict[str, Figures], name: str, floor: float) -> None:
    assert getattr(measured["all"], name) >= floor


def test_few_answers_are_wrong(measured: dict[str, Figures]) -> None:
    assert (measured["all"].wrong or 0) <= 0.04


@pytest.mark.parametrize("language", ["zh", "en"])
def test_neither_language_is_left_behind(measured: dict[str, Figures], language: str) -> None:
    found = measured[language]
    assert (found.wrong or 0) <= 0.04
    assert (found.first or 0) >= 0.82
    assert (found.found or 0) >= 0.85


def test_the_set_is_as_its_readme_says() -> None:
    rows = read(QUESTIONS)
    foreign = [row for row in rows if not row.expected]
    assert len(rows) >= 400
    assert 0.6 < sum(row.language == "zh" for row in rows) / len(rows) < 0.72
    assert len(foreign) / len(rows) >= 0.25
    assert sum(row.kind == "near" for row in foreign) / len(foreign) >= 0.5


def test_no_question_is_a_phrasing_of_the_content(content: Content) -> None:
    faq = [text for entry in content.faq.values() for rows in entry.ask.values() for text in rows]
    known = {question(text) for text in (*faq, *(text for rows in content.out_of_scope.values() for text in rows))}
    same = [row.text for row in read(QUESTIONS) if question(row.text) in known]
    assert same == []


def test_what_the_figures_mean() -> None:
    ours, foreign = (next(row for row in read(QUESTIONS) if bool(row.expected) is known) for known in (True, False))
    right = Match(Outcome.ANSWER, entry=min(ours.expected))
    offered = Match(Outcome.SUGGEST, suggestions=("nothing", min(ours.expected)))
    nothing = Match(Outcome.UNKNOWN)
    found = figures([(ours, right), (ours, offered), (foreign, right), (foreign, nothing)])
    assert found == Figures(
        questions=4, answered=0.5, wrong=0.25, right=0.5, held_back=0.5, unknown=0.5, first=0.5, found=1.0
    )


def test_the_command_prints_the_tables() -> None:
    said = CliRunner().invoke(main, [str(QUESTIONS), "--content", str(ROOT / "content"), "--without-encoder", "--json"])
    assert said.exit_code == 0, said.output
    assert json.loads(said.output)["without encoder"]["all"]["wrong"] <= 0.04


def test_the_command_names_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_text("a\tb\n1\t2\n")
    said = CliRunner().invoke(main, [str(tmp_path / "q.tsv"), "--content", str(ROOT / "content")])
    assert (said.exit_code, "expected text, language, kind, expected" in said.output) == (1, True)
