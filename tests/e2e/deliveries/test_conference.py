"""A conference as a whole, each in a house of its own: reminders, seats, the venue, and accounts that may do less."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
import vobject

from bot.commands import telling
from bot.registration.venue import Details
from tests.conftest import ROOT
from tests.e2e.conftest import BOTH, NewDatabase, side_by_side
from tests.e2e.deliver import WORDS, Station, alone, guest, until
from tests.e2e.deliver_reminders import two_weeks
from tests.e2e.deliver_rows import (
    announce,
    arrived,
    became,
    confirms,
    ended,
    told,
)
from tests.e2e.deliver_table import EMAIL, MESSAGE, TELEGRAM
from tests.e2e.talk import FORM, follower, lines, registers, says, talk, writer

VENUE = Details("示例大厦", "Example Tower", "深圳市示例路1号", "1 Example Road, Shenzhen", 22.5431, 114.0579)


async def test_the_reminders_of_a_conference_from_two_weeks_before_to_its_morning(new_database: NewDatabase) -> None:
    await side_by_side(*(two_weeks(new_database(kind)) for kind in BOTH))


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
        mailed = await guest(home, follower(home), window="")
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
