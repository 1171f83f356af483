"""The shipped content: facts only, everything asked for is there, and short enough for a phone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import pytest

from bot.content.facts import PLACEHOLDER, Venue, facts, fill
from bot.content.form import Question
from bot.content.load import load
from bot.content.records import Content
from bot.content.words import LANGUAGES, Words

CONTENT = Path(__file__).parents[2] / "content"
IDS = """
when where transport cost language agenda agenda_1 agenda_2 agenda_3 agenda_4 agenda_5 agenda_6 who
register change cancel confirmation ffs ietp results plans booklet lunch parking hotel interpreter
materials colleague deadline contact certificate wifi dress recording online children privacy
join_ffs speakers checkin visa
"""
ENTRIES = set(IDS.split())
# The organizer's page says these numbers; dates, times and days kept come from event.toml by placeholder.
KNOWN_NUMBERS = {"1", "2", "3", "4", "5", "6", "30", "1100", "1240", "2019", "2020"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def content() -> Content:
    return load(CONTENT)


@pytest.fixture(scope="module")
def filled(content: Content) -> dict[str, dict[str, str]]:
    """What each placeholder stands for as shipped, by language."""
    return {
        language: facts(content.event, content.texts, None, language, content.agenda.items) for language in LANGUAGES
    }


def plain(phrasing: str) -> str:
    """A phrasing without case, width, spaces and marks: two that differ only there are the same."""
    return "".join(mark for mark in unicodedata.normalize("NFKC", phrasing).casefold() if mark.isalnum()) or phrasing


def numbers(text: str) -> set[str]:
    found = re.findall(r"\d+(?:[.,:]\d+)*", unicodedata.normalize("NFKC", text))
    return {number.replace(",", "") for number in found}


def phrasings(content: Content) -> Iterator[tuple[str, str]]:
    for entry in content.faq.values():
        for asked in entry.ask.values():
            yield from ((entry.id, phrasing) for phrasing in asked)


def prompt_and_choices(question: Question, language: str, values: dict[str, str]) -> str:
    choices = (f"{number} {choice.label.of(language)}" for number, choice in enumerate(question.choices, start=1))
    return "\n".join([fill(question.prompt.of(language), values), *choices])


# What people ask


def test_every_question_of_the_event_has_its_entry(content: Content) -> None:
    assert set(content.faq) == ENTRIES


def test_each_entry_knows_many_ways_to_ask(content: Content) -> None:
    few = {
        (entry.id, language): len(entry.ask[language])
        for entry in content.faq.values()
        for language in LANGUAGES
        if len({plain(phrasing) for phrasing in entry.ask[language]}) < 12
    }
    assert not few


def test_no_way_to_ask_leads_to_two_entries(content: Content) -> None:
    owners: dict[str, list[str]] = {}
    for entry_id, phrasing in phrasings(content):
        owners.setdefault(plain(phrasing), []).append(entry_id)
    assert {phrasing: ids for phrasing, ids in owners.items() if len(ids) > 1} == {}


def test_what_must_not_be_answered_is_asked_nowhere(content: Content) -> None:
    ours = {plain(phrasing) for _, phrasing in phrasings(content)}
    theirs = {plain(row) for rows in content.out_of_scope.values() for row in rows}
    assert ours & theirs == set()


def test_chinese_and_english_phrasings_stand_in_their_own_list(content: Content) -> None:
    wrong = [phrasing for entry in content.faq.values() for phrasing in entry.ask["en"] if CHINESE.search(phrasing)]
    assert wrong == []


def test_titles_are_short_and_no_two_alike(content: Content) -> None:
    for language in LANGUAGES:
        titles = [entry.title.of(language) for entry in content.faq.values()]
        assert len({plain(title) for title in titles}) == len(titles)
    assert [entry.title.zh for entry in content.faq.values() if len(entry.title.zh) > 12] == []
    assert [entry.title.en for entry in content.faq.values() if len(entry.title.en.split()) > 5] == []


def test_a_tapped_title_never_asks_for_another_entry(content: Content) -> None:
    owner = {plain(phrasing): entry_id for entry_id, phrasing in phrasings(content)}
    for entry in content.faq.values():
        for language in LANGUAGES:
            assert owner.get(plain(entry.title.of(language)), entry.id) == entry.id


# What they are told


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_fit_a_phone(content: Content, filled: dict[str, dict[str, str]], language: str) -> None:
    lengths = {
        entry.id: len(fill(entry.answer.of(language), filled[language]))
        for entry in content.faq.values()
        if entry.id != "agenda"
    }
    assert {entry_id: length for entry_id, length in lengths.items() if length > 200} == {}
    assert len(fill(content.faq["agenda"].answer.of(language), filled[language])) <= 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_hold_no_number_that_the_organizer_did_not_give(content: Content, language: str) -> None:
    made_up = {
        entry.id: numbers(PLACEHOLDER.sub(" ", entry.answer.of(language))) - KNOWN_NUMBERS
        for entry in content.faq.values()
    }
    assert {entry_id: found for entry_id, found in made_up.items() if found} == {}


def test_answers_keep_to_their_language(content: Content) -> None:
    assert [entry.id for entry in content.faq.values() if CHINESE.search(entry.answer.en)] == []
    assert [entry.id for entry in content.faq.values() if not CHINESE.search(entry.answer.zh)] == []


def test_answers_leave_no_placeholder_open(content: Content, filled: dict[str, dict[str, str]]) -> None:
    for entry in content.faq.values():
        for language in LANGUAGES:
            assert "{" not in fill(entry.answer.of(language), filled[language]), entry.id


def test_a_published_venue_is_in_the_answers_about_the_way(content: Content) -> None:
    words = Words(zh="某某大厦", en="Some Tower")
    venue = Venue(words, Words(zh="某某路", en="Some Road"), 22.5, 114.1, Words(zh="坐地铁", en="by metro"))
    for language, name, way in (("zh", "某某大厦", "坐地铁"), ("en", "Some Tower", "by metro")):
        values = facts(content.event, content.texts, venue, language)
        assert name in fill(content.faq["where"].answer.of(language), values)
        assert name in fill(content.faq["transport"].answer.of(language), values)
        assert way in fill(content.faq["transport"].answer.of(language), values)


# The event


def test_the_event_is_the_one_that_the_organizer_announced(content: Content) -> None:
    event = content.event
    assert (event.date, event.starts, event.ends) == (date(2019, 10, 22), time(9, 30), time(16, 0))
    assert (event.timezone, event.city.en, event.cost.en, event.language.en) == (
        "Asia/Shanghai",
        "Shenzhen",
        "free",
        "Chinese",
    )
    assert event.opens is None
    assert event.closes == event.start
    assert (event.capacity, event.auto_confirm, event.retention_days) == (0, False, 90)


def test_what_is_not_known_is_left_empty(content: Content) -> None:
    assert (content.event.contact.email, content.event.contact.phone, content.event.links.booklet) == ("", "", "")
    for item in content.agenda.items:
        assert (item.speaker, item.room, item.starts, item.ends) == (None, None, None, None)


@pytest.mark.parametrize(
    ("language", "says"),
    [
        (
            "zh",
            [
                "IETP",
                "用途",
                "手机",
                "邮箱",
                "用户ID",
                "90天",
                "取消关注",
                "HMAC",
                "Telegram",
                "我的数据",
                "删除我的信息",
            ],
        ),
        ("en", ["IETP", "What for", "phone", "e-mail", "user id", "90 days", "unfollow", "keyed hash", "Telegram"]),
    ],
)
def test_the_privacy_notice_says_all_and_fits_one_message(
    content: Content, filled: dict[str, dict[str, str]], language: str, says: list[str]
) -> None:
    notice = fill(content.event.privacy.notice.of(language), filled[language])
    assert [part for part in says if part not in notice] == []
    assert len(notice.encode()) <= 1700


# The form


def test_the_form_asks_in_the_agreed_order(content: Content) -> None:
    asked = [(question.id, question.kind) for question in content.form.questions]
    assert asked == [
        ("consent", "consent"),
        ("category", "choice"),
        ("programme", "choice"),
        ("organization", "text"),
        ("name", "text"),
        ("title", "text"),
        ("phone", "phone"),
        ("email", "email"),
    ]
    assert [question.id for question in content.form.questions if question.optional] == ["title"]
    assert {question.id for question in content.form.questions if question.shared} == {
        "category",
        "programme",
        "organization",
    }


def test_the_form_offers_the_agreed_choices(content: Content) -> None:
    by_id = {question.id: question for question in content.form.questions}
    assert [(choice.id, choice.label.zh) for choice in by_id["category"].choices] == [
        ("toy_association", "玩具协会"),
        ("brand", "品牌商"),
        ("retailer", "零售商"),
        ("factory", "工厂代表"),
    ]
    assert [choice.label.en for choice in by_id["category"].choices] == [
        "Toy association",
        "Brand",
        "Retailer",
        "Factory",
    ]
    assert [choice.id for choice in by_id["programme"].choices] == ["in_programme", "new"]
    assert set(by_id["programme"].when["category"]) == {"brand", "factory"}


def test_no_word_means_two_choices(content: Content) -> None:
    for question in content.form.questions:
        meant = [
            word
            for choice in question.choices
            for word in {plain(said) for said in (*choice.words, choice.label.zh, choice.label.en, choice.id)}
        ]
        assert sorted({word for word in meant if meant.count(word) > 1}) == [], question.id


def test_a_bare_ok_or_number_never_agrees(content: Content) -> None:
    for question in content.form.questions:
        for choice in question.choices:
            assert not {plain(word) for word in choice.words} & {"ok", "okay", "好", "好的", "嗯", "行", "可以"}
            assert not any(plain(word).isdigit() for word in choice.words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_with_its_choices_fits_one_reply(
    content: Content, filled: dict[str, dict[str, str]], language: str
) -> None:
    for question in content.form.questions:
        shown = prompt_and_choices(question, language, filled[language])
        assert len(shown.encode()) < 600, question.id
        assert not re.search(r"\d/\d", shown), question.id
        assert "{" not in shown, question.id


def test_every_question_says_what_is_accepted(content: Content) -> None:
    assert [question.id for question in content.form.questions if question.help is None] == []


# Agenda and reminders


def test_the_agenda_has_its_six_items_and_each_answer_names_its_own(
    content: Content, filled: dict[str, dict[str, str]]
) -> None:
    assert len(content.agenda.items) == 6
    for number, item in enumerate(content.agenda.items, start=1):
        for language in LANGUAGES:
            line = f"{number}. {item.title.of(language)}"
            for entry in ("agenda", f"agenda_{number}"):
                assert line not in content.faq[entry].answer.of(language)  # it stands in agenda.toml alone
                assert f"{line}\n" in fill(content.faq[entry].answer.of(language), filled[language])


def test_the_agreed_reminders_are_there(content: Content) -> None:
    assert [(reminder.id, reminder.when, reminder.audience) for reminder in content.reminders.reminders] == [
        ("two-weeks", "-14d 10:00", "status=confirmed"),
        ("one-week", "-7d 10:00", "status=confirmed"),
        ("day-before", "-1d 10:00", "status=confirmed"),
        ("morning", "0d 07:30", "status=confirmed"),
        ("finish-form", "draft 24h", "draft=stale"),
        ("thank-you", "0d 17:00", "checked_in=yes"),
    ]


def test_reminders_have_short_forms_that_need_no_filling(content: Content) -> None:
    for reminder in content.reminders.reminders:
        assert reminder.short is not None, reminder.id
        for language in LANGUAGES:
            assert len(reminder.short.of(language)) <= 20
            assert "{" not in reminder.short.of(language)


def test_an_unfinished_form_is_reminded_without_a_name_or_number(content: Content) -> None:
    [finish] = [reminder for reminder in content.reminders.reminders if reminder.id == "finish-form"]
    for language in LANGUAGES:
        assert not {"name", "reference"} & set(PLACEHOLDER.findall(finish.text.of(language)))


def test_reminders_take_their_facts_from_the_event(content: Content) -> None:
    for reminder in content.reminders.reminders:
        for language in LANGUAGES:
            assert numbers(PLACEHOLDER.sub(" ", reminder.text.of(language))) == set(), reminder.id
