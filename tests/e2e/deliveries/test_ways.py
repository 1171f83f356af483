"""By which way a message goes: an open window, a template, a mail, or shown when its person next writes."""

from __future__ import annotations

import csv
import io
from collections import Counter

import pytest

from bot.commands import telling
from bot.sandbox.wechat_phone import Phone as Follower
from bot.sandbox.wechat_xml import Bare, Value
from bot.store.outbox import Kind
from tests.adapters.test_results import CALLS
from tests.e2e.deliver import WORDS, Guest, Station, guest
from tests.e2e.deliver_rows import (
    announce,
    announce_at_once,
    arrived,
    became,
    calls,
    confirms,
    ended,
    receipt_of,
    told,
    tried,
)
from tests.e2e.deliver_table import EMAIL, MESSAGE, TELEGRAM, TEMPLATE
from tests.e2e.talk import contact, follower, lines, says, writer

on_the_shared_loop = pytest.mark.asyncio(loop_scope="session")


# By template


@on_the_shared_loop
@pytest.mark.parametrize("order", ["after", "before"])
async def test_where_the_window_is_closed_a_template_tells(home: Station, order: str) -> None:
    """`before`: the platform reports the end before it answers our call, and so before our own result is written."""
    home.wechat.templates.telling = order
    one = await guest(home, follower(home), window="", status="pending", decided_at=None)
    await confirms(home, one.reference)
    rows = await told(home, f"D-{one.reference}-1", chat="sent", mail="sent")
    assert (rows["chat"]["route"], rows["chat"]["attempts"], rows["chat"]["error"]) == (TEMPLATE, 1, None)
    (text,) = arrived(home, one.phone)
    assert text.startswith("报名结果通知\n家庭友好空间分享会")
    assert "2019年10月22日 9:30" in text
    assert lines(one.phone)[-1] == text


@on_the_shared_loop
@pytest.mark.parametrize("status", ["success", "failed:user block", "failed: system failed"])
async def test_a_template_is_on_its_way_until_the_platform_reports_its_end_and_if_it_failed_a_mail_follows(
    home: Station, status: str
) -> None:
    home.wechat.templates.telling = "never"
    one = await guest(home, follower(home), window="")
    name = await announce(home, one, kind=Kind.REMINDER)
    receipt = await receipt_of(home, name)
    await became(home, name, "sending", lambda row: row["route"] == TEMPLATE)
    route, failed = (TEMPLATE, []) if status == "success" else (EMAIL, [(TEMPLATE, status)])
    for _ in range(2):  # as every push it may come again
        (answer,) = await home.wechat.push(_finished(home, one, receipt, status))
        assert answer.body == b"success"
        await became(home, name, "sent", lambda row: row["route"] == route)
    assert await tried(home, name) == failed
    assert len(home.mails(one.email)) == len(failed)


def _finished(home: Station, one: Guest, receipt: str, status: str) -> dict[str, Value]:
    assert isinstance(one.phone, Follower)
    head: dict[str, Value] = {"ToUserName": home.wechat.original_id, "FromUserName": one.phone.openid}
    head |= {"CreateTime": int(home.now.timestamp()), "MsgType": "event", "Event": "TEMPLATESENDJOBFINISH"}
    return {**head, "MsgID": Bare(int(receipt)), "Status": status}


@on_the_shared_loop
async def test_who_muted_templates_and_has_no_mail_reads_it_when_they_next_write(home: Station) -> None:
    one = await guest(home, phone := follower(home), window="", email=False)
    phone.mutes_templates = True
    name = await announce(home, one, kind=Kind.REMINDER)
    row = await became(home, name, "waiting")
    assert row["error"] == ("WeChat window closed, wechat_template is off (failed:user block); no e-mail address")
    assert WORDS in await phone.says("议程")
    assert (await became(home, name, "sent"))["route"] == "wechat_reply"


# Waiting, and nobody reached


@on_the_shared_loop
async def test_who_cannot_be_reached_now_reads_it_first_when_they_next_write(home: Station) -> None:
    one = await guest(home, follower(home), window="", email=False)
    names = [await announce(home, one), await announce(home, one, texts={"zh": {"text": "停车场已满。"}})]
    for name in names:
        row = await became(home, name, "waiting")
        assert (row["route"], row["error"]) == (None, "WeChat window closed, no template; no e-mail address")
    shown = await one.phone.says("议程")
    assert shown.startswith(f"{WORDS}\n——\n停车场已满。\n——\n")
    assert "6. " in shown
    for name in names:
        row = await became(home, name, "sent")
        assert (row["route"], row["attempts"], row["error"]) == ("wechat_reply", 1, None)
    assert WORDS not in await one.phone.says("议程")


@on_the_shared_loop
async def test_who_blocked_the_bot_is_unreachable_says_why_and_stands_on_the_call_list(home: Station) -> None:
    before, unheard, left = [
        await guest(home, phone, email=False) for phone in (writer(home), writer(home), follower(home))
    ]
    await before.phone.blocks()
    unheard.phone.chat.blocked = True  # and no update told us
    await left.phone.unfollows()
    name = await announce(home, before, unheard, left)
    rows = {row["reference"]: row for row in await ended(home, name)}
    gone = "unfollowed, or blocked the bot; no e-mail address"
    assert [(row["status"], row["route"], row["attempts"], row["error"]) for row in rows.values()] == [
        ("unreachable", None, 0, gone),
        ("unreachable", TELEGRAM, 1, gone),
        ("unreachable", None, 0, gone),
    ]
    assert await tried(home, name) == [(TELEGRAM, "Telegram 403: the person blocked the bot")]
    called = b"".join(telling.calls(home.usher.settings, home.usher.clock)).decode("utf-8-sig")
    listed_by = {row["reference"]: row for row in csv.DictReader(io.StringIO(called))}
    for one in (before, unheard, left):
        row = listed_by[one.reference]
        assert (row["name"], row["phone"], row["reason"], row["announcement"]) == (
            "王芳",
            "+8613800138000",
            gone,
            name,
        )


@on_the_shared_loop
async def test_who_writes_again_after_blocking_is_reached_again(home: Station) -> None:
    one = await guest(home, phone := writer(home), email=False)
    await phone.blocks()
    assert (await ended(home, await announce(home, one)))[0]["status"] == "unreachable"
    await phone.unblocks()
    await phone.says("议程")
    assert (await ended(home, await announce(home, one)))[0]["status"] == "sent"


@on_the_shared_loop
async def test_who_unsubscribed_gets_no_broadcast_and_is_told_of_decisions(home: Station) -> None:
    one = await guest(home, follower(home), status="pending", decided_at=None)
    await says(one.phone, "退订")
    (row,) = await ended(home, await announce(home, one))
    assert (row["status"], row["error"]) == ("skipped", "unsubscribed")
    await confirms(home, one.reference)
    await told(home, f"D-{one.reference}-1", chat="sent", mail="sent")


@on_the_shared_loop
async def test_a_chat_that_moved_gets_it_at_once_under_its_new_id(home: Station) -> None:
    one = await guest(home, phone := writer(home), email=False)
    there = home.telegram.group(-1_001_000_000_000 - phone.user_id)
    phone.chat.moved_to = there.id
    for number in (1, 2):
        (row,) = await ended(home, await announce(home, one))
        assert (row["status"], row["route"], row["attempts"]) == ("sent", TELEGRAM, 1)
        assert [line.text for line in there.transcript.lines] == [WORDS] * number
    assert [given.text("chat_id") for name, given in home.telegram.api.calls if name == "sendmessage"][-3:] == [
        str(phone.user_id), str(there.id), str(there.id),
    ]  # fmt: skip


# Windows


@on_the_shared_loop
async def test_five_messages_within_48_hours_then_another_way_until_they_write_again(home: Station) -> None:
    one = await guest(home, follower(home))
    asked = calls(home, CALLS[MESSAGE])
    routes = [(await ended(home, await announce(home, one)))[0]["route"] for _ in range(6)]
    assert routes == [MESSAGE] * 5 + [EMAIL]
    assert calls(home, CALLS[MESSAGE]) == asked + 5, "the platform is not asked for a sixth"
    await one.phone.says("议程")
    assert (await ended(home, await announce(home, one)))[0]["route"] == MESSAGE


@on_the_shared_loop
async def test_six_at_once_do_not_take_more_than_the_five_that_are_left(home: Station) -> None:
    one = await guest(home, follower(home))
    asked = calls(home, CALLS[MESSAGE])
    names = await announce_at_once(home, 6, one)
    rows = [(await ended(home, name))[0] for name in names]
    assert Counter(row["route"] for row in rows) == {MESSAGE: 5, EMAIL: 1}
    assert len(arrived(home, one.phone)) == 5
    assert calls(home, CALLS[MESSAGE]) == asked + 5


@on_the_shared_loop
async def test_a_count_that_somebody_else_used_up_is_noticed_once(home: Station) -> None:
    """Another program of the same account has sent messages: only the platform knows."""
    one = await guest(home, phone := follower(home))
    for _ in range(4):
        assert phone.spend() == 0
    asked = calls(home, CALLS[MESSAGE])
    rows = [(await ended(home, await announce(home, one)))[0] for _ in range(3)]
    assert [(row["route"], row["attempts"]) for row in rows] == [(MESSAGE, 1), (EMAIL, 2), (EMAIL, 1)]
    assert calls(home, CALLS[MESSAGE]) == asked + 2


@on_the_shared_loop
async def test_the_window_of_a_message_closes_after_48_hours(home: Station) -> None:
    early, late = [await guest(home, follower(home)) for _ in range(2)]
    row = await contact(home.usher.database, late.phone)
    assert row
    assert row.message_until
    await home.wind(seconds=(row.message_until - home.now).total_seconds() - 20)
    assert (await ended(home, await announce(home, early)))[0]["route"] == MESSAGE
    asked = calls(home, CALLS[MESSAGE])
    await home.wind(seconds=(row.message_until - home.now).total_seconds())
    assert (await ended(home, await announce(home, late)))[0]["route"] == EMAIL
    assert calls(home, CALLS[MESSAGE]) == asked


@on_the_shared_loop
async def test_three_messages_within_a_minute_of_a_tap(home: Station) -> None:
    quick, slow, late = [await guest(home, follower(home), window="tap") for _ in range(3)]
    asked = calls(home, CALLS[MESSAGE])
    routes = [(await ended(home, await announce(home, quick)))[0]["route"] for _ in range(4)]
    assert routes == [MESSAGE] * 3 + [EMAIL]
    await home.wind(seconds=30)
    assert (await ended(home, await announce(home, slow)))[0]["route"] == MESSAGE
    await home.wind(seconds=30)
    assert (await ended(home, await announce(home, late)))[0]["route"] == EMAIL
    assert calls(home, CALLS[MESSAGE]) == asked + 4
