"""What leaves later, from a decision, the clock or a command to the person's phone and mailbox, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import vobject
import zxingcpp
from PIL import Image

from bot.adapters.wechat import templates
from bot.clock import Clock
from bot.commands import deciding, telling
from bot.delivery import pacer
from bot.delivery.templates import IN_SHORT
from bot.errors import Misconfigured, RouteOff, TryLater, Unreachable, UsherError, WindowClosed
from bot.registration.venue import Details
from bot.sandbox.wechat_phone import Phone as Follower
from bot.sandbox.wechat_xml import Bare, Value
from bot.settings import Settings, read
from bot.store.database import Database
from bot.store.outbox import Kind, Way
from tests.adapters.test_results import CALLS, Row
from tests.conftest import ROOT, postgresql_url, sqlite_url
from tests.e2e.conftest import BOTH, NewDatabase, running, side_by_side
from tests.e2e.deliver import LATER_THAN_USUAL, TEXTS, WORDS, Guest, Station, alone, enrol, guest, station, until
from tests.e2e.deliver_reminders import two_weeks
from tests.e2e.deliver_rows import (
    announce,
    announce_at_once,
    arrived,
    became,
    calls,
    confirms,
    ended,
    lane_of,
    listed,
    receipt_of,
    told,
    tried,
)
from tests.e2e.deliver_table import EMAIL, MAILS, MESSAGE, ROWS, TELEGRAM, TEMPLATE, ends_as, how
from tests.e2e.deliver_trouble import never_again, silence
from tests.e2e.talk import FORM, FORM_EN, contact, content_with, follower, lines, registers, says, talk, writer
from tests.served import Platforms, Process, environment, free_port, platforms

on_the_shared_loop = pytest.mark.asyncio(loop_scope="session")
FIELDS = ["announcement", "kind", "reference", "way", "route", "status", "attempts", "error", "due_at", "sent_at"]
VENUE = Details("示例大厦", "Example Tower", "深圳市示例路1号", "1 Example Road, Shenzhen", 22.5431, 114.0579)


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=BOTH)
async def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Station]:
    """One station on each kind of database for many tests, each with people of its own."""
    if request.param == "sqlite":
        url = sqlite_url(tmp_path_factory.mktemp("station"))
    else:
        url = postgresql_url(request.getfixturevalue("postgresql"))
    async with station(url, NOW=LATER_THAN_USUAL) as home:
        yield home


@pytest_asyncio.fixture(loop_scope="session")
async def home(shared: Station) -> AsyncIterator[Station]:
    """The shared station, where all is well; after each test the platforms have nothing to complain about."""
    await shared.as_new()
    yield shared
    content_with(shared)
    assert shared.telegram.limits.broken == []


# A decision is told


@on_the_shared_loop
async def test_who_is_confirmed_is_told_in_the_chat_and_by_mail_with_calendar_and_ticket(home: Station) -> None:
    wang, address = follower(home), "wang-1@example.com"
    reference = await registers(wang, *FORM[:8], address)
    decided = await asyncio.to_thread(deciding.confirm, home.usher.settings, home.usher.clock, [reference])
    assert [str(one) for one in decided] == [f"{reference}: confirmed, was pending"]
    rows = await told(home, f"D-{reference}-1", chat="sent", mail="sent")  # the lanes notice what a command wrote
    chat, mail = dict(rows["chat"]), dict(rows["mail"])
    assert list(chat) == list(mail) == FIELDS
    due, sent = chat.pop("due_at"), chat.pop("sent_at")
    assert datetime.fromisoformat(due) <= datetime.fromisoformat(sent)
    assert chat == {
        **{"announcement": f"D-{reference}-1", "kind": "decision", "reference": reference, "way": "chat"},
        **{"route": MESSAGE, "status": "sent", "attempts": 1, "error": None},
    }
    assert (mail["route"], mail["attempts"], mail["error"], mail["due_at"]) == (EMAIL, 1, None, due)
    shown = lines(wang)[-1]
    assert shown.startswith(f"王芳您好，您的报名（{reference}）已确认！")
    assert address in shown
    await _the_mail_brings_all_that_one_needs(home, address, reference, shown)


async def _the_mail_brings_all_that_one_needs(home: Station, address: str, reference: str, shown: str) -> None:
    (mail,) = home.mails(address)
    for text in (mail.text, mail.html):
        assert reference in text
    assert len(re.findall(rb"(?m)^Message-ID: <[0-9]+-[0-9a-f]{16}@example\.org>\r?$", mail.raw)) == 1
    parts = {part.kind: part for part in mail.attachments}
    entry = vobject.readOne(parts["text/calendar"].content.decode())
    assert (entry.method.value, entry.vevent.sequence.value) == ("REQUEST", "0")
    assert reference in entry.vevent.uid.value
    assert entry.vevent.dtstart.value == datetime.fromisoformat("2019-10-22T09:30:00+08:00")
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(parts["image/png"].content)).convert("L"))
    for text in (mail.text, shown):
        assert code.text in text
    async with httpx.AsyncClient(trust_env=False) as client:
        ticket = await client.get(code.text)
    assert ticket.status_code == 200
    assert reference in ticket.text


@on_the_shared_loop
async def test_who_registered_on_telegram_is_told_there_in_english(home: Station) -> None:
    ann, address = writer(home, "en"), "ann-1@example.com"
    reference = await registers(ann, *FORM_EN[:8], address)
    await confirms(home, reference)
    rows = await told(home, f"D-{reference}-1", chat="sent", mail="sent")
    assert (rows["chat"]["route"], rows["mail"]["route"]) == (TELEGRAM, EMAIL)
    assert lines(ann)[-1].startswith(f"Hello Ann Lee, your registration ({reference}) is confirmed!")
    assert "Hello Ann Lee" in home.mails(address)[0].text


@on_the_shared_loop
async def test_a_colleague_is_told_by_mail_and_the_chat_is_asked_to_pass_it_on(home: Station) -> None:
    wang, address = follower(home), "li-1@example.com"
    await registers(wang, *FORM[:8], "wang-2@example.com")
    await says(wang, "替同事报名", "同意", "和我一样", "李雷", "跳过", "13900139000", address)
    reference = re.findall(r"FFS-\w{6}", await says(wang, "确认"))[-1]
    await confirms(home, reference)
    await told(home, f"D-{reference}-1", chat="sent", mail="sent")
    assert lines(wang)[-1].startswith("请转告您的同事李雷：\n李雷您好，您的报名")
    assert len(home.mails(address)) == 1


@on_the_shared_loop
async def test_a_later_decision_takes_the_place_of_one_that_has_not_left(home: Station) -> None:
    await home.down(home.wechat)
    one = await guest(home, follower(home), email=False, status="pending", decided_at=None)
    await confirms(home, one.reference)
    await _queued_again(home, f"D-{one.reference}-1")
    await asyncio.to_thread(deciding.decline, home.usher.settings, home.usher.clock, [one.reference])
    home.up(home.wechat)
    await home.wind(minutes=1)
    await told(home, f"D-{one.reference}-2", chat="sent", mail="unreachable")
    before = await told(home, f"D-{one.reference}-1", chat="skipped", mail="unreachable")
    assert before["chat"]["error"] == "a later decision took its place"
    assert [text.partition("（")[0] for text in arrived(home, one.phone)] == ["王芳您好，感谢您报名"]


async def _queued_again(home: Station, name: str) -> None:
    """The first try of the chat's delivery has failed."""
    end = asyncio.get_running_loop().time() + 10
    while not any(
        row["way"] == "chat" and row["status"] == "queued" and row["error"] for row in await listed(home, name)
    ):
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.01)


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


# Told in short, and nobody reached


@on_the_shared_loop
async def test_who_was_told_in_short_reads_it_first_when_they_next_write(home: Station) -> None:
    one = await guest(home, follower(home), window="", email=False)
    names = [await announce(home, one), await announce(home, one, texts={"zh": {"text": "停车场已满。"}})]
    for name in names:
        row = await became(home, name, "sent")
        assert (row["route"], row["error"]) == (TEMPLATE, IN_SHORT)
    shown = await one.phone.says("议程")
    assert shown.startswith(f"{WORDS}\n——\n停车场已满。\n——\n")
    assert "6. " in shown
    for name in names:
        row = await became(home, name, "sent")
        assert (row["route"], row["attempts"], row["error"]) == (TEMPLATE, 1, None)
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
    assert routes == [MESSAGE] * 5 + [TEMPLATE]
    assert calls(home, CALLS[MESSAGE]) == asked + 5, "the platform is not asked for a sixth"
    await one.phone.says("议程")
    assert (await ended(home, await announce(home, one)))[0]["route"] == MESSAGE


@on_the_shared_loop
async def test_six_at_once_do_not_take_more_than_the_five_that_are_left(home: Station) -> None:
    one = await guest(home, follower(home))
    asked = calls(home, CALLS[MESSAGE])
    names = await announce_at_once(home, 6, one)
    rows = [(await ended(home, name))[0] for name in names]
    assert Counter(row["route"] for row in rows) == {MESSAGE: 5, TEMPLATE: 1}
    assert len(arrived(home, one.phone)) == 6
    assert calls(home, CALLS[MESSAGE]) == asked + 5


@on_the_shared_loop
async def test_a_count_that_somebody_else_used_up_is_noticed_once(home: Station) -> None:
    """Another program of the same account has sent messages: only the platform knows."""
    one = await guest(home, phone := follower(home))
    for _ in range(4):
        assert phone.spend() == 0
    asked = calls(home, CALLS[MESSAGE])
    rows = [(await ended(home, await announce(home, one)))[0] for _ in range(3)]
    assert [(row["route"], row["attempts"]) for row in rows] == [(MESSAGE, 1), (TEMPLATE, 2), (TEMPLATE, 1)]
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
    assert (await ended(home, await announce(home, late)))[0]["route"] == TEMPLATE
    assert calls(home, CALLS[MESSAGE]) == asked


@on_the_shared_loop
async def test_three_messages_within_a_minute_of_a_tap(home: Station) -> None:
    quick, slow, late = [await guest(home, follower(home), window="tap") for _ in range(3)]
    asked = calls(home, CALLS[MESSAGE])
    routes = [(await ended(home, await announce(home, quick)))[0]["route"] for _ in range(4)]
    assert routes == [MESSAGE] * 3 + [TEMPLATE]
    await home.wind(seconds=30)
    assert (await ended(home, await announce(home, slow)))[0]["route"] == MESSAGE
    await home.wind(seconds=30)
    assert (await ended(home, await announce(home, late)))[0]["route"] == TEMPLATE
    assert calls(home, CALLS[MESSAGE]) == asked + 4


# What the platforms answer


@on_the_shared_loop
@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_what_becomes_of_a_message_by_what_the_platform_answers(
    home: Station, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each answer means stands in tests/adapters/test_results.py."""
    monkeypatch.setattr(templates, "_WAITS", (0.01, 0.01))
    monkeypatch.setattr(pacer, "A_CHAT", 0.05)  # what was refused may be sent again before a second is over
    phone = writer(home) if row.route == TELEGRAM else follower(home)
    one = await guest(home, phone, window="message" if row.route == MESSAGE else "")
    home.usher.adapters["wechat"]._api._token = ""
    platform = home.telegram if row.route == TELEGRAM else home.wechat
    for order in row.orders:
        platform.trouble.next(row.call or CALLS[row.route], order)
    asked = calls(home, CALLS[row.route])
    name = await announce(home, one, kind=Kind.REMINDER)
    await ends_as(home, name, row.means, row.words, row.route)
    again = row.means is not None and issubclass(row.means, TryLater | Misconfigured)  # Paused is a TryLater
    assert calls(home, CALLS[row.route]) == asked + row.tries + again
    by_template = row.route == MESSAGE and row.means is not None and issubclass(row.means, WindowClosed | RouteOff)
    assert len(arrived(home, phone)) == row.arrived + again + by_template
    if row.means is Unreachable:
        blocked = await contact(home.usher.database, phone)
        assert blocked
        assert blocked.blocked_at


@on_the_shared_loop
@pytest.mark.parametrize(
    ("step", "does", "means", "says"),
    MAILS,
    ids=[f"{row[0]} {row[1]}"[:20] for row in MAILS],
)
async def test_what_becomes_of_a_mail_by_what_the_server_answers(
    home: Station, step: str, does: object, means: type[UsherError], says: str
) -> None:
    """What each answer means stands in tests/adapters/email/test_adapter.py."""
    home.hang_up()
    one = await guest(home, writer(home))
    home.post.plays = {step: does}
    name = await announce(home, one, ways=(Way.MAIL,))
    if means is Unreachable:
        row = await became(home, name, "unreachable")
        assert says in row["error"]
    else:
        await ends_as(home, name, means, re.escape(says), EMAIL)
    assert len(home.mails(one.email)) == issubclass(means, TryLater | Misconfigured)


# Trouble that ends, and trouble that does not


@on_the_shared_loop
async def test_whoever_is_down_gets_it_when_back_however_long_that_takes(home: Station) -> None:
    wang, ann = await guest(home, follower(home)), await guest(home, writer(home))
    for platform in (home.wechat, home.telegram):
        await home.down(platform)
    names = [await announce(home, one) for one in (wang, ann)]
    for name in names:
        row = await became(home, name, "queued", lambda row: row["error"])
        assert "no connection" in row["error"]
    for platform in (home.wechat, home.telegram):
        home.up(platform)
    assert [how(await became(home, name, "sent")) for name in names] == [(MESSAGE, 1), (TELEGRAM, 1)]
    assert [arrived(home, one.phone) for one in (wang, ann)] == [[WORDS], [WORDS]]
    await home.down(home.wechat)
    name = await announce(home, wang)
    await became(home, name, "queued", lambda row: row["error"])
    for _ in range(5):
        await home.resting(home.wechat)
        await home.wind(minutes=10)
        await home.rested()
        assert how(await became(home, name, "queued")) == (MESSAGE, 0)
    await home.resting(home.wechat)
    home.up(home.wechat)
    await home.rested()
    assert how(await became(home, name, "sent")) == (MESSAGE, 1)


@on_the_shared_loop
async def test_a_flood_limit_stops_everybody_and_loses_nobody(home: Station) -> None:
    guests = [await guest(home, writer(home)) for _ in range(3)]
    flooded, asked = home.telegram.api.flooded, calls(home, CALLS[TELEGRAM])
    home.telegram.api.flood(1.0)
    name = await announce(home, *guests)
    assert [how(row) for row in await ended(home, name)] == [(TELEGRAM, 1)] * 3
    assert [arrived(home, one.phone) for one in guests] == [[WORDS]] * 3
    refused = home.telegram.api.flooded - flooded
    assert 1 <= refused <= 3
    assert calls(home, CALLS[TELEGRAM]) == asked + 3 + refused
    assert "Telegram 429" in (await lane_of(home, f"telegram:{home.telegram.bot['id']}")).reason


async def test_what_nobody_knows_about_is_never_sent_again(new_database: NewDatabase) -> None:
    await side_by_side(*(never_again(new_database(kind)) for kind in BOTH))


async def test_who_says_nothing_is_not_waited_for_and_what_it_did_is_not_guessed(new_database: NewDatabase) -> None:
    """In real time: a call has to end before its lane cuts it off, because a lane does not know what was written."""
    steps = {"CONTENT": ("unconfirmed", "no answer"), "GREETING": ("queued", "SMTPConnectTimeoutError|TimeoutError")}
    await side_by_side(*(silence(new_database(kind), *step) for kind, step in zip(BOTH, steps.items(), strict=True)))


# The clock


async def test_the_reminders_of_a_conference_from_two_weeks_before_to_its_morning(new_database: NewDatabase) -> None:
    await side_by_side(*(two_weeks(new_database(kind)) for kind in BOTH))


# Seats, and the venue


@pytest.fixture
def one_seat(tmp_path: Path) -> str:
    """A content folder of an event with one seat, given to whoever comes first."""
    folder = tmp_path / "content"
    shutil.copytree(ROOT / "content", folder)
    event = (folder / "event.toml").read_text(encoding="utf-8")
    for old, new in (("capacity = 0", "capacity = 1"), ("auto_confirm = false", "auto_confirm = true")):
        assert event.count(f"\n{old}\n") == 1
        event = event.replace(f"\n{old}\n", f"\n{new}\n")
    (folder / "event.toml").write_text(event, encoding="utf-8")
    return str(folder)


async def test_a_seat_that_is_given_back_goes_to_the_first_of_the_waiting_list_who_is_told(
    database_url: str, one_seat: str
) -> None:
    async with alone(database_url, CONTENT=one_seat) as home:
        wang, li, zhao = (follower(home), writer(home), follower(home))
        mine, first, second = [
            await registers(phone, *FORM[:8], f"guest-{number}@example.com")
            for number, phone in enumerate((wang, li, zhao), 1)
        ]
        await told(home, f"D-{mine}-1", mail="sent")  # the reply said so in the chat
        await talk(wang, ("取消报名", "确定"), ("[确定取消]", mine))
        rows = await told(home, f"D-{first}-1", chat="sent", mail="sent")
        assert rows["chat"]["route"] == TELEGRAM
        assert "您已从候补名单递补" in lines(li)[-1]
        await told(home, f"D-{mine}-2", mail="sent")
        assert [await _of_calendar(home, number) for number in (1, 2, 3)] == [["REQUEST", "CANCEL"], ["REQUEST"], []]
        assert "候补" in await says(zhao, "我的报名")
        assert second in lines(zhao)[-1]


async def _of_calendar(home: Station, number: int) -> list[str]:
    """What the calendar entries in somebody's mails ask for, in order."""
    parts = [part for mail in home.mails(f"guest-{number}@example.com") for part in mail.attachments]
    entries = [vobject.readOne(part.content.decode()) for part in parts if part.kind == "text/calendar"]
    assert len({entry.vevent.uid.value for entry in entries}) <= 1
    return [entry.method.value for entry in entries]


async def test_the_venue_reaches_every_answer_and_by_a_broadcast_everybody_with_a_pin_or_a_map(
    new_database: NewDatabase,
) -> None:
    await side_by_side(*(_with_the_venue(new_database(kind)) for kind in BOTH))


async def _with_the_venue(url: str) -> None:
    async with alone(url) as home:
        wang, ann = await guest(home, follower(home)), await guest(home, writer(home), language="en")
        mailed = await guest(home, writer(home))
        await mailed.phone.blocks()
        undecided = await guest(home, writer(home), status="pending", decided_at=None)
        assert "示例大厦" not in await wang.phone.says("会场在哪")
        settings, clock = home.usher.settings, home.usher.clock
        await asyncio.to_thread(telling.publish_venue, settings, clock, VENUE)
        assert "示例大厦" in await wang.phone.says("会场在哪")
        said = telling.Broadcast("{name}您好，会场定了。", "Hello {name}, the venue is fixed.", with_venue=True)
        name = await asyncio.to_thread(telling.broadcast, settings, clock, said, again=False)
        rows = {row["reference"]: row["route"] for row in await ended(home, name)}
        assert rows == {wang.reference: MESSAGE, ann.reference: TELEGRAM, mailed.reference: EMAIL}
        shown = lines(wang.phone)[-1]
        for part in ("王芳您好，会场定了。", "示例大厦", "深圳市示例路1号", "看地图：https://uri.amap.com/marker?"):
            assert part in shown
        await until(lambda: len(arrived(home, ann.phone)) == 2)
        words, pin = arrived(home, ann.phone)
        assert words.startswith("Hello 王芳, the venue is fixed.")
        assert pin == "📍 Example Tower\n1 Example Road, Shenzhen"
        (mail,) = home.mails(mailed.email)
        assert "深圳市示例路1号" in mail.text
        entry = next(part for part in mail.attachments if part.kind == "text/calendar")
        assert "示例大厦" in vobject.readOne(entry.content.decode()).vevent.location.value
        assert arrived(home, undecided.phone) == []


# Accounts that may do less, and the end of the process


async def test_an_account_that_may_only_answer_shows_it_when_they_next_write(database_url: str) -> None:
    async with alone(database_url, WECHAT_ACCOUNT="subscription", WECHAT_VERIFIED="false") as home:
        home.wechat.account, home.wechat.verified = "subscription", False
        undecided = {"status": "pending", "decided_at": None}
        wang = await guest(home, follower(home), **undecided)
        li = await guest(home, follower(home), email=False, **undecided)
        await confirms(home, wang.reference, li.reference)
        rows = await told(home, f"D-{wang.reference}-1", chat="waiting", mail="sent")
        assert rows["chat"]["error"] == "this WeChat account can only answer; told by e-mail"
        assert len(home.mails(wang.email)) == 1
        rows = await told(home, f"D-{li.reference}-1", chat="waiting", mail="unreachable")
        assert rows["chat"]["error"] == "this WeChat account can only answer; no e-mail address"
        assert rows["mail"]["error"] == "no e-mail address"
        name = await announce(home, li)
        await became(home, name, "waiting")
        shown = await li.phone.says("议程")
        assert shown.startswith(f"王芳您好，您的报名（{li.reference}）已确认！")
        assert f"\n——\n{WORDS}\n——\n" in shown
        assert (await became(home, name, "sent"))["route"] == "wechat_reply"
        assert home.wechat.api.calls == []


async def test_sigterm_in_the_middle_of_a_broadcast_leaves_nothing_unconfirmed(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    await side_by_side(*(_stopped_midway(new_database(kind), tmp_path / kind) for kind in BOTH))


async def _stopped_midway(url: str, folder: Path) -> None:
    folder.mkdir()
    port = free_port()
    async with platforms(port) as played:
        env = environment(url, port, played.url)
        with running(Process(env, folder, port)) as process:
            await process.start()
            settings = read(env)
            name, crowd = await asyncio.to_thread(_broadcast_to_a_crowd, settings, played)
            played.wechat.trouble.slow = 0.2
            played.wechat.order("slow", True)
            took = played.wechat.api.accepted
            await until(lambda: len(took) >= 60)
            assert await asyncio.to_thread(process.stop) == 0
            rows = await asyncio.to_thread(_counted, settings, name)
        assert set(rows) == {"sent", "queued"}
        assert rows["sent"] == len(took) == len({one.to for one in took})
        assert rows.total() == crowd
        assert played.wechat.violations == []


def _broadcast_to_a_crowd(settings: Settings, played: Platforms) -> tuple[str, int]:
    """By the command, to 300 people on WeChat; the announcement and how many."""
    clock, people = Clock(settings.now), [follower(played) for _ in range(300)]
    with contextlib.closing(Database(settings.database_url)) as database:
        database.write_now(lambda session: [enrol(session, played, phone, clock.now()) for phone in people])
    said = telling.Broadcast(TEXTS["zh"]["text"], TEXTS["en"]["text"])
    return telling.broadcast(settings, clock, said, again=False), len(people)


def _counted(settings: Settings, name: str) -> Counter[str]:
    """How many lines of `usher deliveries` stand in each status."""
    return Counter(json.loads(line)["status"] for line in telling.deliveries(settings, name))
