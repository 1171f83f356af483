"""What could not be sent waits, and is shown first when its person next writes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.adapters.base import Outgoing
from bot.adapters.wechat.text import fit as wechat_fit
from bot.clock import Clock
from bot.content.facts import Venue
from bot.content.records import Content
from bot.content.words import Words
from bot.delivery.announcements import announce, pause, stop
from bot.delivery.people import Due
from bot.delivery.queueing import fill_up, queue_slice
from bot.delivery.reminders import tick
from bot.delivery.routes import Accounts
from bot.delivery.templates import IN_SHORT, template_ended
from bot.errors import Refused
from bot.message import Kind
from bot.registration.compose import Composer
from bot.registration.decide import Desk, confirm, decline
from bot.registration.shown import Shown
from bot.store import outbox
from bot.store.database import Database
from bot.store.outbox import Delivery
from tests.chat import FORM, Chat, Town
from tests.edits import with_event
from tests.stored import registered, rows
from tests.stored import statements as recorded

ACCOUNTS = Accounts(wechat="wechat", wechat_verified=False)  # it may answer, and nothing else
APART = "\n——\n"
HELLO = "明天见，请带手机。"


@pytest.fixture
def town(database: Database, content: Content, clock: Clock) -> Town:
    """People on a WeChat account that may only answer."""
    composer = Composer(lambda: content, "https://usher.example.org", b"a secret of the tests", {})
    return Town(database, content, clock, "wechat", Shown(composer.of), ACCOUNTS)


def broadcast(town: Town, name: str = "B-1", text: str = HELLO, audience: str = "", **more: Any) -> None:
    """Announces to everybody, and writes the deliveries."""
    texts, now = {"zh": {"text": text}, "en": {"text": f"{text} (en)"}}, town.clock.now()

    def write(connection: Any) -> None:
        common = {"connection": connection, "accounts": town.accounts, "now": now}
        announce(id=name, kind=outbox.Kind.BROADCAST, texts=texts, audience=audience, **common, **more)
        queue_slice(announcement_id=name, **common)

    town.database.transact_now(write)


def decided(town: Town, decide: Callable[..., Any]) -> None:
    """An organizer decides about everybody."""
    desk = Desk(town.content.event, town.accounts, town.clock.now(), "command")
    references = [row.reference for row in registered(town.database)]
    town.database.transact_now(lambda connection: decide(connection, references, desk))


def chats(town: Town) -> list[Delivery]:
    """What goes into a chat, the oldest first."""
    return sorted((row for row in rows(town.database, Delivery) if row.way == "chat"), key=lambda row: row.id or 0)


def statuses(town: Town) -> list[str]:
    return [row.status for row in chats(town)]


async def registered_one(town: Town, user_id: str = "u1") -> Chat:
    chat = town.chat(user_id)
    await chat.registers()
    return chat


async def test_what_waits_is_shown_before_the_answer_and_once(town: Town, content: Content) -> None:
    chat = await registered_one(town)
    broadcast(town)
    assert statuses(town) == ["waiting"]
    town.clock.wind(timedelta(hours=5))
    said = await chat.says("要收费吗")
    assert said.startswith(f"{HELLO}{APART}参会费用：免费。")
    (row,) = chats(town)
    assert (row.status, row.route, row.attempts, row.error) == ("sent", "wechat_reply", 1, "")
    assert row.sent_at is not None
    assert town.clock.now() - row.sent_at < timedelta(minutes=1)
    assert (await chat.says("要收费吗")).startswith("参会费用：免费。")


async def test_a_copy_of_the_message_gets_the_same_words_and_takes_nothing_more(town: Town) -> None:
    chat = await registered_one(town)
    broadcast(town)
    said = await chat.says("议程")
    before = chats(town)[0].model_dump()
    broadcast(town, "B-2", "另一条")
    assert await chat.repeats(chat.sent[-1]) == said
    assert chats(town)[0].model_dump() == before
    assert statuses(town) == ["sent", "waiting"]


def several(town: Town, count: int, letters: int) -> list[str]:
    """Announces so many, each so long, an hour apart; their texts."""
    texts = [(f"第{number}条。" * letters)[:letters] for number in range(count)]
    for number, text in enumerate(texts):
        broadcast(town, f"B-{number}", text)
        town.clock.wind(timedelta(hours=1))
    return texts


async def test_only_what_is_shown_whole_beside_the_answer_is_sent(town: Town) -> None:
    chat = await registered_one(town)
    first, second, third = several(town, 3, 200)
    said = await chat.says("要收费吗")
    assert said.startswith(f"{first}{APART}{second}{APART}参会费用：免费。")
    assert said.endswith("（还有1条给您的通知，回复「继续」就能看）\n[1 继续]")
    assert statuses(town) == ["sent", "sent", "waiting"]
    assert (await chat.says("包午餐吗")).startswith(third)  # instead of 继续: nothing is lost
    assert statuses(town) == ["sent", "sent", "sent"]


async def test_continue_shows_what_is_left(town: Town) -> None:
    chat = await registered_one(town)
    *_, third = several(town, 3, 200)
    await chat.says("要收费吗")
    assert await chat.taps("继续") == third
    assert statuses(town) == ["sent", "sent", "sent"]
    assert (await chat.says("继续")).startswith("后面没有了。")


async def test_an_answer_is_not_pushed_away_by_a_long_notice(town: Town) -> None:
    chat = await registered_one(town)
    (notice,) = several(town, 1, 595)
    said = await chat.says("要收费吗")
    assert said.startswith("参会费用：免费。")
    assert said.endswith("（还有1条给您的通知，回复「继续」就能看）\n[1 继续]")
    assert statuses(town) == ["waiting"]
    assert await chat.says("继续") == notice
    assert statuses(town) == ["sent"]


async def test_what_one_reply_cannot_carry_is_sent_with_its_last_part(town: Town) -> None:
    chat = await registered_one(town)
    notice, other = "长" * 650, "另一条。"
    broadcast(town, "B-1", notice)
    broadcast(town, "B-2", other)
    assert (await chat.says("要收费吗")).startswith("参会费用：免费。")
    assert await chat.says("继续") == "长" * 600 + "\n[1 继续]"
    assert (await chat.says("要收费吗")).startswith("参会费用：免费。")  # not read to its end: it begins anew
    assert statuses(town) == ["waiting", "waiting"]
    assert await chat.says("继续") == "长" * 600 + "\n[1 继续]"
    assert statuses(town) == ["waiting", "waiting"]
    assert await chat.says("继续") == f"{'长' * 50}{APART}{other}"
    assert statuses(town) == ["sent", "sent"]


async def test_the_form_asks_again_behind_what_was_left(town: Town) -> None:
    chat = await registered_one(town)
    await chat.says("替同事报名", "同意", "1")
    first, second = several(town, 2, 590)
    said = await chat.says("李四")
    assert "3/6 同事的职务？" in said
    assert statuses(town) == ["waiting", "waiting"]
    assert await chat.says("继续") == f"{first}\n[1 继续]"
    assert await chat.says("继续") == f"{second}\n[1 继续]"
    assert statuses(town) == ["sent", "sent"]
    assert (await chat.says("继续")).startswith("3/6 同事的职务？")


async def test_continue_shows_what_waits_and_leaves_a_form_that_was_left_alone(town: Town) -> None:
    chat = await registered_one(town)
    await chat.says("替同事报名", "同意", "1", "退出")
    (notice,) = several(town, 1, 595)
    await chat.says("要收费吗")
    assert await chat.says("继续") == notice
    assert (await chat.says("继续")).startswith("2/6 ")


async def test_an_answer_that_is_too_long_itself_goes_on_behind_what_waited(town: Town) -> None:
    chat = await registered_one(town)
    await chat.says("EN")
    (notice,) = several(town, 1, 100)
    said = await chat.says("privacy")
    assert said.startswith(f"{notice} (en){APART}")
    assert said.endswith(" More]")
    assert statuses(town) == ["sent"]


async def test_what_an_organizer_stopped_meanwhile_is_not_read_to_its_end(town: Town) -> None:
    chat = await registered_one(town)
    broadcast(town, "B-1", "长" * 700)
    await chat.says("要收费吗", "继续")
    town.database.transact_now(lambda connection: stop(connection, "B-1"))
    await chat.says("继续")
    assert statuses(town) == ["skipped"]


async def test_many_that_wait_take_few_statements(town: Town) -> None:
    chat = await registered_one(town)
    await chat.says("你好")
    with recorded(town.database) as without:
        await chat.says("你好")
    several(town, 6, 150)
    with recorded(town.database) as sent:
        await chat.says("你好")
    assert "waiting" in statuses(town)
    assert len(sent) <= len(without) + 4  # what waits, for whom, the venue, and what of it was shown


async def test_the_form_goes_on_behind_it(town: Town) -> None:
    chat = await registered_one(town)
    await chat.says("替同事报名", "同意", "1")
    broadcast(town)
    said = await chat.says("李四")
    assert said.startswith(f"{HELLO}\n3/6 同事的职务？")
    assert (await chat.says("跳过")).startswith("4/6 ")


async def test_a_decision_waits_too_and_the_last_one_counts(town: Town) -> None:
    chat = await registered_one(town)
    (row,) = registered(town.database)
    decided(town, confirm)
    assert (await chat.says("你好")).startswith(f"王芳您好，您的报名（{row.reference}）已确认！")
    for decide in (decline, confirm, decline):
        decided(town, decide)
    said = await chat.says("你好")
    assert said.startswith("王芳您好，感谢您报名")
    assert said.count("王芳您好") == 1
    assert statuses(town) == ["sent", "skipped", "skipped", "sent"]


async def test_what_is_too_late_is_not_shown_any_more(town: Town) -> None:
    chat = await registered_one(town)
    broadcast(town, latest_at=town.clock.now() + timedelta(hours=2))
    broadcast(town, "B-2", "还有用。")
    town.clock.wind(timedelta(hours=3))
    said = await chat.says("议程")
    assert said.startswith(f"还有用。{APART}")
    assert HELLO not in said
    assert [(row.status, row.error) for row in chats(town)] == [("skipped", "too late to be useful"), ("sent", "")]


async def test_what_nobody_wants_any_more_is_not_shown(town: Town) -> None:
    chat = await registered_one(town)
    broadcast(town)
    assert HELLO not in await chat.says("退订")
    assert [(row.status, row.error) for row in chats(town)] == [("skipped", "unsubscribed")]
    await chat.says("订阅", "取消报名")
    broadcast(town, "B-2")
    assert not (await chat.taps("确定取消")).startswith(HELLO)
    assert statuses(town) == ["skipped", "skipped"]


async def test_a_reminder_waits_too_while_it_is_useful(town: Town, content: Content) -> None:
    chat = await registered_one(town)
    decided(town, confirm)
    await chat.says("你好")
    town.clock.wind(datetime(2019, 10, 21, 2, tzinfo=UTC) - town.clock.now())
    await tick(town.database, content, town.accounts, town.clock)
    await fill_up(town.database, town.accounts, town.clock)
    assert statuses(town)[-1] == "waiting"
    town.clock.wind(timedelta(hours=1))
    assert (await chat.says("你好")).startswith("王芳您好，")
    assert [(row.announcement_id, row.status) for row in chats(town)][1:] == [("day-before", "sent")]


async def test_those_who_cancelled_still_hear_what_is_meant_for_them(town: Town) -> None:
    chat = await registered_one(town)
    await chat.says("取消报名", "确定取消")
    broadcast(town, audience="status=cancelled")
    assert (await chat.says("议程")).startswith(HELLO)


async def test_what_an_organizer_holds_goes_on_waiting(town: Town) -> None:
    chat = await registered_one(town)
    broadcast(town)
    town.database.transact_now(lambda connection: pause(connection, "B-1"))
    assert HELLO not in await chat.says("议程")
    assert statuses(town) == ["waiting"]


async def test_each_hears_their_own_in_their_own_language(town: Town) -> None:
    one, other = await registered_one(town), await registered_one(town, "u2")
    await other.says("EN")
    broadcast(town, text="{name} {reference}")
    first, second = (row.reference for row in registered(town.database))
    assert (await one.says("议程")).startswith(f"王芳 {first}{APART}")
    assert (await other.says("agenda")).startswith(f"王芳 {second} (en){APART}")
    stranger = town.chat("u3")
    assert (await stranger.says("议程")).startswith("会议议程")


async def test_where_nothing_is_said_nothing_is_taken(town: Town) -> None:
    chat = await registered_one(town)
    broadcast(town)
    for kind in (Kind.BLOCK, Kind.UNBLOCK):
        await chat.does(kind)
        assert chat.reply is None
    assert statuses(town) == ["waiting"]
    assert (await chat.does(Kind.START)).startswith(HELLO)


async def test_who_unfollowed_finds_it_when_they_follow_again(town: Town) -> None:
    chat = await registered_one(town)
    broadcast(town)
    await chat.does(Kind.LEAVE)
    assert (await chat.does(Kind.START)).startswith(f"{HELLO}{APART}您好！")
    assert statuses(town) == ["sent"]


async def test_a_fault_of_ours_loses_nothing_that_waits(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = await registered_one(town)
    broadcast(town)
    monkeypatch.setattr("bot.registration.shown.PEOPLE", None)
    assert (await chat.says("议程")).startswith("不好意思，我这边出了点问题")
    assert statuses(town) == ["waiting"]
    monkeypatch.undo()
    assert (await chat.says("议程")).startswith(HELLO)


@pytest.mark.parametrize(
    ("fault", "reason"), [(Refused("there is no text"), "there is no text"), (KeyError("王芳"), "fault: KeyError")]
)
async def test_what_cannot_be_written_keeps_nobody_from_an_answer(
    database: Database, content: Content, clock: Clock, fault: Exception, reason: str
) -> None:
    def compose(due: Due, route: str, venue: Venue | None, sequence: int) -> Outgoing:
        raise fault

    town = Town(database, content, clock, "wechat", Shown(lambda _: compose), ACCOUNTS)
    chat = await registered_one(town)
    broadcast(town)
    assert (await chat.says("议程")).startswith("会议议程")
    assert [(row.status, row.error) for row in chats(town)] == [("failed", reason)]


async def test_a_question_that_fills_the_whole_screen_comes_alone_and_what_waits_with_the_next_one(
    town: Town, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(town.adapter, "fit", wechat_fit)
    chat = await registered_one(town)
    words = Words(zh="问" * 610, en="?")  # with 继续 below it, more than the 2000 bytes of one message
    questions = tuple(
        row.model_copy(update={"prompt": words, "colleague": None}) if row.id == "title" else row
        for row in content.form.questions
    )
    form = content.form.model_copy(update={"questions": questions})
    town.use(content.model_copy(update={"form": form, "version": "long"}))
    await chat.says("替同事报名", "同意", "1")
    broadcast(town, text=HELLO * 6)
    said = await chat.says("李四")
    assert said.startswith("3/6 问问")
    assert statuses(town) == ["waiting"]
    assert (await chat.says("跳过")).startswith(HELLO)


async def test_a_seat_that_got_free_is_told_when_they_next_write(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=1))
    first, second = await registered_one(town), town.chat("u2")
    await second.registers(*FORM[:4], "李四", *FORM[5:])
    await first.says("取消报名", "确定取消")
    assert (await second.says("议程")).startswith("李四您好，有空位了！您已从候补名单递补")


async def test_mydata_tells_what_was_sent_and_when(town: Town) -> None:
    chat = await registered_one(town)
    broadcast(town)
    await chat.says("议程")
    town.clock.wind(timedelta(days=1))
    decided(town, confirm)
    said = await whole(chat, "我的数据")
    assert said.startswith("王芳您好，您的报名")
    assert re.search(r"\n发给您的消息：\n2019年10月8日（周二）9:\d\d 会议通知 · 聊天\n", said)
    assert "报名结果" not in said  # it is told by this very message
    assert re.search(r"\n2019年10月9日（周三）9:\d\d 报名结果 · 聊天\n", await whole(chat, "我的数据"))


async def test_what_a_template_told_in_short_is_shown_wholly_and_once(town: Town) -> None:
    chat = await registered_one(town)
    broadcast(town)
    sending = {"status": "sending", "route": "wechat_template", "receipt": "17", "attempts": 1}
    town.database.write_now(lambda session: session.execute(update(Delivery).values(**sending)))
    town.database.transact_now(lambda connection: template_ended(connection, "17", "success", town.clock.now()))
    (row,) = chats(town)
    assert (row.status, row.error) == ("sent", IN_SHORT)
    assert (await chat.says("要收费吗")).startswith(f"{HELLO}{APART}")
    (after,) = chats(town)
    assert after.model_dump() == row.model_dump() | {"error": ""}
    assert (await chat.says("要收费吗")).startswith("参会费用")


@pytest.mark.parametrize("status", ["sending", "unconfirmed"])
async def test_who_writes_before_the_end_of_a_template_is_reported_is_shown_the_whole_text(
    town: Town, status: str
) -> None:
    """As the template asked them to: they have read it, whatever the platform says, and whenever."""
    chat = await registered_one(town)
    broadcast(town)
    left = {"status": status, "route": "wechat_template", "receipt": "17", "attempts": 1, "sent_at": town.clock.now()}
    town.database.write_now(lambda session: session.execute(update(Delivery).values(**left)))
    assert (await chat.says("要收费吗")).startswith(f"{HELLO}{APART}")
    (row,) = chats(town)
    assert (row.status, row.route, row.error, row.attempts) == ("sent", "wechat_template", "", 1)
    for end in ("success", "failed:user block"):
        town.database.transact_now(lambda connection, end=end: template_ended(connection, "17", end, town.clock.now()))
    assert chats(town) == [row]
    assert (await chat.says("要收费吗")).startswith("参会费用")


async def test_a_message_that_is_on_its_way_is_not_shown_besides(town: Town) -> None:
    chat = await registered_one(town)
    broadcast(town)
    left = {"status": "sending", "route": "wechat_template", "attempts": 1}
    town.database.write_now(lambda session: session.execute(update(Delivery).values(**left)))
    assert (await chat.says("要收费吗")).startswith("参会费用")
    assert statuses(town) == ["sending"]


async def test_what_was_told_in_short_and_is_not_wanted_any_more_is_left(town: Town) -> None:
    chat = await registered_one(town)
    broadcast(town)
    told = {"status": "sent", "route": "wechat_template", "error": IN_SHORT}
    town.database.write_now(lambda session: session.execute(update(Delivery).values(**told)))
    assert HELLO not in await chat.says("退订")
    assert [(row.status, row.error) for row in chats(town)] == [("sent", "")]


async def whole(chat: Chat, words: str) -> str:
    """The reply with everything behind 继续."""
    said = await chat.says(words)
    while said.endswith(" 继续]"):
        said = "\n".join((said.rpartition("\n")[0], await chat.says("继续")))
    return said


async def test_what_waited_is_told_out_of_the_same_content_as_the_answer(
    database: Database, content: Content, clock: Clock
) -> None:
    """Though another one was swapped in while the turn was under way."""
    swapped_in = with_event(content, name={"zh": "别的会议", "en": "Another event"})
    composer = Composer(lambda: swapped_in, "https://usher.example.org", b"a secret of the tests", {})
    town = Town(database, content, clock, "wechat", Shown(composer.of), ACCOUNTS)
    chat = await registered_one(town)
    broadcast(town, text="欢迎来{event.name}")
    said = await chat.says("议程")
    assert said.startswith(f"欢迎来{content.event.name.zh}\n")
