"""A decision is told: from a command to the person's phone and mailbox."""

from __future__ import annotations

import asyncio
import io
import re
from datetime import datetime

import httpx
import pytest
import vobject
import zxingcpp
from PIL import Image

from bot.commands import deciding
from tests.e2e.deliver import Station, guest
from tests.e2e.deliver_rows import (
    arrived,
    confirms,
    listed,
    told,
)
from tests.e2e.deliver_table import EMAIL, MESSAGE, TELEGRAM
from tests.e2e.talk import FORM, FORM_EN, follower, lines, registers, says, writer

on_the_shared_loop = pytest.mark.asyncio(loop_scope="session")
FIELDS = ["announcement", "kind", "reference", "way", "route", "status", "attempts", "error", "due_at", "sent_at"]


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
