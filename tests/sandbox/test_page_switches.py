"""The switches of both platforms by their addresses: what the bot meets while one is on, and when it is off again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot.clock import Clock, seconds
from bot.sandbox.page import Sandbox, platform_app
from bot.sandbox.page_words import WORDS
from bot.sandbox.switches import KINDS

Call = Any


@pytest.fixture
async def demo(wechat: Any, telegram: Any, serve: Any, clock: Clock) -> AsyncIterator[tuple[httpx.AsyncClient, Call]]:
    """A client of the page, and the bot's calls: to `wechat` or `telegram`, giving the code that came back."""
    wechat_platform, telegram_platform = (await wechat(slow=0.3))[0], (await telegram(slow=0.3))[0]
    app = Starlette(routes=Sandbox(wechat_platform, telegram_platform, clock).routes())
    phone, chat = wechat_platform.phone("o1234567"), telegram_platform.phone(7000001).chat
    phone.following, chat.known = True, True
    await phone.says("hi")
    secret = {"grant_type": "client_credential", "appid": "wx0123456789abcdef", "secret": "secret"}
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x/sandbox/") as page,
        httpx.AsyncClient(base_url=await serve(platform_app(wechat_platform, telegram_platform))) as bot,
    ):
        token = (await bot.post("/cgi-bin/stable_token", json=secret)).json()["access_token"]

        async def call(channel: str) -> int:
            if channel == "telegram":
                path = f"/bot{telegram_platform.token}/sendMessage"
                return int((await bot.post(path, json={"chat_id": chat.id, "text": "hi"})).status_code)
            message = {"touser": phone.openid, "msgtype": "text", "text": {"content": "hi"}}
            path = "/cgi-bin/message/custom/send"
            return int((await bot.post(path, params={"access_token": token}, json=message)).json()["errcode"])

        yield page, call


RIGHT = {"wechat": 0, "telegram": 200}
BUSY = {"wechat": 45011, "telegram": 429}


@pytest.mark.parametrize("channel", RIGHT)
async def test_busy_down_and_slow_are_met_while_they_are_on(demo: Any, channel: str) -> None:
    page, call = demo
    other = next(name for name in RIGHT if name != channel)

    async def turn(kind: str, on: bool) -> None:
        answer = await page.post(f"api/{channel}/switch", json={"kind": kind, "on": on})
        assert answer.json()[channel] == ([kind] if on else [])
        assert (await page.get("api/state")).json()["switches"] == answer.json()

    await turn("busy", on=True)
    assert await call(channel) == BUSY[channel]
    assert await call(other) == RIGHT[other]  # one platform's trouble is not the other's
    await turn("busy", on=False)
    await turn("down", on=True)
    with pytest.raises(httpx.TransportError):
        await call(channel)
    await turn("down", on=False)
    await turn("slow", on=True)
    started = seconds()
    assert await call(channel) == RIGHT[channel]
    assert seconds() - started >= 0.3
    await turn("slow", on=False)
    assert await call(channel) == RIGHT[channel]


@pytest.mark.parametrize("target", ["wechat", "telegram", "mail"])
@pytest.mark.parametrize("language", WORDS)
def test_each_switch_has_a_name(target: str, language: str) -> None:
    words = WORDS[language]
    assert all(words.get(kind) or words[f"{kind}_{target}"] for kind in KINDS)


async def test_a_person_who_blocks_or_unfollows_is_out_of_reach_until_they_come_back(demo: Any) -> None:
    page, call = demo
    assert (await page.post("api/telegram/7000001/block", json={})).status_code == 200
    assert (await page.get("api/state", params={"telegram": "7000001"})).json()["telegram"]["blocked"] is True
    assert await call("telegram") == 403
    assert (await page.post("api/telegram/7000001/unblock", json={})).status_code == 200
    await asyncio.sleep(0)
    assert await call("telegram") == 200
    await page.post("api/wechat/o1234567/unfollow", json={})
    assert (await page.get("api/state", params={"wechat": "o1234567"})).json()["wechat"]["following"] is False
    assert await call("wechat") == 43004
    await page.post("api/wechat/o1234567/follow", json={})
    assert await call("wechat") == 0
