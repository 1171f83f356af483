"""What was answered is written into the content: whole or not at all, never over anything."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.commands.content import check
from bot.content.load import load
from bot.content.records import Content
from bot.questions import drafts
from bot.questions.drafts import CannotDraft, Draft, WrongId
from bot.settings import read
from tests.conftest import ROOT

ANSWER = {"zh": "凭票报销。", "en": "Keep the ticket."}
HOSTILE = ('"""+++', "]", '"], x = [', "\\", "\\u0041", "+++", "## zh", "''''", "{event.nothing}", "${HOME}", "a\tb")
ASKED = {"zh": ["车票能报销吗"], "en": ["is the fare paid back"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "content", tmp_path / "content")
    return tmp_path / "content"


def faults(folder: Path, draft: Draft) -> list[str]:
    return [str(fault) for fault in drafts.faults(folder, draft, lambda copy: check(read({}, env_file=None), copy))]


def test_a_new_entry_is_content_that_usher_takes(folder: Path, content: Content) -> None:
    draft = drafts.new(content, folder, "fare", ASKED, ANSWER)
    assert draft.after.decode() == (
        '+++\ntitle.zh = "车票能报销吗"\ntitle.en = "is the fare paid back"\nask.zh = [\n    "车票能报销吗",\n]\n'
        'ask.en = [\n    "is the fare paid back",\n]\n+++\n\n## zh\n\n凭票报销。\n\n## en\n\nKeep the ticket.\n'
    )
    assert faults(folder, draft) == []
    drafts.write(folder, draft)
    entry = load(folder).faq["fare"]
    assert (entry.answer.zh, entry.ask["en"]) == ("凭票报销。", ("is the fare paid back",))
    assert [path.name for path in (folder / "faq").iterdir() if path.name.startswith(".")] == []


def test_where_nobody_asked_in_a_language_the_answer_tells_what_it_is_about(folder: Path, content: Content) -> None:
    draft = drafts.new(content, folder, "fare", {"zh": ["{x}车票" + "很" * 40], "en": []}, ANSWER)
    assert faults(folder, draft) == []
    drafts.write(folder, draft)
    entry = load(folder).faq["fare"]
    assert entry.ask["en"] == ("Keep the ticket",)
    assert entry.title.en == "Keep the ticket"
    assert entry.title.zh == "x 车票" + "很" * 25 + "…"


def test_whatever_was_asked_stands_there_as_it_was_asked(folder: Path, content: Content) -> None:
    drafts.write(folder, drafts.new(content, folder, "fare", {"zh": HOSTILE, "en": ["# ask.en = []"]}, ANSWER))
    drafts.write(folder, drafts.more(folder, "fare", {"zh": [], "en": HOSTILE}))
    entry = load(folder).faq["fare"]
    assert entry.ask == {"zh": HOSTILE, "en": ("# ask.en = []", *HOSTILE)}
    assert (entry.answer.zh, entry.answer.en) == (ANSWER["zh"], ANSWER["en"])


@pytest.mark.parametrize("entry", ["when", "../event", "Fare", "_out_of_scope", "a/b", "9x", "x" * 42])
def test_an_id_that_is_taken_or_none_is_refused(folder: Path, content: Content, entry: str) -> None:
    with pytest.raises(WrongId, match="--id"):
        drafts.new(content, folder, entry, ASKED, ANSWER)


def test_the_next_free_id_is_found(folder: Path, content: Content) -> None:
    assert drafts.free_id(content, folder) == "answered_1"
    (folder / "faq" / "answered_1.md").write_text("anything")
    assert drafts.free_id(content, folder) == "answered_2"


def test_an_entry_gets_more_ways_to_ask_and_keeps_its_rights(folder: Path, content: Content) -> None:
    file = folder / "faq" / "when.md"
    file.chmod(0o640)
    before = file.read_text(encoding="utf-8")
    draft = drafts.more(folder, "when", {"zh": ["哪个钟头开"], "en": []})
    assert draft.lines() == ["faq/when.md:", '    ask.zh + "哪个钟头开"']
    assert faults(folder, draft) == []
    drafts.write(folder, draft)
    assert file.read_text(encoding="utf-8").replace('    "哪个钟头开",\n', "") == before
    assert file.stat().st_mode & 0o777 == 0o640
    assert load(folder).faq["when"].ask["zh"] == (*content.faq["when"].ask["zh"], "哪个钟头开")


@pytest.mark.parametrize("answer", ["## zh\n第二", "{event.when} 见", "坏\x07字"])
def test_an_answer_that_check_would_refuse_is_named(folder: Path, content: Content, answer: str) -> None:
    (fault, *_) = faults(folder, drafts.new(content, folder, "fare", ASKED, {**ANSWER, "zh": answer}))
    assert fault.startswith("faq/fare.md")
    assert not (folder / "faq" / "fare.md").exists()


def test_nothing_takes_the_place_of_a_file_that_came_or_changed_meanwhile(folder: Path, content: Content) -> None:
    new, more = drafts.new(content, folder, "fare", ASKED, ANSWER), drafts.more(folder, "when", {"zh": ["几时"]})
    (folder / "faq" / "fare.md").write_text("theirs")
    (folder / "faq" / "when.md").write_text("theirs")
    for draft in (new, more):
        with pytest.raises(CannotDraft, match="changed meanwhile"):
            drafts.write(folder, draft)
        assert (folder / draft.name).read_text() == "theirs"


def test_a_file_that_comes_at_the_last_moment_stays(
    folder: Path, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, file = drafts.new(content, folder, "fare", ASKED, ANSWER), folder / "faq" / "fare.md"
    swap = drafts._swap

    def late(*what: Any) -> None:
        file.write_text("theirs")
        swap(*what)

    monkeypatch.setattr(drafts, "_swap", late)
    with pytest.raises(FileExistsError):
        drafts.write(folder, draft)
    assert file.read_text() == "theirs"
    assert list((folder / "faq").glob(".*")) == []


def test_a_write_that_fails_leaves_what_there_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "faq" / "when.md").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(drafts.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        drafts.write(folder, drafts.more(folder, "when", {"zh": ["几时"]}))
    assert (folder / "faq" / "when.md").read_bytes() == before
    assert list((folder / "faq").glob(".*")) == []
