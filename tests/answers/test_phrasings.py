"""What the shipped content gives the matcher to learn from."""

from __future__ import annotations

import pytest

from bot.answers.normalize import question
from bot.content.records import Content

# EVENT.md fixes them: other people's scripts and answers hang on these names.
IDS = [
    "when", "where", "transport", "cost", "language", "agenda", "agenda_1", "agenda_2", "agenda_3", "agenda_4",
    "agenda_5", "agenda_6", "who", "register", "change", "cancel", "confirmation", "ffs", "ietp", "results",
    "plans", "booklet", "lunch", "parking", "hotel", "interpreter", "materials", "colleague", "deadline",
    "contact", "certificate", "wifi", "dress", "recording", "online", "children", "privacy", "join_ffs",
    "speakers", "checkin", "visa",
]  # fmt: skip
_ENOUGH, _EXAMPLES = 12, 200


def test_every_entry_is_there(content: Content) -> None:
    assert set(IDS) <= set(content.faq)


@pytest.mark.parametrize("entry", IDS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_entry_is_asked_in_many_ways(content: Content, entry: str, language: str) -> None:
    assert len({question(text) for text in content.faq[entry].ask[language]}) >= _ENOUGH


def test_what_is_not_ours_has_many_examples_in_both_languages(content: Content) -> None:
    sizes = {language: len({question(text) for text in rows}) for language, rows in content.out_of_scope.items()}
    assert min(sizes.values()) >= _EXAMPLES / 2
    assert sum(sizes.values()) >= _EXAMPLES


def test_nothing_is_both_ours_and_not(content: Content) -> None:
    ours = {question(text) for entry in content.faq.values() for rows in entry.ask.values() for text in rows}
    assert not ours & {question(text) for rows in content.out_of_scope.values() for text in rows}


def test_no_phrasing_belongs_to_two_entries(content: Content) -> None:
    owners: dict[str, set[str]] = {}
    for entry in content.faq.values():
        for text in (text for rows in entry.ask.values() for text in rows):
            owners.setdefault(question(text), set()).add(entry.id)
    assert {text: found for text, found in owners.items() if len(found) > 1} == {}
