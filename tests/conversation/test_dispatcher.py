"""One message, one effect, the same reply to every copy; what happens when a handler or the database fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text, update
from sqlmodel import Session, col

import handlers
from bot.answers.matcher import Match
from bot.content.records import Content
from bot.errors import TryLater, Unavailable
from bot.message import Kind, Message, Opened
from bot.store import tables
from bot.store.database import Database
from tests.chat import FORM, Chat, Town
from tests.edits import sentence
from tests.stored import contact, registered, rows, waiting

FAULT = "不好意思，我这边出了点问题，您刚才发的没有处理成功，请再发一次。"


def message(town: Town, text: str, **what: Any) -> Message:
    """A message that was not sent yet."""
    chat = town.chat()
    return Message(id=f"m{next(town.ids)}", sender=chat.address, sent_at=town.clock.now(), text=text, **what)


def restarted(town: Town) -> Town:
    """Another process on the same database."""
    again = Town(town.database, town.content, town.clock)
    again.ids = town.ids
    return again


# Copies


async def test_one_message_delivered_many_times_at_once_has_one_effect_and_one_reply(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM)
    confirm = message(town, "确认")
    replies = await asyncio.gather(*(town.dispatcher.receive(confirm) for _ in range(20)))
    assert replies[0] is not None
    assert replies[0].text.startswith("报名已提交")
    assert replies == [replies[0]] * 20
    assert len(registered(town.database)) == 1


async def test_copies_in_two_processes_at_once_have_one_effect_and_one_reply(town: Town) -> None:
    await town.chat().says("报名", *FORM)
    confirm, other = message(town, "确认"), restarted(town)
    receive = [place.dispatcher.receive(confirm) for place in (town, other) * 5]
    replies = await asyncio.gather(*receive)
    assert replies == [replies[0]] * 10
    assert len(registered(town.database)) == 1


@pytest.mark.parametrize(
    "said", ["报名", "4", "能带狗吗", "要收费吗", "我的报名", "退出", "EN", "退订", "取消报名", "修改"]
)
async def test_a_copy_that_comes_later_gets_the_same_reply_and_changes_nothing(town: Town, said: str) -> None:
    chat = town.chat()
    await chat.says("报名", "同意")
    once = message(town, said)
    first = await chat.repeats(once)
    await chat.says("议程")
    before = (waiting(town.database), rows(town.database, tables.Conversation), contact(town.database, "u1"))
    town.clock.wind(timedelta(hours=1))
    assert await chat.repeats(once) == first
    assert await Chat(restarted(town), chat.address).repeats(once) == first
    after = (waiting(town.database), rows(town.database, tables.Conversation), contact(town.database, "u1"))
    assert after == before


async def test_a_copy_of_something_that_got_no_reply_gets_none(town: Town) -> None:
    chat = town.chat()
    await chat.does(Kind.BLOCK)
    await chat.says("你好")
    await chat.repeats(chat.sent[0])
    assert chat.reply is None
    assert contact(town.database, "u1").blocked_at is None


async def test_copies_are_told_apart_by_their_key_alone(town: Town) -> None:
    chat = town.chat()
    await chat.says("能带狗吗", "能带狗吗")
    assert len(waiting(town.database)) == 2


async def test_each_message_and_its_copy_is_counted(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM, "确认", "要收费吗")
    await chat.repeats(chat.sent[-1])
    assert [outcome for _, outcome in town.measured][-3:] == ["registered", "answer", "repeat"]


# A handler that fails


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Breaks what stands behind a word, after it has written something."""

    def break_it(word: str) -> None:
        def handler(turn: Any) -> None:
            turn.state.draft = None
            turn.session.add(tables.Asked(contact_id=turn.person.id, asked_at=turn.now, text="half done"))
            turn.session.flush()
            raise RuntimeError(f"about {turn.text} of {turn.message.sender}")

        monkeypatch.setitem(handlers.router.words, word, handler)

    return break_it


async def test_a_handler_that_fails_says_so_politely_and_keeps_everything_as_it_was(
    town: Town, content: Content, broken: Callable[[str], None]
) -> None:
    chat, english = town.chat(), town.chat("u2", language="en")
    await chat.says("报名", *FORM[:4])
    broken("帮助")
    assert (await chat.says("帮助")).startswith(FAULT)
    assert await english.says("帮助") == sentence(content, "fault", "en")
    assert waiting(town.database) == []
    assert (await chat.says("王芳")).startswith("5/8 ")
    assert town.measured[-3:] == [("memory", "fault"), ("memory", "fault"), ("memory", "fill_in")]


async def test_after_a_fault_what_was_offered_can_still_be_tapped(town: Town, broken: Callable[[str], None]) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM)
    review = chat.reply
    broken("帮助")
    await chat.says("帮助")
    chat.reply = review
    assert (await chat.taps("确认")).startswith("报名已提交")


async def test_a_fault_is_one_effect_and_its_copies_get_the_same_sentence(
    town: Town, broken: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = town.chat()
    with monkeypatch.context() as patch:
        patch.setitem(handlers.router.words, "帮助", lambda turn: 1 / 0)
        first = await chat.says("帮助")
    assert first.startswith(FAULT)
    assert await chat.repeats(chat.sent[-1]) == first
    assert (await chat.says("帮助")).startswith("直接打字问我")


async def test_a_fault_is_logged_with_its_place_and_without_a_word_of_the_person(
    town: Town, broken: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    broken("王芳")
    await town.chat("u-of-wang").says("王芳")
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.fault == "RuntimeError"  # logging's `extra`, which no type knows
    assert "test_dispatcher.py" in record.at  # the same
    assert record.exc_info is None
    assert not any(piece in str(vars(record)) for piece in ("王芳", "u-of-wang", "about"))


# A database that is away


async def test_while_the_database_is_away_nothing_is_answered_and_nothing_kept(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM)
    confirm = message(town, "确认")
    with monkeypatch.context() as patch:
        patch.setattr(Database, "transact", _away)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await chat.repeats(confirm)
    assert town.measured[-1] == ("memory", "unavailable")
    assert registered(town.database) == []
    assert (await chat.repeats(confirm)).startswith("报名已提交")
    assert len(registered(town.database)) == 1


async def _away(*_: object) -> None:
    raise Unavailable("the database did not answer")


async def test_a_database_that_another_process_holds_is_unavailable_and_the_copy_is_answered(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real lock: on the whole file of SQLite, on the person's row in PostgreSQL."""
    chat = town.chat()
    await chat.says("报名", *FORM)
    confirm = message(town, "确认")
    other = Database(town.database.url.render_as_string(hide_password=False))
    with other.engine.begin() as holder, monkeypatch.context() as patch:
        holder.execute(text("UPDATE contact SET seen_at = seen_at"))
        _shorten_patience(town.database, patch)
        with pytest.raises(Unavailable):
            await chat.repeats(confirm)
    other.close()
    assert (await chat.repeats(confirm)).startswith("报名已提交")
    assert len(registered(town.database)) == 1


def _shorten_patience(database: Database, patch: pytest.MonkeyPatch) -> None:
    if database.sqlite:
        patch.setattr("bot.store.database.LOCK_SECONDS", 0.05)  # which each transaction looks up
        return
    transact = Database.transact_now

    def impatient(self: Database, work: Any) -> Any:
        def hurried(connection: Connection) -> Any:
            connection.execute(text("SET LOCAL lock_timeout = '50ms'"))  # for this transaction alone
            return work(connection)

        return transact(self, hurried)

    patch.setattr(Database, "transact_now", impatient)


async def test_who_hangs_up_before_the_commit_is_still_heard(town: Town) -> None:
    chat = town.chat()
    await chat.says("报名", *FORM)
    confirm = message(town, "确认")
    waiting_for_it = asyncio.create_task(town.dispatcher.receive(confirm))
    await asyncio.sleep(0)
    waiting_for_it.cancel()
    await town.dispatcher.drained()
    assert len(registered(town.database)) == 1
    assert (await chat.repeats(confirm)).startswith("报名已提交")


# Which copy sends the reply, where replies are sent by a call of ours


@pytest.fixture
def sending(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The same place on a channel that sends its replies."""
    monkeypatch.setattr(town.adapter, "sends_replies", True)
    return town


async def test_the_copy_that_wrote_the_reply_may_send_it_and_no_other(sending: Town) -> None:
    chat = sending.chat()
    await chat.says("你好")
    key = chat.sent[-1].id
    assert await sending.dispatcher.claim(key)
    with pytest.raises(TryLater):  # it is about to be sent, but nobody knows yet
        await sending.dispatcher.claim(key)
    with pytest.raises(TryLater):
        await restarted(sending).dispatcher.claim(key)
    await sending.dispatcher.sent(key)
    assert not await sending.dispatcher.claim(key)
    assert not await restarted(sending).dispatcher.claim(key)


async def test_a_reply_that_could_not_be_sent_is_sent_by_the_next_copy(sending: Town) -> None:
    chat = sending.chat()
    await chat.says("你好")
    key = chat.sent[-1].id
    assert await sending.dispatcher.claim(key)
    await sending.dispatcher.release(key)
    await chat.repeats(chat.sent[-1])
    assert await restarted(sending).dispatcher.claim(key)


async def test_a_claim_of_a_process_that_died_runs_out_on_the_real_clock(sending: Town) -> None:
    chat = sending.chat()
    await chat.says("你好")
    key, other = chat.sent[-1].id, restarted(sending).dispatcher
    sending.clock.wind(timedelta(days=1))  # winding the product's clock ends no lease
    with pytest.raises(TryLater):
        await other.claim(key)

    def long_ago(session: Session) -> None:
        claimed = sending.clock.real() - timedelta(seconds=31)
        session.execute(update(tables.Message).where(col(tables.Message.key) == key).values(claimed_at=claimed))

    sending.database.write_now(long_ago)
    assert await other.claim(key)
    with pytest.raises(TryLater):
        await other.claim(key)


async def test_nobody_sends_for_a_message_that_is_not_known(sending: Town) -> None:
    assert not await sending.dispatcher.claim("never seen")
    await sending.dispatcher.sent("never seen")
    await sending.dispatcher.release("never seen")


async def test_what_got_no_reply_leaves_nothing_to_send(sending: Town) -> None:
    chat = sending.chat()
    for _ in range(3):
        await chat.does(Kind.BLOCK)
        await chat.does(Kind.UNBLOCK)
    assert sending.dispatcher._fresh == set()


# Windows for sending later


async def test_a_message_opens_its_window_and_a_tap_never_shortens_it(town: Town) -> None:
    chat = town.chat()
    await chat.says("你好")
    first = contact(town.database, "u1")
    assert first.message_until is not None
    assert (first.message_left, first.tap_left, first.tap_until) == (5, 0, None)
    assert first.message_until - first.seen_at == timedelta(hours=48)
    town.clock.wind(timedelta(minutes=5))
    tap = Opened("tap", 3, timedelta(minutes=1))
    await chat.repeats(message(town, "议程", tapped="say", opened=tap))
    tapped = contact(town.database, "u1")
    assert (tapped.message_until, tapped.message_left, tapped.tap_left) == (first.message_until, 5, 3)
    assert tapped.tap_until is not None
    assert tapped.tap_until - tapped.seen_at == timedelta(minutes=1)
    await chat.says("议程")
    later = contact(town.database, "u1")
    assert (later.tap_until, later.tap_left) == (tapped.tap_until, 3)
    assert later.message_until is not None
    assert later.message_until > first.message_until


async def test_who_blocked_is_reached_again_as_soon_as_they_write(town: Town) -> None:
    chat = town.chat()
    await chat.does(Kind.BLOCK)
    assert contact(town.database, "u1").blocked_at is not None
    await chat.does(Kind.UNBLOCK)
    assert contact(town.database, "u1").blocked_at is None
    await chat.does(Kind.BLOCK)
    await chat.says("你好")
    assert contact(town.database, "u1").blocked_at is None


async def test_a_draft_is_known_by_when_it_was_last_touched_and_only_past_consent(town: Town) -> None:
    def touched() -> object:
        return rows(town.database, tables.Conversation)[0].draft_at

    chat = town.chat()
    await chat.says("报名")
    assert touched() is None
    await chat.says("同意")
    first = touched()
    assert first is not None
    town.clock.wind(timedelta(hours=2))
    await chat.says("4")
    assert touched() > first  # a time, which `object` hides
    await chat.says(*FORM[2:], "确认")
    assert touched() is None


# The matcher


async def test_who_asks_before_the_matcher_is_ready_waits_alone_and_is_answered(town: Town) -> None:
    ready = asyncio.Event()
    town.live = replace(town.live, ready=ready.wait)
    asking = asyncio.create_task(town.chat("early").says("要收费吗"))
    assert (await town.chat("other").says("报名")).startswith("好的，一共")
    assert not asking.done()
    ready.set()
    assert "免费" in await asking


async def test_a_matcher_that_fails_leaves_nobody_without_a_word(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: str) -> Match:
        raise ValueError("王芳")

    town.live = replace(town.live, match=fail)
    assert await town.chat().says("要收费吗")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        "the matcher failed"
    ]
    assert "王芳" not in caplog.text
