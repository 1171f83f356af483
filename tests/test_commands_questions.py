"""`usher questions`: what is listed, who is told what, and what is written into the content."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.adapters.base import Outgoing
from bot.commands import questions as commands
from bot.content.load import load
from bot.content.records import Content
from bot.delivery import due
from bot.delivery.routes import Accounts
from bot.questions import answering, groups
from bot.questions.answering import AlreadyAnswered
from bot.questions.nearness import LETTERS
from bot.registration.compose import Composer
from bot.registration.forget import forget_person
from bot.registration.shown import Shown
from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery, Kind, State, about_chat
from bot.store.tables import Asked
from tests.chat import Town
from tests.command import Ended, Here
from tests.conftest import NOW, ROOT
from tests.delivery.crowd import ALL, BOT, deliveries, registered, settle, telegram, wechat
from tests.emptied import database, kept_open
from tests.questions.questioned import ask
from tests.seven import ACCOUNTS, CLOSED, GONE, NO_WINDOW
from tests.stored import contact, rows

__all__ = ["database", "kept_open"]
FARE = ("--zh", "车票请自理，{event.date}见。", "--en", "Fares are on you, see you on {event.date}.")
Told = Callable[[str], list[Outgoing]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A content folder of the test's own."""
    shutil.copytree(ROOT / "content", tmp_path / "content")
    return tmp_path / "content"


@pytest.fixture
def settings(database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings under which a command finds people who asked: three about the fare, each in another place."""
    monkeypatch.setattr(commands, "meaning", lambda: LETTERS)
    chats = [
        *(wechat(1, NOW), telegram(2, NOW, language="en"), wechat(3, NOW, **NO_WINDOW)),
        *(telegram(4, NOW, blocked_at=NOW), wechat(5, NOW, **NO_WINDOW, stopped_at=NOW)),
    ]
    settle(database, chats, [registered(5, NOW, name="王芳", email="wang@example.com", organization="欢乐玩具厂")])
    ask(
        database,
        ("车票能报销吗", {"entry": "cost", "score": 0.41}),
        ("请问车票能报销吗", {"contact_id": 2, "entry": "transport", "score": 0.3}),
        ("火车票能报销吗", {"contact_id": 3, "entry": "cost", "score": 0.4}),
        ("车票能报销吗？？", {"contact_id": 1}),
        ("我是王芳，车票能报销吗", {"contact_id": 5}),
        ("车票能报销吗 13800138000", {"contact_id": 4}),
        ("is there a ping pong table", {"contact_id": 2, "language": "en"}),
        ("请给我回个电话", {"contact_id": 3, "outcome": "note"}),
        ("打车呢", {"contact_id": 1, "outcome": "tapped", "entry": "transport", "score": 0.5}),
    )
    url = database.url.render_as_string(hide_password=False)
    return {"DATABASE_URL": url, "CONTENT": str(folder), **ACCOUNTS}


@pytest.fixture
def told(database: Database, content: Content) -> Told:
    """What leaves by a lane now."""

    def leaving(lane: str) -> list[Outgoing]:
        compose = Composer(lambda: content, None, b"a secret of the tests", {}, "usher@example.org")

        def read(connection: Connection) -> list[Outgoing]:
            found = [due.read(row).due for row in due.following(connection, lane, NOW + timedelta(hours=1), 99)]
            return [compose(one, one.route, None, 0) for one in found]

        return database.transact_now(read)

    return leaving


def lines(ended: Ended) -> list[str]:
    """What a command printed that did what it should."""
    assert (ended.code, ended.err) == (0, "")
    return ended.out.splitlines()


def closed(database: Database) -> dict[int | None, str | None]:
    """Which questions are dealt with, and by what."""
    return {row.id: row.answer_id for row in rows(database, Asked) if row.closed_at}


# The list


def test_groups_are_listed_with_what_one_needs_to_answer_them(here: Here, settings: dict[str, str]) -> None:
    listed = json.loads(here("questions", "--json", **settings).out)
    assert listed[0] == {
        "id": "Q1",
        "kind": "question",
        "count": 6,
        "people": 5,
        "oldest": "2019-10-08T09:01:00+08:00",
        "newest": "2019-10-08T09:06:00+08:00",
        "languages": {"zh": 6},
        "nearest": "cost",
        "score": 0.41,
        "examples": [
            *(
                "车票能报销吗",
                "请问车票能报销吗",
                "火车票能报销吗",
                "我是王芳，车票能报销吗",
                "车票能报销吗 13800138000",
            ),
        ],
    }
    others = [(row["id"], row["kind"], row["count"], row["nearest"], row["examples"]) for row in listed[1:]]
    assert others == [
        ("Q8", "note", 1, None, ["请给我回个电话"]),
        ("Q7", "question", 1, None, ["is there a ping pong table"]),
        (None, "tapped", 1, "transport", ["打车呢"]),
    ]


def test_the_same_is_said_in_words(here: Here, settings: dict[str, str]) -> None:
    said = lines(here("questions", **settings))
    assert said[0] == "Q1: 6 asked by 5, newest 2019-10-08T09:06, zh, nearest cost 0.41"
    assert said[1] == "    车票能报销吗"
    assert "Q8: a note by 1, newest 2019-10-08T09:08, zh" in said
    assert "people tapped transport: 1 after asking, newest 2019-10-08T09:09" in said


def test_nothing_waits(here: Here, settings: dict[str, str], database: Database) -> None:
    database.transact_now(lambda connection: connection.execute(Asked.__table__.delete()))  # type: ignore[attr-defined]
    assert lines(here("questions", **settings)) == ["nothing is waiting"]
    assert lines(here("questions", "--json", **settings)) == ["[]"]


def test_what_people_wrote_does_not_play_with_the_terminal(
    here: Here, settings: dict[str, str], database: Database
) -> None:
    database.transact_now(lambda connection: connection.execute(Asked.__table__.delete()))  # type: ignore[attr-defined]
    ask(database, "\x1b[2J清\n屏\u202e" + "长" * 1000)
    (head, text) = lines(here("questions", **settings))
    assert text == f"    [2J清 屏 {'长' * 193}"
    assert head.startswith("Q1: 1 asked")


# The answer


def test_everybody_who_asked_is_told_once_in_their_language_and_reminded_of_it(
    here: Here, settings: dict[str, str], database: Database, told: Told
) -> None:
    said = lines(here("questions", "answer", "Q1", *FARE, **settings))
    name = said[0].removeprefix("answered as ")
    assert said[1:7] == [
        "5 people asked 6 times",
        "now by wechat_message: 1",
        "now by telegram: 1",
        "now by email: 1",
        f"not now, waiting (shown when they next write): 1, {CLOSED}",
        f"not now, unreachable: 1, {GONE}",
    ]
    assert {row.person: (row.route, row.status) for row in deliveries(database, name)} == {
        "c1": ("wechat_message", "queued"),
        "c2": ("telegram", "queued"),
        "c3": (None, "waiting"),
        "c4": (None, "unreachable"),
        "r5": ("email", "queued"),  # though they want no reminders
    }
    assert closed(database) == dict.fromkeys(range(1, 7), name)
    (english,) = told(f"telegram:{BOT}")
    assert english.reply.text == (
        'You asked: "请问车票能报销吗"\nThe organizer replies:\nFares are on you, see you on Tuesday 22 October 2019.'
    )
    (mail,) = told("email")
    assert mail.mail is not None
    assert "您问过：「我是王芳，车票能报销吗」" in mail.mail.text
    assert "车票请自理，2019年10月22日（周二）见。" in mail.mail.text


def test_an_entry_answers_with_what_is_known_when_it_leaves(
    here: Here, settings: dict[str, str], database: Database, told: Told, folder: Path
) -> None:
    before = (folder / "faq" / "cost.md").read_text(encoding="utf-8")
    said = lines(here("questions", "answer", "Q1", "--entry", "cost", **settings))
    (announcement,) = rows(database, Announcement)
    assert announcement.texts["zh"]["text"] == load(folder).faq["cost"].answer.zh
    (english,) = told(f"telegram:{BOT}")
    assert "{" not in english.reply.text
    added = [json.loads(line.split(" + ")[1]) for line in said if " + " in line]
    assert "火车票能报销吗" in added
    assert not any("王芳" in text or "138" in text for text in added)
    after = (folder / "faq" / "cost.md").read_text(encoding="utf-8")
    assert [line for line in after.split("\n") if line.strip(' ,"') not in added] == before.split("\n")
    assert here("check", "--content", str(folder), **settings).out == "the content is sound\n"


def test_a_text_becomes_an_entry_of_its_own(here: Here, settings: dict[str, str], folder: Path) -> None:
    said = lines(here("questions", "answer", "Q1", *FARE, **settings))
    assert "written into the content:" in said
    entry = load(folder).faq["answered_1"]
    assert entry.ask["zh"] == ("车票能报销吗", "请问车票能报销吗", "火车票能报销吗")
    assert (entry.title.zh, entry.answer.zh) == ("车票能报销吗", "车票请自理，{event.date}见。")
    lines(here("questions", "answer", "Q7", "--zh", "没有。", "--en", "No.", "--id", "shuttle", **settings))
    assert load(folder).faq["shuttle"].title.en == "is there a ping pong table"
    assert here("check", "--content", str(folder), **settings).out == "the content is sound\n"


def test_a_dry_run_shows_both_and_does_neither(
    here: Here, settings: dict[str, str], database: Database, folder: Path
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    said = lines(here("questions", "answer", "Q1", *FARE, "--dry-run", **settings))
    assert said[:2] == ["5 people asked 6 times", "now by wechat_message: 1"]
    assert "faq/answered_1.md, new:" in said
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    assert (closed(database), deliveries(database)) == ({}, [])


def test_an_answered_group_is_not_answered_again(here: Here, settings: dict[str, str], database: Database) -> None:
    lines(here("questions", "answer", "Q1", *FARE, **settings))
    again = here("questions", "answer", "q1", *FARE, **settings)
    assert (again.code, again.out) == (1, "")
    assert again.err.startswith("usher: q1: was answered already by A-")
    assert len(deliveries(database)) == 5
    assert [row["id"] for row in json.loads(here("questions", "--json", **settings).out)] == ["Q8", "Q7", None]


def test_a_note_is_answered_too_and_stays_out_of_the_content(
    here: Here, settings: dict[str, str], database: Database, folder: Path
) -> None:
    held = {"id": "N-1", "kind": Kind.NOTE, "audience": about_chat(3), "due_at": NOW, "created_at": NOW}
    database.write_now(lambda session: session.add(Announcement(**held, state=State.PLANNED)))
    said = lines(here("questions", "answer", "Q8", *FARE, **settings))
    assert said[-1] == "nothing is added to the content: a note to the organizers is nobody else's question"
    assert list(closed(database)) == [8]
    assert next(row.state for row in rows(database, Announcement) if row.id == "N-1") == State.STOPPED
    assert not (folder / "faq" / "answered_1.md").exists()


WRONG: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no answer": (("Q1",), 2, "expected --entry ID, or both --zh TEXT and --en TEXT"),
    "half an answer": (("Q1", "--zh", "好"), 2, "expected --entry ID, or both --zh TEXT and --en TEXT"),
    "two answers": (("Q1", "--entry", "cost", *FARE), 2, "expected --entry ID, or both"),
    "an id for an entry": (("Q1", "--entry", "cost", "--id", "x"), 2, "expected --id only with --zh and --en"),
    "no such group": (("Q99", *FARE), 1, "usher: Q99: no such group; expected one that `usher questions` lists"),
    "no group at all": (("12; DROP", *FARE), 1, "usher: 12; DROP: expected a group such as Q12"),
    "inside a group": (("Q3", *FARE), 1, "usher: Q3: is in the group Q1 now"),
    "no such entry": (("Q1", "--entry", "fare"), 1, "usher: --entry fare: no such entry; expected one of agenda"),
    "an id that is taken": (("Q1", *FARE, "--id", "when"), 1, "usher: --id when: there is such an entry already"),
    "an id that is a path": (("Q1", *FARE, "--id", "../when"), 1, "usher: --id ../when: expected small letters"),
    "a name in it": (("Q1", "--zh", "{name}好", "--en", "hi"), 1, "usher: {name} is not known here; expected one of"),
    "a stray brace": (("Q1", "--zh", "{好", "--en", "hi"), 1, "usher: answer: zh: { belongs to no placeholder"),
    "too long": (("Q1", "--zh", "长" * 600, "--en", "hi"), 1, "usher: answer: zh: "),
    "a section": (
        ("Q1", "--zh", "好\n## en\nx", "--en", "hi"),
        1,
        "usher: the answer cannot stand in the content: faq/",
    ),
}


@pytest.mark.parametrize(("words", "code", "line"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_before_anybody_is_told(
    here: Here,
    settings: dict[str, str],
    database: Database,
    folder: Path,
    words: tuple[str, ...],
    code: int,
    line: str,
) -> None:
    before = sorted(folder.rglob("*"))
    ended = here("questions", "answer", *words, **settings)
    assert (ended.code, ended.out) == (code, "")
    assert line in ended.err
    assert code == 2 or ended.err.count("\n") == 1
    assert (closed(database), deliveries(database), sorted(folder.rglob("*"))) == ({}, [], before)


def test_a_folder_that_cannot_be_written_keeps_nobody_from_the_answer(
    here: Here, settings: dict[str, str], database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(**_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("bot.questions.drafts.tempfile.mkstemp", read_only)
    said = lines(here("questions", "answer", "Q1", "--entry", "cost", **settings))
    assert "the content could not be written (Read-only file system); please add:" in said
    assert '    ask.zh + "火车票能报销吗"' in said
    assert len(closed(database)) == 6
    assert load(folder).version == load(ROOT / "content").version


# Who is quicker, who is gone


def _group(connection: Connection) -> groups.Group:
    return answering.find(connection, groups.open_groups(connection, LETTERS), "Q1")


def test_of_two_organizers_at_once_one_answers(settings: dict[str, str], database: Database) -> None:
    texts = {"zh": {"text": "好"}, "en": {"text": "yes"}}
    group = database.read_now(lambda session: _group(session.connection()))

    def reply(_: int) -> str:
        try:
            work = lambda found: answering.answer(found, group.questions, texts, ALL, NOW, "command")  # noqa: E731
            return database.transact_now(work)[0]
        except AlreadyAnswered:
            return ""

    with ThreadPoolExecutor(4) as pool:
        names = list(filter(None, pool.map(reply, range(4))))
    assert len(names) == 1
    assert len(deliveries(database)) == 5


def test_without_asking_what_is_still_open_two_would_answer(
    settings: dict[str, str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control arm: the list that both had read is all they know."""
    texts = {"zh": {"text": "好"}, "en": {"text": "yes"}}
    group = database.read_now(lambda session: _group(session.connection()))
    reopened = Asked.__table__.update().values(closed_at=None)  # type: ignore[attr-defined]
    for _ in range(2):
        database.transact_now(lambda found: answering.answer(found, group.questions, texts, ALL, NOW, "command"))
        database.transact_now(lambda found: found.execute(reopened))
    assert len(deliveries(database)) == 10


def test_who_was_erased_meanwhile_is_not_told(settings: dict[str, str], database: Database) -> None:
    group = database.read_now(lambda session: _group(session.connection()))
    database.write_now(lambda session: forget_person(session, 2, "chat", NOW))
    texts = {"zh": {"text": "好"}, "en": {"text": "yes"}}
    database.transact_now(lambda found: answering.answer(found, group.questions, texts, ALL, NOW, "command"))
    assert [row.person for row in deliveries(database)] == ["c1", "c3", "c4", "r5"]


def test_a_large_group_is_told_some_hundred_people_at_a_time(
    here: Here, settings: dict[str, str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "PEOPLE", 2)
    said = lines(here("questions", "answer", "Q1", *FARE, **settings))
    names = said[0].removeprefix("answered as ").split()
    assert len(set(names)) == 3
    assert sorted(row.person for row in deliveries(database)) == ["c1", "c2", "c3", "c4", "r5"]
    assert said[1] == "5 people asked 6 times"
    assert len(closed(database)) == 6


def test_erasing_a_person_takes_questions_and_answers_along(settings: dict[str, str], database: Database) -> None:
    group = database.read_now(lambda session: _group(session.connection()))
    texts = {"zh": {"text": "好"}, "en": {"text": "yes"}}
    database.transact_now(lambda found: answering.answer(found, group.questions, texts, ALL, NOW, "command"))
    for number in range(1, 6):
        database.write_now(lambda session, number=number: forget_person(session, number, "chat", NOW))  # type: ignore[misc]
    assert (rows(database, Asked), rows(database, Delivery), rows(database, Announcement)) == ([], [], [])


# Waiting


async def test_who_could_not_be_reached_reads_the_answer_when_they_next_write(
    database: Database, content: Content, town: Town
) -> None:
    accounts = Accounts(wechat="wechat", wechat_verified=False)
    composer = Composer(lambda: content, None, b"a secret of the tests", {})
    town = Town(database, content, town.clock, channel="wechat", waiting=Shown(composer.of), accounts=accounts)
    chat = town.chat("u1")
    await chat.says("你好")
    ask(database, ("车票能报销吗", {"contact_id": contact(database, "u1").id}))
    texts = {"zh": {"text": "不能报销。"}, "en": {"text": "no"}}
    group = database.read_now(lambda session: _group(session.connection()))
    _, fates = database.transact_now(
        lambda found: answering.answer(found, group.questions, texts, accounts, NOW, "command")
    )
    assert [fate[0] for fate in fates if isinstance(fate, tuple)] == ["waiting"]
    assert (await chat.says("谢谢")).startswith("您问过：「车票能报销吗」\n主办方答复您：\n不能报销。\n——\n")
    assert [row.status for row in deliveries(database)] == ["sent"]
    assert "不能报销" not in await chat.says("谢谢")
