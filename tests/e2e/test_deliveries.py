"""What leaves later, from a decision, the clock or a command to the person's phone and mailbox, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import re
import shutil
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import vobject
import zxingcpp
from PIL import Image

from bot.commands import deciding, telling
from bot.errors import Misconfigured, Moved, Paused, Refused, RouteOff, TryLater, Unconfirmed, Unreachable, WindowClosed
from bot.registration.venue import Details
from bot.sandbox.trouble import Order
from bot.sandbox.wechat_xml import Bare, Value
from bot.store.outbox import Kind, Way
from tests.adapters.email import test_adapter as smtp
from tests.adapters.email.conftest import CUT, SILENCE
from tests.adapters.test_results import BY_CODE, CALLS, HTTP, LATE, STALE, TELEGRAMS, TOKENS, Row
from tests.conftest import ROOT, postgresql_url, sqlite_url
from tests.e2e.conftest import BOTH, NewDatabase, content_at_the_end, running, side_by_side
from tests.e2e.deliver import (
    LATER_THAN_USUAL,
    Guest,
    Station,
    announce,
    arrived,
    became,
    calls,
    confirms,
    ended,
    enrol,
    guest,
    lane_of,
    listed,
    rested,
    stands,
    station,
    tried,
    until,
)
from tests.e2e.talk import FORM, FORM_EN, Phone, contact, follower, lines, provoked, registers, says, talk, writer
from tests.served import Process, environment, free_port, platforms

on_the_shared_loop = pytest.mark.asyncio(loop_scope="session")
FIELDS = ["announcement", "kind", "reference", "way", "route", "status", "attempts", "error", "due_at", "sent_at"]
VENUE = Details(
    name_zh="示例大厦", name_en="Example Tower", address_zh="深圳市示例路1号", address_en="1 Example Road, Shenzhen",
    latitude=22.5431, longitude=114.0579,
)  # fmt: skip
MESSAGE, TEMPLATE, TELEGRAM = "wechat_message", "wechat_template", "telegram"


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=BOTH)
async def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Station]:
    """One station of each kind for many tests, each with people of its own."""
    if request.param == "sqlite":
        url = sqlite_url(tmp_path_factory.mktemp("station"))
    else:
        url = postgresql_url(request.getfixturevalue("postgresql"))
    async with station(url, NOW=LATER_THAN_USUAL) as home:
        yield home


@pytest_asyncio.fixture(loop_scope="session")
async def home(shared: Station) -> AsyncIterator[Station]:
    """The shared station while all is well; after each test the platforms have nothing to complain about."""
    shared.wechat.trouble.clear()
    shared.telegram.trouble.clear()
    shared.wechat.templates.telling = "after"
    shared.post.plays.clear()
    await rested(shared)
    async with content_at_the_end(shared):
        yield shared
    assert shared.telegram.limits.broken == []


@contextlib.asynccontextmanager
async def alone(database_url: str, **settings: str) -> AsyncIterator[Station]:
    """A station of the test's own."""
    async with station(database_url, **settings) as home, content_at_the_end(home):
        yield home


# Told of a decision


@on_the_shared_loop
async def test_who_is_confirmed_is_told_in_the_chat_and_by_mail_with_calendar_and_ticket(home: Station) -> None:
    wang, address = follower(home), "wang-the-first@example.com"
    reference = await registers(wang, *FORM[:8], address)
    decided = await asyncio.to_thread(deciding.confirm, home.usher.settings, home.usher.clock, [reference])
    assert [str(one) for one in decided] == [f"{reference}: confirmed, was pending"]
    chat, mail = await ended(home, f"D-{reference}-1")  # the command is a process of its own: the lanes notice
    assert [list(row) for row in (chat, mail)] == [FIELDS, FIELDS]
    due, sent = chat.pop("due_at"), chat.pop("sent_at")
    assert timedelta() <= datetime.fromisoformat(sent) - datetime.fromisoformat(due) < timedelta(seconds=5)
    assert chat == {
        **{"announcement": f"D-{reference}-1", "kind": "decision", "reference": reference, "way": "chat"},
        **{"route": MESSAGE, "status": "sent", "attempts": 1, "error": None},
    }
    assert (mail["way"], mail["route"], mail["status"], mail["due_at"]) == ("mail", "email", "sent", due)
    told = lines(wang)[-1]
    assert f"王芳您好，您的报名（{reference}）已确认！" in told
    assert address in told
    await _the_mail_brings_all_that_one_needs(home, address, reference, told)


async def _the_mail_brings_all_that_one_needs(home: Station, address: str, reference: str, told: str) -> None:
    (mail,) = home.mails(address)
    assert reference in mail.text
    assert reference in mail.html
    parts = {part.kind: part for part in mail.attachments}
    entry = vobject.readOne(parts["text/calendar"].content.decode())
    assert (entry.method.value, entry.vevent.sequence.value) == ("REQUEST", "0")
    assert reference in entry.vevent.uid.value
    assert entry.vevent.dtstart.value == datetime.fromisoformat("2019-10-22T09:30:00+08:00")
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(parts["image/png"].content)).convert("L"))
    assert code.text in mail.text
    assert code.text in told
    async with httpx.AsyncClient(trust_env=False) as client:
        ticket = await client.get(code.text)
    assert ticket.status_code == 200
    assert reference in ticket.text


@on_the_shared_loop
async def test_who_registered_on_telegram_is_told_there_in_english(home: Station) -> None:
    ann, address = writer(home, "en"), "ann-the-first@example.com"
    reference = await registers(ann, *FORM_EN[:8], address)
    await confirms(home, reference)
    chat, mail = await ended(home, f"D-{reference}-1")
    assert (chat["route"], chat["status"], mail["status"]) == (TELEGRAM, "sent", "sent")
    assert f"Hello Ann Lee, your registration ({reference}) is confirmed!" in lines(ann)[-1]
    assert "Ann Lee" in home.mails(address)[0].text


@on_the_shared_loop
async def test_a_colleague_is_told_by_mail_and_the_chat_is_asked_to_pass_it_on(home: Station) -> None:
    wang, address = follower(home), "li-the-colleague@example.com"
    await registers(wang, *FORM[:8], "wang-the-second@example.com")
    await says(wang, "替同事报名", "同意", "和我一样", "李雷", "跳过", "13900139000")
    reference = re.findall(r"FFS-\w{6}", await says(wang, address, "确认"))[-1]
    await confirms(home, reference)
    chat, mail = await ended(home, f"D-{reference}-1")
    assert (chat["route"], chat["status"], mail["route"], mail["status"]) == (MESSAGE, "sent", "email", "sent")
    assert "请转告您的同事李雷" in lines(wang)[-1]
    assert len(home.mails(address)) == 1


@on_the_shared_loop
async def test_who_was_declined_is_told_and_what_had_not_left_before_is_not(home: Station) -> None:
    home.wechat.order("down", True)
    one = await guest(home, follower(home), status="pending", decided_at=None)
    await confirms(home, one.reference)
    await became(home, f"D-{one.reference}-1", "queued", attempts=1, way="chat")
    await asyncio.to_thread(deciding.decline, home.usher.settings, home.usher.clock, [one.reference])
    home.wechat.order("down", False)
    before = await stands(home, f"D-{one.reference}-1", chat="skipped")
    assert before["chat"]["error"] == "a later decision took its place"
    await stands(home, f"D-{one.reference}-2", chat="sent", mail="sent")
    await home.wind(minutes=1)
    assert [text.partition("（")[0] for text in arrived(home, one.phone)] == ["王芳您好，感谢您报名"]


# By template


@on_the_shared_loop
@pytest.mark.parametrize("telling", ["after", "before"])
async def test_where_the_window_is_closed_a_template_tells(home: Station, telling: str) -> None:
    """`before`: the platform reports the end before its answer to our call."""
    home.wechat.templates.telling = telling  # type: ignore[assignment]
    one = await guest(home, follower(home), window="", status="pending", decided_at=None)
    await confirms(home, one.reference)
    rows = await stands(home, f"D-{one.reference}-1", chat="sent", mail="sent")
    assert (rows["chat"]["route"], rows["chat"]["attempts"], rows["chat"]["error"]) == (TEMPLATE, 1, None)
    (told,) = arrived(home, one.phone)
    assert told.startswith("报名结果通知\n家庭友好空间分享会\n2019年10月22日 9:30\n")
    assert lines(one.phone)[-1] == told


@on_the_shared_loop
@pytest.mark.parametrize(
    ("status", "ends_as", "route"),
    [("success", "sent", TEMPLATE), ("failed:user block", "sent", "email"), ("failed: system failed", "sent", "email")],
)
async def test_a_template_message_is_on_its_way_until_the_platform_reports_its_end(
    home: Station, status: str, ends_as: str, route: str
) -> None:
    home.wechat.templates.telling = "never"
    one = await guest(home, follower(home), window="")
    name = await announce(home, one, kind=Kind.REMINDER)
    receipt = await _receipt(home, name)
    assert (await became(home, name, "sending"))["route"] == TEMPLATE
    for _ in range(2):  # a push may come again
        (answer,) = await home.wechat.push(_finished(home, one, receipt, status))
        assert answer.body == b"success"
        assert (await became(home, name, ends_as))["route"] == route
    failed = [] if status == "success" else [(TEMPLATE, status)]
    assert await tried(home, name) == failed
    assert len(home.mails(one.email)) == len(failed)
    assert calls(home, CALLS[TEMPLATE]) - len(failed) >= 0


async def _receipt(home: Station, name: str) -> str:
    found: list[str] = []
    while not found:
        found = await stored_receipts(home, name)
        await asyncio.sleep(0.01)
    return found[0]


def _finished(home: Station, one: Guest, receipt: str, status: str) -> dict[str, Value]:
    head: dict[str, Value] = {"ToUserName": home.wechat.original_id, "FromUserName": one.phone.openid}
    head |= {"CreateTime": int(home.now.timestamp()), "MsgType": "event", "Event": "TEMPLATESENDJOBFINISH"}
    return {**head, "MsgID": Bare(receipt), "Status": status}
