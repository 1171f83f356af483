"""Template messages on the stand-in: who may send which, what people see, and how the end is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from bot.clock import Clock
from bot.sandbox.page import platform_app

Call = Callable[..., Awaitable[dict[str, Any]]]
TEXT = "会议提醒\n活动：{{thing1.DATA}}\n时间：{{time2.DATA}}"
DATA = {"thing1": {"value": "家庭友好空间分享会"}, "time2": {"value": "10月22日 9:30"}}


def message(**changed: Any) -> dict[str, Any]:
    return {"touser": "oUser1", "template_id": "tm_1", "data": DATA, **changed}


@pytest.fixture
async def api(wechat: Any) -> AsyncIterator[tuple[Any, Any, Call]]:
    """The platform with one template, its bot, and a caller of template/send."""
    platform, bot = await wechat(templates={"tm_1": TEXT, "tm_any": ""})
    bot.reply = Response("success")
    transport = httpx.ASGITransport(platform_app(platform, None))
    async with httpx.AsyncClient(base_url="http://sandbox/cgi-bin/", transport=transport) as client:
        credentials = {"grant_type": "client_credential", "appid": platform.keys.app_id, "secret": "secret"}
        token = (await client.post("stable_token", json=credentials)).json()["access_token"]

        async def call(**changed: Any) -> dict[str, Any]:
            body = json.dumps(message(**changed), ensure_ascii=False).encode()
            answer = await client.post("message/template/send", params={"access_token": token}, content=body)
            return dict(answer.json())

        yield platform, bot, call
    await platform.close()


async def _told(bot: Any, count: int = 1) -> list[dict[str, Any]]:
    """The ends that the bot was told, once there are so many."""
    async with asyncio.timeout(5):
        while len(ends := [seen for seen in bot.seen if seen.get("Event") == "TEMPLATESENDJOBFINISH"]) < count:
            await asyncio.sleep(0.01)
    return ends


async def test_a_follower_reads_the_filled_template_and_the_bot_is_told_the_end(api: Any, clock: Clock) -> None:
    platform, bot, call = api
    phone = platform.phone("oUser1")
    phone.opens()
    answer = await call(url="https://usher.example.org/t", client_msg_id="k1")
    assert (answer["errcode"], type(answer["msgid"])) == (0, int)
    line = phone.transcript.lines[-1]
    assert (line.text, line.parts[0].link) == (
        "会议提醒\n活动：家庭友好空间分享会\n时间：10月22日 9:30",
        "https://usher.example.org/t",
    )
    [end] = await _told(bot)
    assert list(end) == ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "MsgID", "Status"]
    assert (end["MsgID"], end["Status"], end["FromUserName"]) == (str(answer["msgid"]), "success", "oUser1")
    [took] = platform.api.accepted
    assert (took.to, took.call, took.key) == ("oUser1", "message/template/send", "k1")
    assert platform.violations == []


async def test_no_window_is_needed(api: Any, clock: Clock) -> None:
    platform, _, call = api
    platform.phone("oUser1").opens()
    clock.wind(timedelta(days=300))
    assert (await call())["errcode"] == 0


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"template_id": "tm_2"}, 40037),
        ({"template_id": None}, 40037),
        ({"touser": "oNobody"}, 40003),
        ({"data": {}}, 47001),
        ({"data": {"thing1": "bare"}}, 47001),
        ({"data": {"thing1": {"value": 5}}}, 47001),
        ({"data": {"thing1": {"value": "x"}}}, 47003),
        ({"data": {**DATA, "thing9": {"value": "x"}}}, 47003),
        ({"data": {**DATA, "thing1": {"value": " "}}}, 47003),
        ({"url": "usher.example.org"}, 40048),
        ({"client_msg_id": "k" * 65}, 47001),
        ({"client_msg_id": 7}, 47001),
        ({"color": "#ff0000"}, 47001),
        ({"template_id": "tm_any", "data": {"first": {"value": "x"}}}, 0),
        ({"client_msg_id": "k" * 64}, 0),
    ],
)
async def test_what_may_be_sent(changed: dict[str, Any], errcode: int, api: Any) -> None:
    platform, _, call = api
    phone = platform.phone("oUser1")
    phone.opens()
    assert (await call(**changed))["errcode"] == errcode
    assert bool(platform.violations) == bool(errcode)
    assert len(phone.transcript.lines) == (errcode == 0)


async def test_who_does_not_follow_gets_none(api: Any) -> None:
    platform, _, call = api
    phone = platform.phone("oUser1")
    phone.following = False
    assert (await call())["errcode"] == 43004
    phone.following = None
    phone.opens()
    phone.refuses = 43019
    assert (await call())["errcode"] == 43019
    assert platform.violations == []


async def test_only_a_verified_service_account_has_templates(api: Any) -> None:
    platform, _, call = api
    platform.phone("oUser1").opens()
    for account, verified in (("subscription", True), ("subscription", False), ("service", False)):
        platform.account, platform.verified = account, verified
        assert (await call())["errcode"] == 48001


async def test_fields_are_cut_in_silence_and_the_bot_is_blamed(api: Any) -> None:
    platform, _, call = api
    phone = platform.phone("oUser1")
    phone.opens()
    fits = {**DATA, "thing1": {"value": "字" * 20}}
    assert (await call(data=fits))["errcode"] == 0
    assert platform.violations == []
    assert (await call(data={**DATA, "thing1": {"value": "字" * 20 + "多"}}))["errcode"] == 0
    assert (await call(data={**DATA, "thing1": {"value": "a\nb"}}))["errcode"] == 0
    assert [line.text.splitlines()[1] for line in phone.transcript.lines] == ["活动：" + "字" * 20] * 2 + ["活动：a b"]
    assert len(platform.violations) == 2


async def test_one_id_is_one_message_for_ten_minutes(api: Any, clock: Clock) -> None:
    platform, bot, call = api
    platform.phone("oUser1").opens()
    platform.phone("oUser2").opens()
    first = (await call(client_msg_id="k1"))["msgid"]
    clock.wind(timedelta(minutes=9, seconds=50))
    assert (await call(client_msg_id="k1"))["msgid"] == first
    assert (await call(client_msg_id="k2"))["msgid"] != first
    assert (await call(client_msg_id="k1", touser="oUser2"))["msgid"] != first
    clock.wind(timedelta(seconds=11))
    assert (await call(client_msg_id="k1"))["msgid"] != first, "the platform forgot it"
    assert (await call())["msgid"] != (await call())["msgid"], "without an id each is a new one"
    assert len(platform.api.accepted) == 6
    assert len(await _told(bot, 6)) == 6


async def test_the_end_may_be_told_before_the_answer_or_never(api: Any) -> None:
    platform, bot, call = api
    platform.phone("oUser1").opens()
    platform.templates.telling = "before"
    answer = await call()
    assert [end["MsgID"] for end in bot.seen] == [str(answer["msgid"])]
    platform.templates.telling = "never"
    await call()
    await asyncio.sleep(0.05)
    assert len(bot.seen) == 1


async def test_it_may_end_badly(api: Any) -> None:
    platform, bot, call = api
    phone = platform.phone("oUser1")
    phone.opens()
    platform.templates.telling = "before"
    platform.templates.ends.append("failed: system failed")
    await call()
    phone.mutes_templates = True
    await call()
    phone.mutes_templates = False
    await call()
    assert [end["Status"] for end in bot.seen] == ["failed: system failed", "failed:user block", "success"]
    assert len(phone.transcript.lines) == 1
