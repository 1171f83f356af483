"""The demo page's later hours in a real browser: the clock is wound on, mails arrive, switches say that they are on."""

from __future__ import annotations

import asyncio
import os
import pathlib
import smtplib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from bot.clock import Clock
from bot.sandbox.clock_page import Hooks
from bot.sandbox.mailbox import Mailbox
from bot.sandbox.page import Sandbox
from bot.sandbox.telegram import TelegramPlatform
from bot.sandbox.transcript import Part
from bot.sandbox.wechat import WeChatPlatform
from bot.serve import bound, server
from tests.chromium import opened
from tests.letters import letter, post, send_template

pytestmark = pytest.mark.asyncio(loop_scope="session")
WIDE, PHONE = 1280, 390
TEMPLATE = "活动提醒\n活动名称：{{thing1.DATA}}\n活动时间：{{time2.DATA}}\n活动地点：{{thing3.DATA}}"
TICKET = "https://usher.example.org/ticket/abc"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


class Desk:
    """The page on a port of its own, and what stands behind it."""

    def __init__(self) -> None:
        self.clock = Clock(datetime(2019, 10, 8, 1, tzinfo=UTC))
        self.mailbox = Mailbox(self.clock)
        self.wechat = WeChatPlatform(
            "wx0123456789abcdef", "secret", "token", AES_KEY, "safe", "http://127.0.0.1:1/wechat/webhook", self.clock
        )
        self.telegram = TelegramPlatform("123456789:AAtest_token", self.clock)
        self.wechat.templates.texts["reminder"] = TEMPLATE
        self.wechat.templates.telling = "never"
        self.due: datetime | None = datetime(2019, 10, 15, 2, tzinfo=UTC)
        self.deeds_done: list[str] = []
        self.url = ""

    async def next_due(self) -> datetime | None:
        """The reminder of a week before; none once that is past."""
        return self.due if self.due and self.clock.now() < self.due else None

    async def tick(self) -> None:
        """Writes to everybody on both phones, as a reminder does, when it is due."""
        if self.due and self.clock.now() >= self.due:
            for phone in (*self.wechat.phones.values(), *self.telegram.phones.values()):
                phone.transcript.add("bot", self.clock.now(), (Part("下周见！"),))

    async def confirm(self) -> None:
        """What an organizer does."""
        self.deeds_done.append("confirm")

    async def sends_template(self, fields: dict[str, str]) -> None:
        """The bot sends a template message to whoever stands at the page."""
        (phone,) = self.wechat.phones.values()
        phone.following = True
        assert (await send_template(self.wechat, phone.openid, "reminder", fields, TICKET))["errcode"] == 0

    async def sends_venue(self, title: str, address: str) -> None:
        """The bot sends a place to whoever stands at the page."""
        (phone,) = self.telegram.phones.values()
        phone.chat.known = True
        where = {"latitude": 22.5405, "longitude": 113.9345, "title": title, "address": address}
        transport = httpx.ASGITransport(Starlette(routes=self.telegram.routes()))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://x/bot{self.telegram.token}/") as api:
            assert (await api.post("sendVenue", json={"chat_id": phone.chat.id, **where})).status_code == 200


@pytest_asyncio.fixture(loop_scope="session")
async def desk() -> AsyncIterator[Desk]:
    """The page, served."""
    made = Desk()
    await made.mailbox.open()
    hooks = Hooks(next_due=made.next_due, tick=made.tick, deeds={"confirm": made.confirm})
    app = Starlette(routes=Sandbox(made.wechat, made.telegram, made.clock, made.mailbox, hooks).routes())
    listening, opened = bound("127.0.0.1", 0), asyncio.Event()

    async def note() -> None:
        opened.set()

    web = server(app, note)
    serving = asyncio.create_task(web.serve(sockets=[listening]))
    await opened.wait()
    made.url = f"http://127.0.0.1:{listening.getsockname()[1]}/sandbox/"
    yield made
    web.should_exit = True
    await serving
    await made.mailbox.aclose()


class Visit:
    """One look at the page."""

    def __init__(self, page: Any, troubles: list[str]) -> None:
        self.page, self.troubles = page, troubles

    async def picture(self, name: str, folder: pathlib.Path) -> None:
        await self.page.screenshot(path=pathlib.Path(os.environ.get("SCREENSHOTS", folder)) / f"{name}.png")

    async def size(self) -> list[int]:
        wide_and_high = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        return list(await self.page.evaluate(wide_and_high))


async def _visit(browser: Any, desk: Desk, width: int, language: str) -> Visit:
    return Visit(*await opened(browser, desk.url, width, language))


async def test_winding_the_clock_on_brings_the_reminder_at_once(browser: Any, desk: Desk) -> None:
    visit = await _visit(browser, desk, WIDE, "en-US")
    page, clock = visit.page, visit.page.locator("#clock")
    assert await clock.text_content() == "2019-10-08 09:00"
    await page.get_by_role("button", name="+1 hour").click()
    await page.get_by_text("2019-10-08 10:00").wait_for()
    await page.get_by_role("button", name="+1 day").click()
    await page.get_by_text("2019-10-09 10:00").wait_for()
    assert await page.locator(".log li").count() == 0
    await page.get_by_role("button", name="Next reminder").click()
    await page.get_by_text("2019-10-15 10:00").wait_for()
    for phone in ("#wechat", "#telegram"):
        await page.locator(f"{phone} .log .bot", has_text="下周见！").wait_for()
        assert await page.locator(f"{phone} .log .day").all_text_contents() == ["Tue, Oct 15, 2019"]
    await page.get_by_role("button", name="Next reminder").click()
    await page.get_by_text("No reminder is waiting to be sent.").wait_for()
    await page.get_by_label("Time to wind on to").fill("2019-10-22T09:30")
    await page.get_by_role("button", name="Wind on", exact=True).click()
    await page.get_by_text("2019-10-22 09:30").wait_for()
    assert await page.get_by_text("No reminder is waiting").count() == 0
    assert visit.troubles == ["Failed to load resource: the server responded with a status of 409 (Conflict)"]
    await page.context.close()


async def test_a_time_that_is_past_is_not_taken(browser: Any, desk: Desk) -> None:
    visit = await _visit(browser, desk, WIDE, "zh-CN")
    page = visit.page
    await page.get_by_label("拨到这个时间").fill("2019-10-01T09:30")
    await page.get_by_role("button", name="拨快", exact=True).click()
    assert not await page.get_by_label("拨到这个时间").evaluate("field => field.checkValidity()")
    desk.clock.wind(datetime(2019, 11, 1, tzinfo=UTC) - desk.clock.now())  # by another page, say
    await page.get_by_label("拨到这个时间").fill("2019-10-22T09:30")
    await page.evaluate("document.querySelector('#wind form').noValidate = true")
    await page.get_by_role("button", name="拨快", exact=True).click()
    await page.get_by_text("时钟只能往后拨。").wait_for()
    assert await page.locator("#clock").text_content() == "2019-11-01 08:00"
    await page.context.close()


async def test_a_mail_sent_over_smtp_is_listed_opened_and_kept(
    browser: Any, desk: Desk, tmp_path: pathlib.Path
) -> None:
    visit = await _visit(browser, desk, WIDE, "en-US")
    page, box = visit.page, visit.page.locator("#mail")
    spied: list[object] = []
    spy = await asyncio.start_server(lambda _, writer: (spied.append(writer), writer.close()), "127.0.0.1", 0)
    address = f"http://127.0.0.1:{spy.sockets[0].getsockname()[1]}/spy.png"
    await post(desk.mailbox.url, letter(spy=address), letter("ann@example.org", "<b>Tomorrow</b>"))
    await box.get_by_role("button", name="<b>Tomorrow</b>").wait_for()
    assert await box.locator(".mails button").count() == 2
    await box.get_by_label("Mail to").select_option("wangfang@example.com")
    assert await box.locator(".mails button").count() == 1
    await box.locator(".mails button").click()
    frame = box.frame_locator("iframe")
    heading = frame.get_by_role("heading", name="已确认")
    await heading.wait_for()
    assert await heading.evaluate("one => getComputedStyle(one).color") == "rgb(10, 125, 67)"
    picture = frame.locator("img").first
    assert await picture.evaluate("one => one.decode().then(() => one.naturalWidth)") == 2
    assert await page.title() == "Usher demo"
    await visit.picture("mail-wide", tmp_path)
    async with page.expect_popup() as opened:
        await frame.get_by_role("link", name="入场码").click()
    assert (await opened.value).url  # in a window of its own; the page stays
    await box.get_by_role("button", name="Plain text").click()
    await box.get_by_text("王芳您好，您的报名已确认。").wait_for()
    async with page.expect_download() as fetched:
        await box.get_by_role("link", name="会议.ics").click()
    download = await fetched.value
    assert download.suggested_filename == "会议.ics"
    assert pathlib.Path(await download.path()).read_bytes().startswith(b"BEGIN:VCALENDAR")
    await box.get_by_role("button", name="Back").click()
    await box.locator(".mails button").wait_for()
    assert spied == []
    spy.close()
    # What the browser complains of is what the mail tried: a script and a picture from elsewhere.
    assert all("script" in trouble or "spy.png" in trouble for trouble in visit.troubles), visit.troubles
    assert any("script" in trouble for trouble in visit.troubles)
    await page.context.close()


async def test_what_is_switched_on_is_said_plainly_until_it_is_off(browser: Any, desk: Desk) -> None:
    visit = await _visit(browser, desk, WIDE, "en-US")
    box = visit.page.locator("#mail")
    await box.get_by_text("What can go wrong").first.click()
    switch = box.get_by_role("switch", name="Too often: 451")
    await switch.click()
    await box.get_by_text("Simulated: Too often: 451").wait_for()
    assert await switch.get_attribute("aria-checked") == "true"
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await post(desk.mailbox.url, letter())
    await box.get_by_role("button", name="Switch off").click()
    await box.get_by_text("Simulated:").wait_for(state="detached")
    await post(desk.mailbox.url, letter())
    await box.get_by_role("button", name="报名已确认").wait_for()
    assert visit.troubles == []
    await visit.page.context.close()


async def test_templates_and_places_are_drawn_as_cards(browser: Any, desk: Desk, tmp_path: pathlib.Path) -> None:
    visit = await _visit(browser, desk, WIDE, "zh-CN")
    await desk.sends_template({"thing1": "家庭友好空间分享会", "time2": "2019年10月22日 9:30", "thing3": "<b>深圳</b>"})
    await desk.sends_venue("示例会场", "深圳市示例路1号")
    drawn = visit.page.locator("#wechat .card")
    await drawn.get_by_role("heading", name="活动提醒").wait_for()
    assert await drawn.locator("dt").all_text_contents() == ["活动名称", "活动时间", "活动地点"]
    assert await drawn.locator("dd").all_text_contents() == ["家庭友好空间分享会", "2019年10月22日 9:30", "<b>深圳</b>"]
    assert await drawn.get_by_role("link").get_attribute("href") == "https://usher.example.org/ticket/abc"
    drawn = visit.page.locator("#telegram .card")
    await drawn.get_by_role("heading", name="示例会场").wait_for()
    assert await drawn.locator("dd").all_text_contents() == ["深圳市示例路1号", "22.5405, 113.9345"]
    await visit.picture("cards-wide", tmp_path)
    assert visit.troubles == []
    await visit.page.context.close()


async def test_addresses_in_a_text_can_be_opened(browser: Any, desk: Desk) -> None:
    visit = await _visit(browser, desk, WIDE, "en-US")
    (phone,) = desk.telegram.phones.values()
    text = "票 http://127.0.0.1:1/ticket/abc-FFS-1。See https://example.org/a?b=c, or javascript:alert(1)"
    phone.transcript.add("bot", desk.clock.now(), (Part(text),))
    line = visit.page.locator("#telegram .log .bot")
    await line.wait_for()
    assert await line.locator(".bubble").text_content() == text
    links = [await one.get_attribute("href") for one in await line.get_by_role("link").all()]
    assert links == ["http://127.0.0.1:1/ticket/abc-FFS-1", "https://example.org/a?b=c"]
    assert visit.troubles == []
    await visit.page.context.close()


async def test_an_organizers_buttons_do_what_they_say(browser: Any, desk: Desk) -> None:
    visit = await _visit(browser, desk, WIDE, "en-US")
    await visit.page.get_by_role("button", name="Confirm all").click()
    await visit.page.locator(".wind button:enabled").first.wait_for()
    assert desk.deeds_done == ["confirm"]
    assert visit.troubles == []
    await visit.page.context.close()


async def test_on_a_phone_the_mailbox_is_a_tab_and_the_clock_opens(
    browser: Any, desk: Desk, tmp_path: pathlib.Path
) -> None:
    visit = await _visit(browser, desk, PHONE, "zh-CN")
    page = visit.page
    tab = page.locator("[data-tab=mail]")
    assert not await tab.locator(".new").is_visible()
    assert not await page.get_by_role("button", name="+1 天").is_visible()
    await page.get_by_role("button", name="时钟和主办方").click()
    await page.get_by_role("button", name="+1 天").click()
    await page.get_by_text("2019-10-09 09:00").wait_for()
    await visit.picture("clock-phone", tmp_path)
    assert await visit.size() == [PHONE, 844]
    await post(desk.mailbox.url, letter(subject="长" * 300))
    await tab.locator(".new").wait_for()
    await page.get_by_role("button", name="邮箱").click()
    assert not await tab.locator(".new").is_visible()
    assert not await page.locator("#wechat").is_visible()
    await page.locator(".mails button").click()
    await page.frame_locator("iframe").get_by_role("heading", name="已确认").wait_for()
    await visit.picture("mail-phone", tmp_path)
    assert await visit.size() == [PHONE, 844]
    await page.set_viewport_size({"width": 320, "height": 640})
    assert await visit.size() == [320, 640]
    await page.context.close()
