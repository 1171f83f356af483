"""Old message keys and kept bodies go, a slice at a time; what was sent to a person goes with them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.clock import Clock
from bot.content.records import Content
from bot.delivery.announcements import announce
from bot.delivery.queueing import queue_slice
from bot.delivery.routes import Accounts
from bot.message import Kind
from bot.registration.decide import Desk, confirm
from bot.registration.forget import forget_old_messages, forget_registration
from bot.store import outbox
from bot.store.database import Database
from bot.store.outbox import Announcement, Delivery, DeliveryStatus
from bot.store.tables import Contact, Erasure, Kept, Message, Registration
from tests.chat import FORM, Chat, Town
from tests.stored import contact, found, registered, rows

WECHAT = Accounts(wechat="wechat", wechat_verified=False)  # it may answer, and nothing else


async def test_old_keys_and_bodies_go_a_slice_at_a_time_and_young_ones_stay(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    old = len(chat.sent)
    for _ in range(3):
        body = Kept(channel="memory", account="memory", received_at=town.clock.now(), reason="?", body=b"?")
        town.database.write_now(lambda session, body=body: session.add(body))
    town.clock.wind(timedelta(days=4))
    await chat.says("我的报名", "议程")
    before = town.clock.now() - timedelta(days=3)

    def slices() -> list[int]:
        found = []
        while not found or found[-1]:
            found.append(town.database.write_now(lambda session: forget_old_messages(session, before, slice_rows=4)))
        return found

    gone = slices()
    assert sum(gone) == old + 3
    assert max(gone) <= 8
    assert len(rows(town.database, Message)) == 2
    assert rows(town.database, Kept) == []
    assert len(registered(town.database)) == 1
    assert (await chat.says("我的报名")).startswith("您的报名")


# Deliveries


@pytest.fixture
async def chat(database: Database, content: Content, clock: Clock) -> Chat:
    """王芳 with her colleague 李四, and 赵六: all confirmed and told of it, and of something else."""
    town = Town(database, content, clock, "wechat", accounts=WECHAT)
    chat = town.chat("u-of-wang")
    await chat.registers()
    await chat.says("替同事报名", "同意", "1", "李四", "跳过", "13900139000", "lisi@example.com", "确认")
    await town.chat("u-of-zhao").registers(*FORM[:4], "赵六", *FORM[5:])
    now = clock.now()
    desk = Desk(content.event, WECHAT, now, "command")
    references = [row.reference for row in registered(database)]
    database.transact_now(lambda connection: confirm(connection, references, desk))
    texts = {"zh": {"text": "会场定了。"}}
    database.transact_now(
        lambda connection: announce(
            connection, id="B-1", kind=outbox.Kind.BROADCAST, accounts=WECHAT, now=now, texts=texts
        )
    )
    database.transact_now(lambda connection: queue_slice(connection, "B-1", WECHAT, now))
    finish = Delivery(
        announcement_id="B-1", person=f"c{contact(database, 'u-of-wang').id}", way="chat", due_at=now,
        contact_id=contact(database, "u-of-wang").id, priority=1, status=DeliveryStatus.SENT,
    )  # fmt: skip
    database.write_now(lambda session: session.add(finish))
    return chat


def left(database: Database) -> dict[str, list[tuple[str, str]]]:
    """By name: each delivery that is left, its announcement's kind and status; "" for those of a chat alone."""
    names = {row.id: row.name or "" for row in registered(database)}
    kinds = {row.id: row.kind for row in rows(database, Announcement)}
    kept: dict[str, list[tuple[str, str]]] = {}
    for row in sorted(rows(database, Delivery), key=lambda row: row.id or 0):
        kept.setdefault(names.get(row.registration_id, ""), []).append((kinds[row.announcement_id], row.status))
    return kept


WAITED = [("decision", "waiting"), ("broadcast", "waiting")]
GIVEN_UP = [("decision", "unreachable"), ("broadcast", "unreachable")]


async def test_deliveries_go_with_their_person_and_those_of_colleagues_lose_the_chat(chat: Chat) -> None:
    database = chat.town.database
    assert left(database) == {"王芳": WAITED, "李四": WAITED, "赵六": WAITED, "": [("broadcast", "sent")]}
    reference = registered(database)[0].reference
    await chat.says("删除我的信息")
    await chat.taps("确定删除")
    assert left(database) == {"李四": GIVEN_UP, "赵六": WAITED}
    colleague = next(row for row in registered(database) if row.name == "李四")
    theirs = [row for row in rows(database, Delivery) if row.registration_id == colleague.id]
    assert {row.contact_id for row in theirs} == {None}
    assert {row.error for row in theirs if row.way == "chat"} == {"the chat they were registered by was erased"}
    assert rows(database, Erasure)[0].rows["deliveries"] == 3
    assert f"D-{reference}-1" not in {row.id for row in rows(database, Announcement)}
    assert {"B-1", f"D-{colleague.reference}-1"} <= {row.id for row in rows(database, Announcement)}


async def test_the_receipt_holds_counts_and_nothing_else(chat: Chat) -> None:
    database = chat.town.database
    references = [row.reference for row in registered(database)]
    await chat.says("删除我的信息")
    await chat.taps("确定删除")
    (receipt,) = rows(database, Erasure)
    assert all(isinstance(count, int) for count in receipt.rows.values())
    assert set(receipt.rows) == {
        *("registrations", "deliveries", "conversations", "messages", "questions", "kept", "contacts")
    }
    assert not any(name in receipt.model_dump_json() for name in (*references, "王芳", "u-of-wang"))


async def test_a_colleague_who_is_forgotten_alone_takes_only_their_own(chat: Chat) -> None:
    database = chat.town.database
    row = next(row for row in registered(database) if row.name == "李四")

    def erase(session: Session) -> Erasure:
        return forget_registration(session, session.merge(row), "command", chat.town.clock.now())

    receipt = database.write_now(erase)
    assert (receipt.rows["registrations"], receipt.rows["deliveries"]) == (1, 2)
    assert left(database) == {"王芳": WAITED, "赵六": WAITED, "": [("broadcast", "sent")]}
    database.scrub_now()
    assert found(database, row.reference) == []


async def test_an_unfollow_takes_what_was_sent_to_the_chat_and_keeps_what_is_about_registrations(chat: Chat) -> None:
    database = chat.town.database
    await chat.does(Kind.LEAVE)
    assert left(database) == {"王芳": WAITED, "李四": WAITED, "赵六": WAITED}
    former = next(row for row in rows(database, Contact) if row.user_id.startswith("hmac:"))
    mine = [row for row in rows(database, Delivery) if row.contact_id == former.id]
    assert len(mine) == 4
    await chat.does(Kind.START)
    back = contact(database, "u-of-wang")
    assert len([row for row in rows(database, Delivery) if row.contact_id == back.id]) == 4
    assert {row.contact_id for row in rows(database, Registration) if row.name != "赵六"} == {back.id}


async def test_a_stranger_who_unfollows_leaves_no_delivery(chat: Chat) -> None:
    stranger = chat.town.chat("stranger")
    await stranger.says("你好")
    database, now = chat.town.database, chat.town.clock.now()
    sent = Delivery(
        announcement_id="B-1", person=f"c{contact(database, 'stranger').id}", way="chat", due_at=now,
        contact_id=contact(database, "stranger").id, priority=1, status=DeliveryStatus.SENT,
    )  # fmt: skip
    database.write_now(lambda session: session.add(sent))
    before = len(rows(database, Delivery))
    await stranger.does(Kind.LEAVE)
    assert len(rows(database, Delivery)) == before - 1
