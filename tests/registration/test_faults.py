"""What is wrong with a text is said before anything is queued."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.content.records import Content
from bot.content.words import LANGUAGES
from bot.registration.chat import telegram_units, wechat_bytes
from bot.registration.faults import faults
from bot.store.outbox import Route
from tests.registration.outgoing import COLLEAGUE, VENUE, due, text

BOTH = {"zh": {"text": "您好"}, "en": {"text": "Hello"}}


def of(zh: str, short: str = "") -> dict[str, dict[str, str]]:
    return {**BOTH, "zh": {"text": zh, "short": short}}


def test_good_texts_have_no_faults(content: Content) -> None:
    every = "{name} {reference} {event.name} {event.date} {venue.text} {venue.directions}"
    assert faults(content, BOTH, None) == []
    assert faults(content, of(every, "会议通知"), VENUE, with_venue=True) == []
    for reminder in content.reminders.reminders:
        texts = {language: {"text": reminder.text.of(language)} for language in LANGUAGES}
        assert faults(content, texts, VENUE) == []


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({}, ["zh: is missing", "en: is missing"]),
        ({"zh": {"text": "您好"}}, ["en: is missing"]),
        ({**BOTH, "en": {"text": " \n "}}, ["en: is missing or empty"]),
        (of("{nmae}您好"), ["zh: {nmae} is not known, expected one of"]),
        (of("{phone}{phone}"), ["zh: {phone} is not known"]),
        (of("{name您好"), ["zh: { belongs to no placeholder"]),
        (of("您好｛name｝"), ["zh: ｛ belongs to no placeholder"]),
        (of("您\x00好"), ["zh: holds control characters"]),
        (of("您好", "一" * 21), ["zh: short form: 21 characters, expected at most 20"]),
        (of("您好", "{name}"), ["zh: short form: {name} is not known, expected none here"]),
        (of("您好", "一\n二"), ["zh: short form: has a line break"]),
        (of("好" * 700), ["zh: 2"]),
        (of("h" * 4090), ["zh: 4", "zh: 4"]),
    ],
)
def test_each_fault_is_named(content: Content, texts: dict[str, dict[str, str]], says: list[str]) -> None:
    found = faults(content, texts, None)
    assert len(found) == len(says), found
    assert all(fault.startswith(start) for fault, start in zip(found, says, strict=True)), found


def test_a_text_for_those_who_read_chinese_needs_no_english(content: Content) -> None:
    assert faults(content, {"zh": {"text": "您好"}}, None, languages=("zh",)) == []


def test_the_venue_has_to_be_published_first(content: Content) -> None:
    assert faults(content, BOTH, None, with_venue=True) == ["no venue is published, expected `usher venue set` first"]


def test_a_text_is_measured_as_it_will_be_read(content: Content) -> None:
    """One that is let through fits for the longest name, on both sides of the border."""
    most = max(n for n in range(400, 700) if not faults(content, of("{name}" + "好" * n), None))
    (longest,) = [question.max_length for question in content.form.questions if question.id == "name"]
    person = replace(COLLEAGUE, name="王" * longest)
    for more, whole in ((0, True), (1, False)):
        said = text(content, due("broadcast", "{name}" + "好" * (most + more), person=person), Route.WECHAT_MESSAGE)
        assert said.endswith("好" * (most + more)) is whole
        assert wechat_bytes(said) <= 2000


def test_only_the_routes_that_are_used_limit_a_text(content: Content) -> None:
    long = {"zh": {"text": "好" * 1000}, "en": {"text": "x"}}
    assert faults(content, long, None, routes=(Route.TELEGRAM,)) == []
    (fault,) = faults(content, long, None, routes=(Route.WECHAT_MESSAGE,))
    assert "WeChat" in fault
    assert telegram_units("好😀") == 3
