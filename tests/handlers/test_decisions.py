"""Seats in the chat: confirmed at once, given back, passed on, and who is told by which way."""

from __future__ import annotations

import asyncio

from sqlmodel import Session

from bot.content.records import Content
from bot.registration.decide import Desk, confirm, decline, promote
from bot.registration.forget import forget_registration
from bot.store.outbox import Announcement, Delivery
from tests.chat import FORM, Chat, Town
from tests.edits import with_event
from tests.stored import registered, rows

COLLEAGUE = ("替同事报名", "同意", "1", "李四", "跳过", "13900139000", "lisi@example.com", "确认")


def told(town: Town) -> list[tuple[str, str, str]]:
    """What is on its way: (name of the person, way, decision)."""
    names = {row.id: row.name or "" for row in registered(town.database)}
    said = {row.id: row.more["decision"] for row in rows(town.database, Announcement)}
    found = [
        (row.id or 0, names[row.registration_id], row.way, said[row.announcement_id])
        for row in rows(town.database, Delivery)
    ]
    return [(name, way, decision) for _, name, way, decision in sorted(found)]


def statuses(town: Town) -> dict[str, str]:
    return {row.name or "": row.status for row in registered(town.database)}


async def named(town: Town, name: str) -> Chat:
    """A person of this name who registers."""
    chat = town.chat(name)
    await chat.registers(*FORM[:4], name, *FORM[5:])
    return chat


async def confirmed(town: Town, *names: str) -> list[Chat]:
    """People whom an organizer confirmed; what they were told is taken away."""
    chats = [await named(town, name) for name in names]
    desk = Desk(town.content.event, town.accounts, town.clock.now(), "command")
    references = [row.reference for row in registered(town.database) if row.name in names]
    town.database.transact_now(lambda connection: confirm(connection, references, desk))
    with town.database.engine.begin() as connection:
        for table in (Delivery, Announcement):
            connection.execute(table.__table__.delete())
    return chats


async def test_who_is_confirmed_at_once_is_told_by_the_reply_and_by_mail(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=1))
    assert "名额已确认" in await town.chat("a").registers()
    assert "候补名单" in await town.chat("b").registers()
    assert told(town) == [("王芳", "mail", "confirmed")]


async def test_who_waits_for_the_organizer_gets_no_mail_yet(town: Town) -> None:
    await town.chat().registers()
    assert told(town) == []


async def test_a_colleague_who_is_confirmed_at_once_gets_a_mail_of_their_own(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True))
    await town.chat().registers()
    await town.chat().says(*COLLEAGUE)
    assert told(town) == [("王芳", "mail", "confirmed"), ("李四", "mail", "confirmed")]
    assert {row.route for row in rows(town.database, Delivery)} == {"email"}


async def test_a_cancelled_seat_goes_to_the_first_of_the_waiting_list_who_is_told(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=1))
    first, _, _ = [await named(town, name) for name in ("甲一", "乙二", "丙三")]
    await first.says("取消报名")
    assert statuses(town) == {"甲一": "confirmed", "乙二": "waitlisted", "丙三": "waitlisted"}
    assert (await first.taps("确定取消")).startswith("已取消 甲一 的报名")
    assert statuses(town) == {"甲一": "cancelled", "乙二": "confirmed", "丙三": "waitlisted"}
    assert told(town)[1:] == [
        ("甲一", "mail", "cancelled"),
        *(("乙二", "chat", "confirmed"), ("乙二", "mail", "confirmed")),
    ]
    assert "状态：已确认" in await town.chat("乙二").says("我的报名")


async def test_a_copy_of_the_cancellation_passes_the_seat_on_once(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=1))
    first, _, _ = [await named(town, name) for name in ("甲一", "乙二", "丙三")]
    said = await first.says("取消报名", "确定取消")
    before = told(town)
    assert await first.repeats(first.sent[-1]) == said
    assert told(town) == before
    assert statuses(town)["丙三"] == "waitlisted"


async def test_cancelling_without_a_seat_sends_no_mail(town: Town) -> None:
    chat = await named(town, "甲一")
    await chat.says("取消报名", "确定取消")
    assert (statuses(town), told(town)) == ({"甲一": "cancelled"}, [])


async def test_whoever_cancels_for_a_colleague_has_the_colleague_told_by_mail(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True))
    chat = town.chat()
    await chat.registers()
    await chat.says(*COLLEAGUE)
    await chat.says("取消报名")
    await chat.taps(f"李四 {registered(town.database)[1].reference}")
    await chat.taps("确定取消")
    assert told(town)[-1] == ("李四", "mail", "cancelled")
    assert statuses(town) == {"王芳": "confirmed", "李四": "cancelled"}


async def test_while_organizers_decide_the_first_who_waits_moves_up_to_them(town: Town, content: Content) -> None:
    (first,) = await confirmed(town, "甲一")
    town.use(with_event(content, capacity=1))
    await named(town, "乙二")
    await first.says("取消报名", "确定取消")
    assert statuses(town) == {"甲一": "cancelled", "乙二": "pending"}
    assert told(town) == [("甲一", "mail", "cancelled"), ("乙二", "chat", "pending"), ("乙二", "mail", "pending")]


async def test_who_is_forgotten_gives_the_seat_on_and_is_told_nothing_more(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=1))
    first, _ = [await named(town, name) for name in ("甲一", "乙二")]
    await first.says("删除我的信息")
    assert (await first.taps("确定删除")).startswith("已全部删除")
    assert statuses(town) == {"乙二": "confirmed"}
    assert told(town) == [("乙二", "chat", "confirmed"), ("乙二", "mail", "confirmed")]
    assert (await named(town, "甲一")).read.count("候补名单") == 1


async def test_an_organizer_who_forgets_somebody_passes_the_seat_on_too(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=1))
    await named(town, "甲一")
    await named(town, "乙二")
    desk = Desk(town.content.event, town.accounts, town.clock.now(), "command")

    def erase(session: Session) -> None:
        row = session.merge(registered(town.database)[0])
        forget_registration(session, row, "command", desk.now)
        promote(session.connection(), desk)

    town.database.write_now(erase)
    assert statuses(town) == {"乙二": "confirmed"}


# At once


async def test_seats_given_back_by_several_in_the_same_instant_are_all_passed_on(town: Town, content: Content) -> None:
    town.use(with_event(content, auto_confirm=True, capacity=3))
    names = [f"甲{number}" for number in range(7)]
    chats = [await named(town, name) for name in names]
    for chat in chats[:2]:
        await chat.says("取消报名")
    await chats[2].says("删除我的信息")
    desk = Desk(town.content.event, town.accounts, town.clock.now(), "command")
    last = next(row.reference for row in registered(town.database) if row.name == "甲6")
    await asyncio.gather(
        *(chat.says("1") for chat in chats[:3]),
        *(chat.says("议程") for chat in chats[3:]),
        *(town.database.transact(lambda connection: decline(connection, [last], desk)) for _ in range(3)),
    )
    found = statuses(town)
    assert [found.get(name) for name in names] == [
        *("cancelled", "cancelled", None),
        *("confirmed", "confirmed", "confirmed", "declined"),
    ]
    assert [outcome for _, outcome in town.measured if outcome in ("fault", "unavailable")] == []
    said = [(name, way, decision) for name, way, decision in told(town) if name in names[3:6]]
    assert said.count(("甲3", "chat", "confirmed")) == 1
    assert len(said) == 6
