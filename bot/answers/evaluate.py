"""Measures the matcher on questions it was never trained on: `python -m bot.answers.evaluate QUESTIONS.tsv`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import click

from bot.answers.cache import phrasings
from bot.answers.encoder import installed
from bot.answers.matcher import Match, Matcher, Outcome
from bot.answers.training import train
from bot.content.load import load
from bot.errors import BrokenContent, UsherError

_NONE = "-"  # expected where no entry answers


@dataclass(frozen=True, slots=True)
class Question:
    """One line of the file: what is asked, and which entries are right."""

    text: str
    language: str
    kind: str
    expected: frozenset[str]  # empty: nothing here answers it


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of some questions; shares are 0 to 1, and None where there was nothing to share."""

    questions: int
    answered: float | None  # directly, of all
    wrong: float | None  # direct answers that are wrong, of all
    right: float | None  # of the direct answers
    held_back: float | None  # of what is not ours, not answered directly
    unknown: float | None  # of what is not ours, nothing offered either
    first: float | None  # of what is ours: the answer, or the first suggestion, is right
    found: float | None  # of what is ours: the answer, or one of the suggestions, is right


def read(path: Path) -> list[Question]:
    """The questions of a tab-separated file with the columns text, language, kind, expected. Raises UsherError."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        return [_question(row) for row in rows]
    except (OSError, UnicodeDecodeError, KeyError, AttributeError) as error:
        raise UsherError(
            f"{path}: cannot be read as questions ({error}); expected text, language, kind, expected"
        ) from None


def _question(row: dict[str, str]) -> Question:
    expected = frozenset(row["expected"].split("|")) - {_NONE}
    return Question(row["text"], row["language"], row["kind"], expected)


def figures(asked: Sequence[tuple[Question, Match]]) -> Figures:
    """The figures of some questions with what the matcher made of them."""
    ours = [(question, match) for question, match in asked if question.expected]
    foreign = [match for question, match in asked if not question.expected]
    direct = [(question, match) for question, match in asked if match.outcome is Outcome.ANSWER]
    wrong = sum(match.entry not in question.expected for question, match in direct)
    return Figures(
        questions=len(asked),
        answered=_share(len(direct), len(asked)),
        wrong=_share(wrong, len(asked)),
        right=_share(len(direct) - wrong, len(direct)),
        held_back=_share(sum(match.outcome is not Outcome.ANSWER for match in foreign), len(foreign)),
        unknown=_share(sum(match.outcome is Outcome.UNKNOWN for match in foreign), len(foreign)),
        first=_share(sum(bool(question.expected & set(_shown(match)[:1])) for question, match in ours), len(ours)),
        found=_share(sum(bool(question.expected & set(_shown(match))) for question, match in ours), len(ours)),
    )


def table(matcher: Matcher, questions: Iterable[Question]) -> dict[str, Figures]:
    """The figures of all questions, of each language and of each kind."""
    asked = [(question, matcher.match(question.text)) for question in questions]
    languages = sorted({question.language for question, _ in asked})
    kinds = sorted({question.kind for question, _ in asked})
    rows = {"all": figures(asked)}
    rows |= {name: figures([pair for pair in asked if pair[0].language == name]) for name in languages}
    return rows | {name: figures([pair for pair in asked if pair[0].kind == name]) for name in kinds}


def _shown(match: Match) -> tuple[str, ...]:
    return (match.entry,) if match.entry else match.suggestions


def _share(some: int, of: int) -> float | None:
    return round(some / of, 4) if of else None


@click.command()
@click.argument("questions", type=click.Path(path_type=Path))
@click.option("--content", type=click.Path(path_type=Path), default=Path("content"), help="The content folder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--without-encoder", is_flag=True, help="Only without the sentence encoder.")
def main(questions: Path, content: Path, as_json: bool, without_encoder: bool) -> None:
    """How well the matcher of a content does on the questions of a file, with and without the encoder."""
    try:
        rows, loaded = read(questions), load(content)
        encoders = {None if without_encoder else installed(): None, None: None}
        tables = {
            "with encoder" if encoder else "without encoder": table(train(*phrasings(loaded), encoder), rows)
            for encoder in encoders
        }
    except (UsherError, BrokenContent) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        figures_of = {name: {row: asdict(found) for row, found in of.items()} for name, of in tables.items()}
        click.echo(json.dumps(figures_of, indent=1))
        return
    for name, of in tables.items():
        click.echo("\n".join(lines(name, of)))


def lines(name: str, of: Mapping[str, Figures]) -> Iterator[str]:
    """A table of figures in words and numbers."""
    columns = [column.name for column in fields(Figures)]
    yield f"{name:16}" + "".join(f"{column:>11}" for column in columns)
    for row, found in of.items():
        yield f"{row:16}" + "".join(f"{_cell(getattr(found, column)):>11}" for column in columns)


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.3f}"


if __name__ == "__main__":
    main()
