"""An organizer writes to everybody, in the chat; nobody else can."""

from __future__ import annotations

import pytest

from bot.delivery.queueing import queue_slice
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


def queue(town: Town) -> list[Delivery]:
    """The deliveries of the last announcement, as the clock's next tick writes them."""
    last = rows(town.database, Announcement)[-1].id
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
    assert "十分钟内" in await boss.says("群发", "您好", "Hello", "status=pending", "发送")
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
