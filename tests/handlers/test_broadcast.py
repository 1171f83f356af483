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


ALL = "所有人（2）"
SENT = ("群发", "status=pending", "您好", "Hello", "发送")


async def test_an_organizer_writes_looks_and_sends(town: Town, boss: Chat) -> None:
    assert "发给谁" in await boss.says("群发")
    assert "中文内容（2 人看中文）" in await boss.taps(ALL)
    assert "英文内容（0 人看英文）" in await boss.says("{name}您好，停车请走东门。")
    seen = await boss.says("Hello {name}, parking is at the east gate.")
    assert "以 王芳 为例：\n「王芳您好，停车请走东门。」" in seen
    assert "以 Wang Fang 为例：\n「Hello Wang Fang, parking is at the east gate.」" in seen
    assert "一共 2 人" in seen
    assert "邮件送达：2" in seen
    assert rows(town.database, Announcement) == []  # nothing leaves before it is confirmed
    assert "已开始发送，共 2 人" in await boss.taps("发送")
    assert [(row.status, row.route) for row in queue(town)] == [("queued", "email")] * 2
    assert "排队中：2" in await boss.says("进度")


async def test_in_english_too(boss: Chat) -> None:
    assert "Who should get it?" in await boss.says("EN", "broadcast")
    assert "2 read Chinese" in await boss.says("status=pending")
    assert "0 read English" in await boss.says("九点开门。")
    assert "2 people" in await boss.says("skip")
    assert "On its way to 2 people" in await boss.says("Send")


async def test_the_groups_say_how_many_they_are(town: Town, boss: Chat) -> None:
    await boss.says("群发")
    assert boss.reply is not None
    labels = [choice.label for choice in boss.reply.choices]
    assert labels == ["已确认的人（0）", "已确认的工厂（0）", ALL, "其他条件"]
    assert "没有人符合" in await boss.says("已确认")
    assert "例如 status=pending" in await boss.taps("其他条件")
    assert "中文内容" in await boss.says("status=pending category=factory")
    assert "中文内容" in await town.chat("boss").says("取消", "不发了", "群发", "所有人")


async def test_what_is_not_known_yet_is_seen_before_it_is_sent(boss: Chat) -> None:
    seen = await boss.says("群发", ALL, "{name}：{venue.text}", "{name}: {venue.text}")
    assert "「王芳：会场" in seen
    assert "has not been announced yet" in seen
    assert "{" not in seen


async def test_a_wrong_text_is_asked_again_at_once_and_alone(town: Town, boss: Chat) -> None:
    assert "这段中文还不能发：\n没有 {nam} 这一项，可以用的有 {name}" in await boss.says("群发", ALL, "{nam}您好")
    assert "太长：微信最多 2000 字节" in await boss.says("好" * 700)
    assert "多了一个 {" in await boss.says("{name您好")
    assert "英文内容" in await boss.says("{name}您好")
    assert "这段英文还不能发" in await boss.says("{nam}, hello")
    assert "「王芳您好」" in await boss.says("Hello {name}")
    await boss.says("取消", "不发了")
    assert "{nam} is not known" in await boss.says("EN", "broadcast", "status=pending", "{nam}, hello")


async def test_a_language_that_somebody_reads_cannot_be_skipped(town: Town, boss: Chat) -> None:
    assert "有 2 人看中文，不能跳过" in await boss.says("群发", ALL, "跳过")
    assert "也可以回复「跳过」" in await boss.says("您好")
    assert "一共 2 人" in await boss.says("跳过")
    await town.chat("u3", "en").registers()
    assert "有 1 人看英文，不能跳过" in await boss.says("重写", "所有人（3）", "您好", "跳过")
    assert "一共 3 人" in await boss.says("Hello")
    assert "也可以回复「跳过」" in await boss.says("重写", "status=pending language=en")
    assert "1 人看英文" in await boss.says("跳过")


async def test_help_is_understood_while_writing_and_dropping_is_asked_once(town: Town, boss: Chat) -> None:
    for place in ((), (ALL,), ("您好",), ("Hello",)):
        helped = await boss.says("群发", *place, "帮助") if not place else await boss.says(*place, "help")
        assert "正在写群发" in helped
        assert "放弃正在写的这条群发吗" in await boss.says("取消")
        await boss.taps("接着写")
    assert "一共 2 人" in boss.read
    assert "一条群发还没写完" in await boss.says("群发")
    await boss.says("cancel")
    assert "什么都没有发" in await boss.taps("不发了")
    assert "主办方：群发 · 进度" in await boss.says("帮助")
    assert "主办方：群发" not in await town.chat("u1").says("帮助")


async def test_who_is_no_organizer_says_something_ordinary(town: Town, boss: Chat) -> None:
    stranger = town.chat("u1")
    for words in ("群发", "broadcast", "进度"):
        assert "内容" not in await stranger.says(words)
    await boss.says(*SENT[:-1])
    forged = await stranger.does(stranger.sent[-1].kind, text="发送", tapped="letter.send")
    assert "开始发送" not in forged
    assert rows(town.database, Announcement) == []


async def test_many_people_are_written_to_only_by_who_types_how_many(
    town: Town, boss: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "MANY", 1)
    assert "请回复「发送 2」" in await boss.says(*SENT[:-1])
    for wrong in ("发送", "发送 3", "SEND", "好", "send 22"):
        assert "已开始发送" not in await boss.says(wrong)
    assert rows(town.database, Announcement) == []
    assert "已开始发送" in await boss.says("发送 2")


@pytest.mark.parametrize("words", ["SEND 2", "send 2", "发送2", "２ 人"])
async def test_how_many_is_typed_with_or_without_the_word(
    boss: Chat, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setattr(broadcast, "MANY", 1)
    assert "已开始发送" in await boss.says(*SENT[:-1], words)


async def test_whom_nobody_is_cannot_be_written_to(town: Town, boss: Chat) -> None:
    assert "no status" in await boss.says("群发", "status=there")
    assert "没有人符合" in await boss.says("status=declined")
    assert rows(town.database, Announcement) == []


async def test_the_same_again_is_asked_back(town: Town, boss: Chat) -> None:
    await boss.says(*SENT)
    queue(town)
    assert "十分钟内" in await boss.says("群发", "另写一条", *SENT[1:])
    assert len(rows(town.database, Announcement)) == 1
    assert "已开始发送" in await boss.says("发送")
    assert len(rows(town.database, Announcement)) == 2


async def test_it_can_be_held_and_stopped(town: Town, boss: Chat) -> None:
    await boss.says(*SENT)
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
    await boss.says("群发", "status=pending", text, "Hello", "发送")
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
    assert "发给谁" in await boss.taps("另写一条")
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
    await boss.says("群发", "另写一条", "status=pending", "停车", "Parking", "发送")
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
    await boss.says(*SENT[:-1])
    assert "发给谁" in await boss.taps("重写")
    await boss.says("status=pending", "大家好", "Hi")
    assert "什么都没有发" in await boss.taps("不发了")
    assert "什么都没有发" in await boss.says("群发", "退出")
    assert "还没有发过群发" in await boss.says("进度")
    assert rows(town.database, Announcement) == []


async def test_a_known_word_may_be_all_that_is_to_be_said(boss: Chat) -> None:
    assert "「议程」" in await boss.says("群发", "status=pending", "议程", "agenda")
    assert "会议议程" in await boss.says("议程")  # nothing is being written any more: it means what it always means
