"""How well each entry's own phrasings find it, asked of all the others (five-fold cross-validation)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.answers.matcher import Matcher, Outcome

_FOLDS = 5


@dataclass(slots=True)
class Found:
    """What became of one entry's phrasings."""

    asked: int = 0
    answered: int = 0  # directly and rightly
    suggested: int = 0  # the right entry was among the suggestions
    confused: Counter[str] = field(default_factory=Counter)  # entries answered instead


def cross_validate(asked: Mapping[str, Sequence[str]], out_of_scope: Iterable[str]) -> dict[str, Found]:
    """Each phrasing is asked of a matcher that never saw it."""
    results = {entry: Found() for entry in asked}
    others = list(out_of_scope)
    for fold in range(_FOLDS):
        rest = {entry: [text for n, text in enumerate(rows) if n % _FOLDS != fold] for entry, rows in asked.items()}
        matcher = Matcher(rest, others)
        for entry, rows in asked.items():
            for text in rows[fold::_FOLDS]:
                _count(results[entry], entry, matcher, text)
    return results


def _count(found: Found, entry: str, matcher: Matcher, text: str) -> None:
    match = matcher.match(text)
    found.asked += 1
    if match.outcome is Outcome.ANSWER and match.entry == entry:
        found.answered += 1
    elif match.outcome is Outcome.ANSWER and match.entry:
        found.confused[match.entry] += 1
    elif entry in match.suggestions:
        found.suggested += 1
