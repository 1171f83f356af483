"""Tickets: whom their signature lets in, what their QR code holds, and what the page shows and hides."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator

import httpx
import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import event as sqlalchemy_event
from starlette.applications import Starlette

from bot.content.records import Content
from bot.registration import ticket_page
from bot.registration.ticket import qr_png, qr_svg, read_token, ticket_link, ticket_token
from bot.store.database import Database
from bot.store.tables import Event, Registration, Status
from tests.chat import FORM, Town
from tests.stored import registered

SECRET, OTHER = b"a secret of the tests", b"another secret"
REFERENCE = "FFS-7K2M9Q"
PUBLIC = "https://usher.example.org"
VENUE = {
    "name": {"zh": "示例大厦", "en": "Example Tower"},
    "address": {"zh": "深圳市示例路1号", "en": "1 Example Road, Shenzhen"},
    "latitude": 22.5431,
    "longitude": 114.0579,
}


def test_a_token_leads_back_to_its_reference() -> None:
    token = ticket_token(SECRET, REFERENCE)
    assert read_token(SECRET, token) == REFERENCE
    assert token == ticket_token(SECRET, REFERENCE)
    assert re.fullmatch(r"[a-z2-7]{32}-FFS-7K2M9Q", token)  # 32 letters of 5 bits: 160


def test_every_character_of_a_token_counts() -> None:
    token = ticket_token(SECRET, REFERENCE)
    for place, letter in enumerate(token):
        for other in "A2a-":
            if other != letter:
                assert read_token(SECRET, token[:place] + other + token[place + 1 :]) is None
        assert read_token(SECRET, token[:place] + token[place + 1 :]) is None


@pytest.mark.parametrize(
    "wrong",
    ["", "-", REFERENCE, f"-{REFERENCE}", "a" * 32, f"{'a' * 32}-{REFERENCE}", f"{'é' * 32}-{REFERENCE}", "a" * 10_000],
)
def test_what_we_did_not_sign_opens_nothing(wrong: str) -> None:
    assert read_token(SECRET, wrong) is None


def test_a_token_is_good_for_one_person_and_one_secret() -> None:
    signature = ticket_token(SECRET, REFERENCE)[:32]
    assert read_token(SECRET, f"{signature}-FFS-7K2M9R") is None
    assert read_token(OTHER, ticket_token(SECRET, REFERENCE)) is None
    for more in ("\n", " ", "x"):
        assert read_token(SECRET, ticket_token(SECRET, REFERENCE) + more) is None


def test_the_secret_signs_tickets_under_a_key_of_their_own() -> None:
    import base64
    import hmac

    plain = base64.b32encode(hmac.digest(SECRET, REFERENCE.encode(), "sha256")[:20]).decode().lower()
    assert not ticket_token(SECRET, REFERENCE).startswith(plain)


def test_without_an_address_of_our_own_there_is_no_link() -> None:
    assert ticket_link(None, SECRET, REFERENCE) == ""
    assert ticket_link(PUBLIC, SECRET, REFERENCE) == f"{PUBLIC}/ticket/{ticket_token(SECRET, REFERENCE)}"


def read_code(png: bytes) -> str:
    """What a phone's camera reads."""
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)).convert("L"))
    assert found.format in (zxingcpp.BarcodeFormat.QRCode,)
    return found.text


def test_a_camera_reads_the_address_from_the_code() -> None:
    link = ticket_link(PUBLIC, SECRET, REFERENCE)
    assert read_code(qr_png(link)) == link


def test_a_camera_reads_it_small_and_smudged_too() -> None:
    link = ticket_link(PUBLIC, SECRET, REFERENCE)
    picture = Image.open(io.BytesIO(qr_png(link))).convert("L")
    picture.paste(128, (200, 150, 240, 190))
    small = picture.resize((160, 160))
    (found,) = zxingcpp.read_barcodes(small)
    assert found.text == link


def test_a_camera_reads_everybody_s_code() -> None:
    """Whatever the mask makes of an address."""
    for number in range(60):
        link = ticket_link(PUBLIC, SECRET, f"FFS-{number:06}")
        assert read_code(qr_png(link)) == link


def drawn(svg: str) -> Image.Image:
    """The code of a page: what its one path says, drawn square by square."""
    size = int(re.findall(r'viewBox="0 0 (\d+) \d+"', svg)[0])
    picture = Image.new("L", (size * 4, size * 4), 255)
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])(-?[\d.]+(?: -?[\d.]+)?)", re.findall(r' d="([^"]+)"', svg)[0]):
        values = [float(number) for number in numbers.split()]
        if command == "h":
            left, top = int(x) * 4, int(y) * 4
            picture.paste(0, (left, top, left + int(values[0]) * 4, top + 4))
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    return picture


def test_the_code_of_the_page_is_the_same() -> None:
    link = ticket_link(PUBLIC, SECRET, REFERENCE)
    (found,) = zxingcpp.read_barcodes(drawn(qr_svg(link)))
    assert found.text == link


# The page


@pytest.fixture
async def browser(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who opens addresses."""
    routes = ticket_page.routes(town.database, lambda: town.content, PUBLIC, SECRET)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=routes)), base_url=PUBLIC) as client:
        yield client


async def person(town: Town, status: Status, language: str = "zh", *answers: str) -> str:
    """Registers somebody; the link of their ticket."""
    await town.chat().registers(*answers)
    (row,) = registered(town.database)

    def decide(session: object) -> None:
        session.merge(row.model_copy(update={"status": status, "language": language}))

    town.database.write_now(decide)
    return ticket_link(PUBLIC, SECRET, row.reference)


async def test_who_has_a_seat_sees_everything_and_the_code(town: Town, browser: httpx.AsyncClient) -> None:
    link = await person(town, Status.CONFIRMED)
    page = await browser.get(link)
    assert page.status_code == 200
    reference = registered(town.database)[0].reference
    for shown in (
        "家庭友好空间分享会",
        "2019年10月22日（周二）9:30–16:00",
        "王芳",
        "东莞市欢乐玩具厂",
        reference,
        "已确认",
    ):
        assert shown in page.text
    assert "会场公布后马上发给您" in page.text
    assert '<html lang="zh-CN">' in page.text
    (found,) = zxingcpp.read_barcodes(drawn(page.text))
    assert found.text == link


async def test_the_page_speaks_the_language_of_the_registration(town: Town, browser: httpx.AsyncClient) -> None:
    page = (await browser.get(await person(town, Status.CONFIRMED, "en"))).text
    assert '<html lang="en">' in page
    for shown in (
        "Family-Friendly Spaces Sharing Conference 2019",
        "Tuesday 22 October 2019",
        "Confirmed",
        "Show this",
    ):
        assert shown in page
    assert "报名" not in page


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (Status.PENDING, "等主办方审核"),
        (Status.WAITLISTED, "候补中"),
        (Status.DECLINED, "很抱歉"),
        (Status.CANCELLED, "报名已取消"),
    ],
)
async def test_who_has_no_seat_reads_why_and_sees_no_code(
    town: Town, browser: httpx.AsyncClient, status: Status, says: str
) -> None:
    page = await browser.get(await person(town, status))
    assert page.status_code == 200
    assert says in page.text
    assert "王芳" in page.text
    assert "<svg" not in page.text
    assert "公布后" not in page.text


async def test_the_venue_is_there_as_soon_as_it_is_published(town: Town, browser: httpx.AsyncClient) -> None:
    link = await person(town, Status.CONFIRMED)
    town.database.write_now(lambda session: session.merge(Event(id="event", venue=VENUE)))
    page = (await browser.get(link)).text
    assert "示例大厦\n深圳市示例路1号" in page
    assert "https://uri.amap.com/marker?position=114.057900%2C22.543100" in page


async def test_what_people_typed_stays_words(town: Town, browser: httpx.AsyncClient) -> None:
    evil = '<script>alert(1)</script><img src="https://evil.example.com">'
    page = (await browser.get(await person(town, Status.CONFIRMED, "zh", *FORM[:3], evil, *FORM[4:]))).text
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


async def test_nothing_of_the_page_comes_from_elsewhere_or_is_kept(town: Town, browser: httpx.AsyncClient) -> None:
    page = await browser.get(await person(town, Status.CONFIRMED))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert page.headers["x-robots-tag"] == "noindex"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert re.findall(r"(?:src|@import|url\()", page.text) == []
    assert re.findall(r"<(?:script|link|iframe|img)", page.text) == []
    assert " style=" not in page.text


async def test_the_style_is_the_one_that_the_policy_allows(town: Town, browser: httpx.AsyncClient) -> None:
    import base64
    import hashlib

    page = await browser.get(await person(town, Status.CONFIRMED))
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.headers["content-security-policy"]


async def test_a_token_we_did_not_sign_is_not_even_looked_up(town: Town, browser: httpx.AsyncClient) -> None:
    """So nobody learns from an answer, or from the time it takes, which references there are."""
    good = await person(town, Status.CONFIRMED)
    there, not_there = registered(town.database)[0].reference, "FFS-000000"
    statements: list[str] = []

    def note(*args: object) -> None:
        statements.append(str(args[2]))

    sqlalchemy_event.listen(town.database.reader, "before_cursor_execute", note)
    try:
        for token in (f"{'a' * 32}-{there}", f"{'a' * 32}-{not_there}", there, "x", "a" * 5000):
            answer = await browser.get(f"/ticket/{token}")
            assert (answer.status_code, answer.content) == (404, b"")
            assert answer.headers["cache-control"] == "no-store"
        assert statements == []
        assert (await browser.get(good)).status_code == 200
        assert statements != []
    finally:
        sqlalchemy_event.remove(town.database.reader, "before_cursor_execute", note)


async def test_a_ticket_of_somebody_who_was_erased_opens_nothing(town: Town, browser: httpx.AsyncClient) -> None:
    link = await person(town, Status.CONFIRMED)
    await town.chat().says("删除我的信息", "确定删除")
    answer = await browser.get(link)
    assert (answer.status_code, answer.content) == (404, b"")


async def test_nothing_else_answers(browser: httpx.AsyncClient) -> None:
    for path in ("/ticket", "/ticket/", "/ticket/a/b", "/ticket/ticket.css"):
        assert (await browser.get(path)).status_code == 404
    assert (await browser.post("/ticket/x")).status_code == 405


async def test_a_database_that_is_away_is_said_so(content: Content, tmp_path: object) -> None:
    gone = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    routes = ticket_page.routes(gone, lambda: content, PUBLIC, SECRET)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=routes)), base_url=PUBLIC) as client:
        assert (await client.get(ticket_link(PUBLIC, SECRET, REFERENCE))).status_code == 503
    gone.close()


def test_a_ticket_from_before_our_address_was_taken_away_is_a_page_without_a_code(content: Content) -> None:
    row = Registration(reference=REFERENCE, status=Status.CONFIRMED, name="王芳", language="zh")
    page = ticket_page.render(content, row, None, ticket_link(None, SECRET, REFERENCE))
    assert REFERENCE in page
    assert "<svg" not in page


def test_no_status_is_without_its_words(content: Content) -> None:
    for status in Status:
        row = Registration(reference=REFERENCE, status=status, name="王芳", language="zh")
        assert REFERENCE in ticket_page.render(content, row, None, f"{PUBLIC}/ticket/x")
