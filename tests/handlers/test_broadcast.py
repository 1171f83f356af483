"""An organizer writes to everybody, in the chat; nobody else can."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from bot.delivery import announcements
from bot.delivery.queueing import queue_slice
from bot.message import Kind
from bot.store.outbox import Announcement, Delivery
from handlers import broadcast
from tests.chat import FORM, Chat, Town
from tests.stored import rows


@pytest.fixture
async def boss(town: Town) -> Chat:
    """An organizer; two people are registered."""
    await town.chat("u1").registers()
    await town.chat("u2").registers(*FORM[:4], "李雷", *FORM[5:])
    return town.chat("boss")


def newest(town: Town) -> Announcement:
    """What was announced last."""
    return max(rows(town.database, Announcement), key=lambda row: row.created_at)


def queue(town: Town) -> list[Delivery]:
    """The deliveries of the last announcement, as the clock's next tick writes them."""
    last = newest(town).id
    town.database.transact_now(lambda found: queue_slice(found, last, town.accounts, town.clock.now()))
    return rows(town.database, Delivery)


async def test_an_organizer_writes_looks_and_sends(town: Town, boss: Chat) -> None:
    assert "中文内容" in await boss.says("群发")
    assert "英文内容" in await boss.says("{name}您好，停车请走东门。")
    assert "发给谁" in await boss.says("Parking is at the east gate.")
    seen = await boss.taps("所有报名的人")
    assert "「{name}您好，停车请走东门。」" in seen
    assert "一共 2 人" in seen
    assert "邮件送达：2" in seen
    assert rows(town.database, Announcement) == []  # nothing leaves before it is confirmed
    assert "已开始发送，共 2 人" in await boss.taps("发送")
    assert [(row.status, row.route) for row in queue(town)] == [("queued", "email")] * 2
    assert "排队中：2" in await boss.says("进度")


async def test_in_english_too(boss: Chat) -> None:
    assert "the English text" in await boss.says("EN", "broadcast", "九点开门。")
    assert "To whom?" in await boss.says("skip")
    assert "2 people" in await boss.says("status=pending")
    assert "On its way to 2 people" in await boss.says("Send")


async def test_who_is_no_organizer_says_something_ordinary(town: Town, boss: Chat) -> None:
    stranger = town.chat("u1")
    for words in ("群发", "broadcast", "进度"):
        assert "内容" not in await stranger.says(words)
    await boss.says("群发", "您好", "Hello", "status=pending")
    forged = await stranger.does(stranger.sent[-1].kind, text="发送", tapped="letter.send")
    assert "开始发送" not in forged
    assert rows(town.database, Announcement) == []


async def test_many_people_are_written_to_only_by_who_types_how_many(
    town: Town, boss: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "MANY", 1)
    assert "请回复人数 2" in await boss.says("群发", "您好", "Hello", "status=pending")
    for wrong in ("发送", "3", "好"):
        assert "还没有发送" in await boss.says(wrong) or rows(town.database, Announcement) == []
    assert rows(town.database, Announcement) == []
    assert "已开始发送" in await boss.says("2")


async def test_what_cannot_be_sent_is_said_before_anything_is_queued(town: Town, boss: Chat) -> None:
    assert "{nam}" in await boss.says("群发", "{nam}您好", "Hello", "status=pending")
    await boss.says("您好", "Hello")
    assert "no status" in await boss.says("status=there")
    assert "没有人符合" in await boss.says("status=declined")
    assert "zh: is missing" in await boss.says("群发", "跳过", "Hello", "status=pending")
    assert "没有可发的" in await boss.says("跳过", "skip")
    assert rows(town.database, Announcement) == []


async def test_the_same_again_is_asked_back(town: Town, boss: Chat) -> None:
    await boss.says("群发", "您好", "Hello", "status=pending", "发送")
    queue(town)
    assert "十分钟内" in await boss.says("群发", "另写一条", "您好", "Hello", "status=pending", "发送")
    assert len(rows(town.database, Announcement)) == 1
    assert "已开始发送" in await boss.says("发送")
    assert len(rows(town.database, Announcement)) == 2


async def test_it_can_be_held_and_stopped(town: Town, boss: Chat) -> None:
    await boss.says("群发", "您好", "Hello", "status=pending", "发送")
    queue(town)
    assert "已暂停" in await boss.taps("暂停")
    assert all(row.available_at is None for row in rows(town.database, Delivery))
    assert "已暂停" not in await boss.taps("继续发")
    assert all(row.available_at for row in rows(town.database, Delivery))
    assert "不再需要：2" in await boss.taps("停止")
    assert boss.reply is not None
    assert [choice.label for choice in boss.reply.choices] == ["进度"]


async def sends(boss: Chat, text: str) -> str:
    """Writes to everybody; the number of the broadcast."""
    await boss.says("群发", text, "Hello", "status=pending", "发送")
    return newest(boss.town).id


async def begun(town: Town, boss: Chat, text: str = "您好") -> str:
    """A broadcast that is on its way, queued for two people."""
    name = await sends(boss, text)
    queue(town)
    return name


def after_a_restart(town: Town, user_id: str = "boss") -> Chat:
    """The same person, and a bot that knows nothing but its database."""
    again = Town(town.database, town.content, town.clock)
    again.ids = town.ids  # which the platform counts
    return again.chat(user_id)


async def presses(chat: Chat, label: str, tag: str) -> str:
    """Taps a button of an old message, which is still on the screen."""
    return await chat.does(Kind.TEXT, text=label, tapped=tag)


async def test_what_is_on_hold_is_not_forgotten_over_a_new_one(town: Town, boss: Chat) -> None:
    first = await begun(town, boss)
    await boss.taps("暂停")
    offered = await boss.says("群发")
    assert f"{first}「您好」已暂停" in offered
    assert "还没有发完" in offered
    assert boss.reply is not None
    assert [choice.label for choice in boss.reply.choices] == ["进度", "继续发", "停止", "另写一条"]
    assert "中文内容" in await boss.taps("另写一条")
    assert "什么都没有发" in await boss.says("退出")
    again = after_a_restart(town)
    assert "排队中：2" in await again.says("进度")
    assert f"{first} 接着发" in await again.taps("继续发")
    assert {row.status for row in rows(town.database, Delivery) if row.available_at} == {"queued"}


async def test_an_old_button_works_as_long_as_its_broadcast_is_not_over(town: Town, boss: Chat) -> None:
    first = await begun(town, boss)
    await boss.says("群发", "另写一条", "退出", "议程", "进度")
    assert "已暂停" in await presses(boss, "暂停", f"sent.pause.{first}")
    await boss.says("你好")
    assert "接着发" in await presses(after_a_restart(town), "继续发", f"sent.resume.{first}")
    await boss.says("你好")
    assert "不再需要：2" in await presses(after_a_restart(town), "停止", f"sent.stop.{first}")
    assert {row.status for row in rows(town.database, Delivery)} == {"skipped"}
    ended = await presses(boss, "暂停", f"sent.pause.{first}")
    assert "已停止" in ended
    assert [row.state for row in rows(town.database, Announcement)] == ["stopped"]


async def test_progress_names_everything_that_is_not_over(town: Town, boss: Chat) -> None:
    first = await begun(town, boss)
    await boss.says("群发", "另写一条", "停车", "Parking", "status=pending", "发送")
    second = newest(town).id
    town.database.transact_now(lambda connection: later(connection, town))
    shown = await boss.says("进度")
    assert f"{first}「您好」" in shown
    assert f"{second}「停车」" in shown
    assert "「明天见」定于 10-09 09:00 发送" in shown
    assert boss.reply is not None
    tags = [choice.tag for choice in boss.reply.choices]
    assert len({choice.label for choice in boss.reply.choices}) == len(tags)
    assert [tag.rpartition(".")[0] for tag in tags] == [*("sent.pause", "sent.stop") * 2, "sent.stop"]
    assert max(len(f"1:{tag}".encode()) for tag in tags) <= 64
    assert "已停止" in await boss.taps(f"停止 {second}")
    assert "已停止" in await presses(boss, "停止", tags[-1])
    assert "已停止" in await presses(boss, "停止", f"sent.stop.{first}")
    assert "已停止" in await boss.says("进度")  # the last one, when nothing is on its way


def later(connection: Connection, town: Town) -> str:
    """As `usher broadcast --at` announces."""
    return announcements.broadcast(
        connection,
        accounts=town.accounts,
        now=town.clock.now(),
        texts={"zh": {"text": "明天见"}, "en": {"text": "See you"}},
        audience="",
        due_at=town.clock.now() + timedelta(days=1),
        by="command",
    )


async def test_nobody_else_presses_an_organizers_button(town: Town, boss: Chat) -> None:
    name = await begun(town, boss)
    stranger = town.chat("u1")
    for tag in (f"sent.stop.{name}", f"sent.pause.{name}"):
        assert name not in await presses(stranger, "停止", tag)
    assert [row.status for row in rows(town.database, Delivery)] == ["queued"] * 2
    for nonsense in ("sent", "sent.stop", "sent.stop.B-00000000", f"sent.what.{name}", f"sent.stop.{name}.x", "sent."):
        await presses(boss, "停止", nonsense)
        assert town.measured[-1][1] != "fault"


async def test_it_can_be_written_again_or_dropped(town: Town, boss: Chat) -> None:
    await boss.says("群发", "您好", "Hello", "status=pending")
    assert "中文内容" in await boss.taps("重写")
    await boss.says("大家好", "Hi", "status=pending")
    assert "什么都没有发" in await boss.taps("不发了")
    assert "什么都没有发" in await boss.says("群发", "退出")
    assert "还没有发过群发" in await boss.says("进度")
    assert rows(town.database, Announcement) == []


async def test_a_known_word_may_be_all_that_is_to_be_said(boss: Chat) -> None:
    assert "「议程」" in await boss.says("群发", "议程", "agenda", "status=pending")
    assert "会议议程" in await boss.says("议程")  # nothing is being written any more: it means what it always means
