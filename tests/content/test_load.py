"""A sound content folder is read, whatever editors leave in it; its version changes with any file."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from bot.content.load import load
from bot.content.sentences import SENTENCES
from tests.content.sound import ENTRY, FILES


def test_a_sound_folder_is_read(folder: Path) -> None:
    content = load(folder)
    assert (content.event.date, content.event.city.en) == (date(2019, 10, 22), "Shenzhen")
    assert content.event.start.utcoffset() == timedelta(hours=8)
    assert content.event.closes == content.event.start
    assert content.event.opens is not None
    assert content.event.opens.isoformat() == "2019-09-20T09:00:00+08:00"
    assert [question.id for question in content.form.questions] == ["consent", "category", "organization"]
    assert [reminder.id for reminder in content.reminders.reminders] == ["one-week", "finish-form"]
    assert content.faq["city"].ask == {"zh": ("在哪个城市", "哪个市"), "en": ("Which city?", "what town")}
    assert content.faq["city"].answer.zh == "在{event.city}。"
    assert content.out_of_scope == {"zh": ("讲个笑话",), "en": ("Tell me a joke",)}
    assert set(content.texts) == set(SENTENCES)


def test_windows_line_ends_and_a_byte_order_mark_are_no_fault(folder: Path) -> None:
    sound = load(folder)
    for name, text in FILES.items():
        (folder / name).write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    again = load(folder)
    assert (again.faq, again.form, again.event) == (sound.faq, sound.form, sound.event)


def test_files_that_editors_leave_beside_an_entry_are_passed_over(folder: Path) -> None:
    (folder / "faq/._city.md").write_bytes(b"\0\5\x16\7")
    (folder / "faq/.#city.md").symlink_to("nowhere")
    (folder / "faq/city.md~").write_bytes(b"an older one")
    assert set(load(folder).faq) == {"city"}


def test_an_entry_without_a_title_takes_the_first_way_to_ask(folder: Path) -> None:
    (folder / "faq/city.md").write_bytes(ENTRY.replace('title.zh = "会议城市"\ntitle.en = "The city"\n', "").encode())
    title = load(folder).faq["city"].title
    assert (title.zh, title.en) == ("在哪个城市", "Which city?")


def test_without_examples_of_what_is_not_ours_there_are_none(folder: Path) -> None:
    (folder / "faq/_out_of_scope.md").unlink()
    assert load(folder).out_of_scope == {}


def test_the_version_changes_with_any_file_and_only_then(folder: Path) -> None:
    versions = {load(folder).version, load(folder).version}
    for name, text in FILES.items():
        comment = text.replace("+++\n", "+++\n# a word\n", 1) if name.endswith(".md") else f"# a word\n{text}"
        (folder / name).write_bytes(comment.encode())
        versions.add(load(folder).version)
    assert len(versions) == 1 + len(FILES)
