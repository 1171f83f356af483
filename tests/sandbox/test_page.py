"""The demo's page without a browser: its headers, its state, and one request for each deed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot.clock import Clock
from bot.sandbox.page import Sandbox
from bot.sandbox.page_words import WORDS

JSON = {"content-type": "application/json"}


@pytest.fixture
async def demo(wechat: Any, telegram: Any, clock: Clock) -> AsyncIterator[tuple[httpx.AsyncClient, Any, Any]]:
    """A client of the page, and both bots."""
    wechat_platform, wechat_bot = await wechat()
    telegram_platform, telegram_bot = await telegram()
    app = Starlette(routes=Sandbox(wechat_platform, telegram_platform, clock).routes())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000/sandbox/") as client:
        yield client, wechat_bot, telegram_bot


async def _new(client: httpx.AsyncClient, channel: str, **fields: str) -> str:
    return str((await client.post(f"api/{channel}/new", json=fields)).json()["person"])


async def test_the_page_speaks_both_languages_and_runs_only_its_own_files(demo: Any) -> None:
    client, _, _ = demo
    chinese = await client.get("", headers={"accept-language": "zh-CN,zh;q=0.9"})
    english = await client.get("?lang=en")
    assert WORDS["zh"]["intro"] in chinese.text
    assert WORDS["en"]["intro"] in english.text
    assert WORDS["en"]["intro"] in (await client.get("")).text  # remembered
    assert "2019-10-08 09:00" in chinese.text
    policy = chinese.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in chinese.text
    assert " on" + "click=" not in chinese.text
    assert "style=" not in chinese.text
    for path in ("sandbox.js", "sandbox.css", "icon.svg"):
        assert (await client.get(f"static/{path}")).status_code == 200
    assert (await client.get("http://127.0.0.1:8000/sandbox")).headers["location"] == "/sandbox/"


async def test_both_languages_have_the_same_words() -> None:
    assert WORDS["zh"].keys() == WORDS["en"].keys()


async def test_a_newcomer_on_wechat(demo: Any) -> None:
    client, bot, _ = demo
    person = await _new(client, "wechat")
    state = (await client.get("api/state", params={"wechat": person})).json()
    assert (state["clock"], state["wechat"]["following"], state["wechat"]["lines"]) == ("2019-10-08 09:00", False, [])
    refused = await client.post(f"api/wechat/{person}/say", json={"text": "hi"})
    assert (refused.status_code, refused.json()) == (409, {"error": "not_possible"})
    bot.reply = '<b>您好</b> <a href="weixin://bizmsgmenu?msgmenucontent=yes&msgmenuid=secret">1 报名</a>'
    await client.post(f"api/wechat/{person}/follow", json={})
    state = (await client.get("api/state", params={"wechat": person})).json()["wechat"]
    line = state["lines"][-1]
    assert (line["at"], line["who"]) == ("09:00", "bot")
    assert line["parts"][1] == {"text": "1 报名", "link": "", "choice": 1}
    assert "secret" not in str(state)  # what stands behind a choice is the phone's business
    await client.post(f"api/wechat/{person}/tap", json={"line": line["number"], "choice": 1})
    assert bot.seen[-1]["Content"] == "yes"
    for deed, fields in (("scan", {"code": "poster"}), ("photo", {}), ("voice", {}), ("location", {}), ("sticker", {})):
        assert (await client.post(f"api/wechat/{person}/{deed}", json=fields)).json() == {"ok": True}, deed
    seen = (await client.get("api/state", params={"wechat": person})).json()["wechat"]["version"]
    again = (await client.get("api/state", params={"wechat": person, "wechat_seen": seen})).json()["wechat"]
    assert again["lines"] is None
    await client.post(f"api/wechat/{person}/unfollow", json={})
    assert (await client.get("api/state", params={"wechat": person})).json()["wechat"]["following"] is False


async def test_the_menu_of_the_account_can_be_tapped(demo: Any) -> None:
    client, bot, _ = demo
    person = await _new(client, "wechat")
    await client.post(f"api/wechat/{person}/follow", json={})
    page = {"type": "view", "name": "官网", "url": "https://example.org/"}
    under = {"name": "更多", "sub_button": [page, {"type": "click", "name": "帮助", "key": "help"}]}
    bot.platform.api.menu = {"button": [{"type": "click", "name": "报名", "key": "register"}, under]}
    state = (await client.get("api/state", params={"wechat": person})).json()["wechat"]
    assert state["menu"] == [{"name": "报名", "under": []}, {"name": "更多", "under": ["官网", "帮助"]}]
    for button, at in ((0, 0), (1, 1), (1, 2)):
        await client.post(f"api/wechat/{person}/menu", json={"button": button, "under": at})
    assert [(push["Event"], push["EventKey"]) for push in bot.seen[1:]] == [
        ("CLICK", "register"),
        ("VIEW", "https://example.org/"),
        ("CLICK", "help"),
    ]
    for button, at in ((2, 0), (1, 3), (-1, 0)):
        gone = await client.post(f"api/wechat/{person}/menu", json={"button": button, "under": at})
        assert gone.status_code == 409


async def test_a_newcomer_on_telegram(demo: Any) -> None:
    client, _, bot = demo
    person = await _new(client, "telegram", language="zh")
    state = (await client.get("api/state", params={"telegram": person})).json()["telegram"]
    assert (state["started"], state["blocked"], state["lines"]) == (False, False, [])
    await client.post(f"api/telegram/{person}/start", json={"code": "brand-mail"})
    assert bot.seen[-1]["message"]["text"] == "/start brand-mail"
    assert bot.seen[-1]["message"]["from"]["language_code"] == "zh-hans"
    state = (await client.get("api/state", params={"telegram": person})).json()["telegram"]
    line = state["lines"][-1]
    assert [choice["label"] for choice in line["choices"]] == ["Yes", "No"]
    await client.post(f"api/telegram/{person}/tap", json={"line": line["number"], "choice": 2})
    assert bot.seen[-1]["callback_query"]["data"] == "n"
    refused = await client.post(f"api/telegram/{person}/contact", json={})
    assert refused.json() == {"error": "not_possible"}
    markup = {"keyboard": [[{"text": "My number", "request_contact": True}, "Skip"]]}
    await bot.call("sendMessage", chat_id=int(person), text="?", reply_markup=markup)
    state = (await client.get("api/state", params={"telegram": person})).json()["telegram"]
    assert (state["contact"], state["keys"]) == ("My number", ["Skip"])
    await client.post(f"api/telegram/{person}/contact", json={})
    assert "contact" in bot.seen[-1]["message"]
    for deed in ("photo", "voice", "location", "sticker", "file", "block", "unblock"):
        assert (await client.post(f"api/telegram/{person}/{deed}", json={})).json() == {"ok": True}, deed


@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        ("api/wechat/oAbcdefgh/say", {"json": {"text": ""}}, 400),
        ("api/wechat/oAbcdefgh/say", {"json": {"text": "x" * 4097}}, 400),
        ("api/wechat/oAbcdefgh/say", {"json": {"text": 5}}, 400),
        ("api/wechat/oAbcdefgh/say", {"content": '{"text": "half \\ud83d"}', "headers": JSON}, 400),
        ("api/telegram/7000001/say", {"content": '{"text": "half \\udc00"}', "headers": JSON}, 400),
        ("api/wechat/oAbcdefgh/say", {"json": []}, 400),
        ("api/wechat/oAbcdefgh/say", {"content": "{", "headers": JSON}, 400),
        ("api/wechat/oAbcdefgh/say", {"content": "[" * 30_000, "headers": JSON}, 400),
        ("api/wechat/oAbcdefgh/say", {"data": {"text": "hi"}}, 400),
        ("api/wechat/oAbcdefgh/say", {"json": {"text": "hi"}, "headers": {"origin": "http://evil.example"}}, 400),
        ("api/wechat/oAbcdefgh/say", {"json": {"text": "hi"}, "headers": {"origin": "http://["}}, 400),
        ("api/wechat/oAbcdefgh/say", {"json": {"text": "hi"}, "headers": {"sec-fetch-site": "cross-site"}}, 400),
        ("api/wechat/oAbcdefgh/say", {"json": {"text": "x", "y": "x" * 40_000}}, 400),
        ("api/wechat/oAbcdefgh/tap", {"json": {"line": 1, "choice": "1"}}, 400),
        ("api/wechat/oAbcdefgh/tap", {"json": {"line": 1, "choice": 1}}, 409),
        ("api/wechat/oAbcdefgh/scan", {"json": {"code": "a b"}}, 400),
        ("api/wechat/oAbcdefgh/sing", {"json": {}}, 404),
        ("api/wechat/o'or1/say", {"json": {"text": "hi"}}, 400),
        ("api/telegram/abc/say", {"json": {"text": "hi"}}, 400),
        ("api/telegram/7000001/start", {"json": {"code": "a b"}}, 400),
        ("api/fax/1/say", {"json": {"text": "hi"}}, 404),
        ("api/fax/new", {"json": {}}, 404),
        ("api/wechat/oAbcdefgh/say", {"json": {"text": "hi"}, "headers": {"origin": "http://127.0.0.1:8000"}}, 200),
    ],
)
async def test_what_no_person_could_do(demo: Any, path: str, given: dict[str, Any], status: int) -> None:
    client, wechat_bot, telegram_bot = demo
    answer = await client.post(path, **given)
    assert answer.status_code == status
    assert ("error" in answer.json()) == (status != 200)
    assert bool(wechat_bot.seen or telegram_bot.seen) == (status == 200)


async def test_a_bot_that_takes_nothing_is_told_in_words(telegram: Any, wechat: Any, clock: Clock) -> None:
    wechat_platform, _ = await wechat()
    telegram_platform, bot = await telegram(attempts=2)
    bot.status = 500
    app = Starlette(routes=Sandbox(wechat_platform, telegram_platform, clock).routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x/sandbox/") as client:
        answer = await client.post("api/telegram/7000001/start", json={})
    assert (answer.status_code, answer.json()) == (504, {"error": "no_answer"})
    assert "no_answer" in WORDS["zh"]
