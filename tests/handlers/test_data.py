"""我的数据, 删除我的信息 and an unfollow: what is held is told, and what was erased stands nowhere any more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.message import Kind
from bot.registration.forget import forget_registration
from bot.store.database import Database
from bot.store.tables import Contact, Conversation, Erasure, Kept, Message
from tests.chat import Chat, Town
from tests.conftest import sqlite_url
from tests.emptied import Open, empty, opened
from tests.stored import contact, found, registered, rows, waiting

SURE = "确定删除您的全部信息吗？您的报名、填过的内容、提过的问题和聊天记录会全部清除，无法恢复，名额也会取消。"
FORM = ("1", "4", "1", "佛山市明月玩具厂", "欧阳锦", "采购总监", "13911223344", "ouyang@example.com")
"""Answers of which none is an example in some sentence of the bot's own."""
PERSONAL = ("u-of-wang", FORM[3], FORM[4], FORM[5], FORM[6], "139 1122 3344", FORM[7], "能带狗", "请给我回电话")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, kept_open: Open) -> Iterator[Database]:
    """On SQLite a database of its own, for its files are looked into; on PostgreSQL rows are."""
    if request.param == "postgresql":
        shared = kept_open(request.param)
        empty(shared)
        yield shared
        return
    database = opened(sqlite_url(tmp_path))
    yield database
    database.close()


async def talked(town: Town) -> Chat:
    """A person of whom everything is held that can be."""
    chat = town.chat("u-of-wang")
    await chat.does(Kind.START, source="supplier-mail")
    await chat.says("能带狗吗", "人工", "请给我回电话")
    await chat.registers(*FORM)
    await chat.says("我的数据", "修改", "改好了")
    return chat


async def others_talked(town: Town) -> set[str]:
    """Others before and after, so that pages of the files are shared; their ids."""
    for number in range(12):
        await town.chat(f"other{number}").says(
            "报名", "同意", "2", "1", f"别的单位{number}", f"别人{number}", "我的数据"
        )
    return {f"other{number}" for number in range(12)}


# What is held


async def test_everything_that_is_held_is_told(town: Town) -> None:
    chat = await talked(town)
    said = await chat.says("我的数据")
    (row,) = registered(town.database)
    while "继续]" in said.split("\n")[-1]:
        said = said.rsplit("\n", 1)[0] + await chat.says("继续")
    answers = ("类别 工厂代表", f"单位 {FORM[3]}", "姓名 欧阳锦", "职务 采购总监", "手机 139 1122 3344", FORM[7])
    around = ("渠道 memory，用户标识 u-of-wang", "语言 zh，来源 supplier-mail", f"报名 {row.reference}")
    later = ("同意的隐私说明：1 版", "能带狗吗", "请给我回电话", "要改回复「修改」")
    assert [piece for piece in (*around, *answers, *later) if piece not in said] == []


async def test_a_draft_and_colleagues_are_told_too(town: Town) -> None:
    chat = town.chat()
    await chat.registers(*FORM)
    await chat.says("替同事报名", "同意", "1", "李四", "跳过", "13900139000", "lisi@example.com", "确认")
    await chat.says("替同事报名", "同意", "1", "王五", "退出")
    said = await chat.says("我的数据")
    while "继续]" in said.split("\n")[-1]:
        said = said.rsplit("\n", 1)[0] + await chat.says("继续")
    assert "姓名 李四" in said
    assert re.search(r"还没提交的报名：\n(.*\n)*姓名 王五", said)


async def test_of_a_stranger_next_to_nothing_is_held(town: Town) -> None:
    said = await town.chat().says("我的数据")
    assert said.startswith("我们保存的关于您的数据：\n渠道 memory，用户标识 u1\n首次联系 2019年10月8日（周二）9:0")
    assert "报名 FFS" not in said


# Erasing


async def test_forget_asks_once_more_and_keeps_everything_on_no(town: Town) -> None:
    chat = await talked(town)
    assert await chat.says("删除我的信息") == f"{SURE}\n[1 确定删除]\n[2 不删除]"
    assert await chat.says("2") == "好的，什么都没有删除。"
    await chat.says("forget")
    asked = chat.reply
    await chat.says("议程")
    chat.reply = asked
    assert (await chat.taps("确定删除")).startswith("这个按钮是之前的")
    assert len(registered(town.database)) == 1


async def test_forget_erases_everywhere(town: Town) -> None:
    others = await others_talked(town)
    chat = await talked(town)
    await town.chat("other1").says("别人", "跳过", "我的数据")
    await chat.says(
        "修改",
        "姓名",
        "不改了",
        "改好了",
        "我的报名",
        "取消报名",
        "不取消",
        "我的数据",
        "修改",
        "手机",
        "139 1122 3344",
    )
    assert set(found(town.database, *PERSONAL)) == set(PERSONAL)  # the search finds what is there
    await chat.says("删除我的信息")
    said = await chat.taps("确定删除")
    assert re.match(r"已全部删除。回执 E-[0-9A-F]{8}（2019年10月8日（周二）9:\d\d），里面没有您的个人信息。", said)
    assert found(town.database, *PERSONAL) == []
    assert registered(town.database) == []
    assert waiting(town.database) == []
    assert {row.user_id for row in rows(town.database, Contact)} == others


async def test_a_copy_of_the_last_word_gets_the_same_receipt_and_brings_nothing_back(town: Town) -> None:
    chat = await talked(town)
    await chat.says("删除我的信息")
    said = await chat.taps("确定删除")
    for _ in range(3):
        assert await chat.repeats(chat.sent[-1]) == said
    assert found(town.database, *PERSONAL) == []
    assert len(rows(town.database, Erasure)) == 1


async def test_the_receipt_says_how_much_and_never_whose(town: Town) -> None:
    chat = await talked(town)
    await chat.says("删除我的信息", "确定删除")
    (receipt,) = rows(town.database, Erasure)
    assert receipt.by == "chat"
    assert receipt.rows.pop("messages") == len(chat.sent) - 1
    counts = {"registrations": 1, "deliveries": 0, "conversations": 1, "questions": 2, "kept": 0, "contacts": 1}
    assert receipt.rows == counts


async def test_what_was_not_understood_goes_with_the_person(town: Town) -> None:
    chat = await talked(town)
    now = town.clock.now()
    for user_id in ("u-of-wang", "other1"):
        body = Kept(channel="memory", account="memory", user_id=user_id, received_at=now, reason="?", body=b"<xml>")
        town.database.write_now(lambda session, body=body: session.add(body))
    await chat.says("删除我的信息", "确定删除")
    assert [row.user_id for row in rows(town.database, Kept)] == ["other1"]


async def test_colleagues_stay_for_they_are_their_own_people(town: Town) -> None:
    chat = await talked(town)
    await chat.says("替同事报名", "同意", "深圳市开心玩具厂", "李四", "跳过", "13900139000", "lisi@example.com", "确认")
    mine = registered(town.database)[0].reference
    said = await chat.says("删除我的信息")
    assert said.startswith(f"{SURE}\n您替同事做的1份报名是他们自己的数据，会保留；")
    await chat.says("确定删除")
    assert found(town.database, *PERSONAL) == []
    (colleague,) = registered(town.database)
    assert (colleague.name, colleague.contact_id, colleague.registered_by) == ("李四", None, mine)
    assert (await chat.says("我的报名")).startswith("您还没有报名。")


async def test_who_was_forgotten_is_a_stranger_and_may_come_again(town: Town) -> None:
    chat = await talked(town)
    await chat.says("删除我的信息", "确定删除")
    assert "English? Send EN." in await chat.does(Kind.START)
    assert (await chat.registers(*FORM)).startswith("报名已提交")
    assert len(registered(town.database)) == 1


async def test_who_never_registered_can_be_forgotten_too(town: Town) -> None:
    chat = town.chat("u-of-wang")
    await chat.says("能带狗吗", "报名", *FORM[:5], "删除我的信息", "1")
    assert found(town.database, *PERSONAL) == []
    assert rows(town.database, Conversation) == []


async def test_in_mid_form_a_no_goes_on_with_the_form(town: Town) -> None:
    chat = town.chat()
    asks = await chat.says("报名", *FORM[:4])
    await chat.says("forget")
    assert await chat.taps("不删除") == f"好的，什么都没有删除。\n{asks}"


async def test_an_organizer_can_forget_a_person_or_one_colleague(town: Town) -> None:
    chat = await talked(town)
    await chat.says(
        "替同事报名", "同意", "深圳市开心玩具厂", "李四", "跳过", "13900139000", "lisi@example.com", "确认", "我的数据"
    )
    for name, gone in (("李四", ("李四", "13900139000", "lisi@example.com")), ("欧阳锦", PERSONAL)):
        row = next(row for row in registered(town.database) if row.name == name)
        town.database.write_now(
            lambda session, row=row: forget_registration(session, session.merge(row), "command", town.clock.now())
        )
        town.database.scrub_now()
        assert found(town.database, *gone) == []
    assert registered(town.database) == []


# Unfollowing


async def test_after_an_unfollow_only_the_registration_is_left(town: Town) -> None:
    await others_talked(town)
    chat = await talked(town)
    await chat.does(Kind.LEAVE)
    assert chat.reply is None
    assert found(town.database, "u-of-wang", "能带狗", "请给我回电话") == []
    (row,) = registered(town.database)
    assert (row.name, row.phone) == ("欧阳锦", "+8613911223344")
    former = next(one for one in rows(town.database, Contact) if one.id == row.contact_id)
    assert re.fullmatch(r"hmac:[0-9a-f]{64}", former.user_id)
    assert former.blocked_at is not None
    assert [one for one in rows(town.database, Conversation) if one.contact_id == former.id] == []
    assert [one for one in rows(town.database, Message) if one.contact_id == former.id] == []


async def test_a_copy_of_the_unfollow_brings_the_id_back_nowhere(town: Town) -> None:
    chat = await talked(town)
    await chat.does(Kind.LEAVE)
    for _ in range(2):
        await chat.repeats(chat.sent[-1])
        assert found(town.database, "u-of-wang") == []
    assert len(registered(town.database)) == 1


async def test_who_follows_again_finds_the_registration(town: Town) -> None:
    chat = await talked(town)
    reference = registered(town.database)[0].reference
    await chat.does(Kind.LEAVE)
    assert (await chat.does(Kind.START)).endswith("[1 我的报名]\n[2 看议程]\n[3 会场在哪]")
    assert (await chat.says("我的报名")).startswith(f"您的报名 {reference}\n欧阳锦")
    assert (await chat.says("报名")).startswith(f"您的报名 {reference}")
    assert contact(town.database, "u-of-wang").blocked_at is None
    assert [row.user_id for row in rows(town.database, Contact) if row.user_id.startswith("hmac:")] == []


async def test_who_follows_again_still_wants_no_reminders_and_reads_their_language(town: Town) -> None:
    chat = await talked(town)
    await chat.says("EN", "stop")
    stopped = contact(town.database, "u-of-wang").stopped_at
    await chat.does(Kind.LEAVE)
    assert (await chat.does(Kind.START)).startswith("Welcome!")
    row = contact(town.database, "u-of-wang")
    assert (row.stopped_at, row.language, row.language_chosen) == (stopped, "en", True)
    assert stopped is not None
    await chat.says("resume")
    await chat.does(Kind.LEAVE)
    await chat.does(Kind.START)
    assert contact(town.database, "u-of-wang").stopped_at is None


async def test_a_late_copy_of_the_unfollow_does_not_undo_the_new_follow(town: Town) -> None:
    chat = await talked(town)
    await chat.does(Kind.LEAVE)
    left = chat.sent[-1]
    await chat.does(Kind.START)
    await chat.says("人工", "请给我回电话")
    await chat.repeats(left)
    assert (await chat.says("我的报名")).startswith("您的报名")
    assert waiting(town.database) == [("note", "请给我回电话")]


async def test_following_and_leaving_again_and_again_keeps_one_registration(town: Town) -> None:
    chat = await talked(town)
    for _ in range(3):
        await chat.does(Kind.LEAVE)
        assert found(town.database, "u-of-wang") == []
        await chat.does(Kind.START)
    assert len(registered(town.database)) == 1
    assert (await chat.says("删除我的信息", "确定删除")).startswith("已全部删除")
    assert found(town.database, *PERSONAL) == []


async def test_another_account_does_not_find_it(town: Town) -> None:
    chat = await talked(town)
    await chat.does(Kind.LEAVE)
    other = Chat(town, replace(chat.address, account="another"))
    assert (await other.says("我的报名")).startswith("您还没有报名。")


async def test_an_unfollow_of_somebody_who_never_registered_leaves_nothing(town: Town) -> None:
    chat = town.chat("u-of-wang")
    await chat.says("能带狗吗", "报名", *FORM[:6])
    await chat.does(Kind.LEAVE)
    assert found(town.database, *PERSONAL) == []
    assert rows(town.database, Contact) == []
    await town.chat("somebody who was never seen").does(Kind.LEAVE)
    assert rows(town.database, Contact) == []


async def test_who_unfollowed_is_asked_to_agree_anew_for_a_new_form(town: Town) -> None:
    chat = town.chat("u-of-wang")
    await chat.says("报名", *FORM[:6])
    await chat.does(Kind.LEAVE)
    assert (await chat.says("报名")).startswith("好的，一共8步。\n报名大约需要2分钟")
