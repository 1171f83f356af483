"""cgi-bin: the token, the two windows, and each errcode that a careless caller meets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.clock import Clock
from bot.sandbox.page import platform_app

Call = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def api(wechat: Any) -> AsyncIterator[tuple[Any, Any, Call]]:
    """The platform, its bot, and a caller of cgi-bin which has a token."""
    platform, bot = await wechat()
    transport = httpx.ASGITransport(platform_app(platform, None))
    async with httpx.AsyncClient(base_url="http://sandbox/cgi-bin/", transport=transport) as client:
        credentials = {"grant_type": "client_credential", "appid": platform.keys.app_id, "secret": "secret"}
        token = (await client.post("stable_token", json=credentials)).json()["access_token"]

        async def call(name: str, fields: Any = None, **query: str) -> dict[str, Any]:
            body = fields if isinstance(fields, bytes) else json.dumps(fields or {}, ensure_ascii=False).encode()
            params = {"access_token": token, **query}
            answer = await client.request("GET" if name == "user/info" else "POST", name, params=params, content=body)
            assert answer.status_code == 200
            return dict(answer.json())

        yield platform, bot, call


def text(content: str, to: str = "oUser1") -> dict[str, Any]:
    return {"touser": to, "msgtype": "text", "text": {"content": content}}


async def test_everybody_gets_the_same_token_until_it_is_renewed(api: Any) -> None:
    platform, _, call = api
    credentials = {"grant_type": "client_credential", "appid": platform.keys.app_id, "secret": "secret"}
    first, second = await call("stable_token", credentials), await call("stable_token", credentials)
    assert first["access_token"] == second["access_token"]
    assert 7190 <= second["expires_in"] <= 7200
    forced = await call("stable_token", {**credentials, "force_refresh": True})
    assert forced["access_token"] != first["access_token"]
    assert (await call("menu/create", access_token=first["access_token"]))["errcode"] == 42001
    assert (await call("menu/create", access_token=forced["access_token"]))["errcode"] == 40016


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"grant_type": "other"}, 40002),
        ({"appid": ""}, 41002),
        ({"appid": "wxother"}, 40013),
        ({"secret": ""}, 41004),
        ({"secret": "other"}, 40125),
    ],
)
async def test_the_token_is_not_given_for_less(api: Any, changed: dict[str, str], errcode: int) -> None:
    platform, _, call = api
    credentials = {"grant_type": "client_credential", "appid": platform.keys.app_id, "secret": "secret"}
    assert (await call("stable_token", credentials | changed))["errcode"] == errcode


async def test_calls_without_a_good_token(api: Any) -> None:
    platform, _, call = api
    assert (await call("message/custom/send", text("hi"), access_token=""))["errcode"] == 41001
    assert (await call("message/custom/send", text("hi"), access_token="x"))["errcode"] == 40001
    platform.api.tokens.expire()
    assert (await call("message/custom/send", text("hi")))["errcode"] == 42001


async def test_five_messages_in_48_hours_after_a_message(api: Any, clock: Clock) -> None:
    platform, _, call = api
    phone = platform.phone("oUser1")
    await phone.says("hi")
    answers = [await call("message/custom/send", text(f"news {number}")) for number in range(6)]
    assert [answer["errcode"] for answer in answers] == [0, 0, 0, 0, 0, 45047]
    assert [line.text for line in phone.transcript.lines][2:] == [f"news {number}" for number in range(5)]
    await phone.says("more")
    clock.wind(timedelta(hours=47, minutes=59))
    assert (await call("message/custom/send", text("still")))["errcode"] == 0
    clock.wind(timedelta(minutes=2))
    assert (await call("message/custom/send", text("late")))["errcode"] == 45015
    assert platform.violations == []


async def test_three_messages_in_a_minute_after_a_tap_which_never_shortens_the_other_window(
    api: Any, clock: Clock
) -> None:
    platform, _, call = api
    phone = platform.phone("oUser1")
    await phone.follows()
    answers = [(await call("message/custom/send", text("hi")))["errcode"] for _ in range(4)]
    assert answers == [0, 0, 0, 45047]
    clock.wind(timedelta(minutes=1))
    assert (await call("message/custom/send", text("late")))["errcode"] == 45015
    await phone.says("hi")
    await phone.clicks("register")
    answers = [(await call("message/custom/send", text("hi")))["errcode"] for _ in range(9)]
    assert answers == [0] * 8 + [45047]
    await phone.says("hi")
    await phone.clicks("register")
    clock.wind(timedelta(hours=1))
    answers = [(await call("message/custom/send", text("hi")))["errcode"] for _ in range(6)]
    assert answers == [0] * 5 + [45047]


async def test_a_tapped_choice_opens_only_the_short_window(api: Any, clock: Clock) -> None:
    platform, bot, call = api
    phone = platform.phone("oUser1")
    bot.reply = '<a href="weixin://bizmsgmenu?msgmenucontent=1&msgmenuid=a">1</a>'
    await phone.follows()
    clock.wind(timedelta(hours=1))
    await phone.taps(1)
    assert (await call("message/custom/send", text("hi")))["errcode"] == 0
    clock.wind(timedelta(minutes=1))
    assert (await call("message/custom/send", text("hi")))["errcode"] == 45015


async def test_who_cannot_be_written_to(api: Any) -> None:
    platform, _, call = api
    assert (await call("message/custom/send", text("hi", to="oNobody")))["errcode"] == 40003
    phone = platform.phone("oUser1")
    assert (await call("message/custom/send", text("hi")))["errcode"] == 43004
    await phone.says("hi")
    await phone.unfollows()
    assert (await call("message/custom/send", text("hi")))["errcode"] == 43004


@pytest.mark.parametrize(
    ("fields", "errcode"),
    [
        (text("好" * 682), 0),
        (text("好" * 683), 45002),
        (text(" "), 44004),
        ({"touser": "oUser1", "msgtype": "text"}, 44004),
        ({"touser": "oUser1", "msgtype": "poem"}, 40008),
        (text('<a href="weixin://biz'), 47001),
        (b"{not json", 47001),
        (b'["list"]', 47001),
        (json.dumps(text("好")).encode(), 47001),
        (json.dumps(text("a\\u597d"), ensure_ascii=False).encode(), 0),
        (json.dumps(text("tab\tand\nline"), ensure_ascii=False).encode(), 0),
        (
            {
                "touser": "oUser1",
                "msgtype": "msgmenu",
                "msgmenu": {"head_content": "?", "list": [{"id": "1", "content": "是"}], "tail_content": ""},
            },
            0,
        ),
        ({"touser": "oUser1", "msgtype": "msgmenu", "msgmenu": {"list": []}}, 44004),
    ],
)
async def test_what_may_be_sent(api: Any, fields: Any, errcode: int) -> None:
    platform, _, call = api
    await platform.phone("oUser1").says("hi")
    assert (await call("message/custom/send", fields))["errcode"] == errcode
    assert bool(platform.violations) == bool(errcode)


async def test_typing_only_just_after_a_message(api: Any, clock: Clock) -> None:
    platform, _, call = api
    await platform.phone("oUser1").says("hi")
    typing = {"touser": "oUser1", "command": "Typing"}
    assert (await call("message/custom/typing", typing))["errcode"] == 0
    assert (await call("message/custom/typing", typing | {"command": "Sing"}))["errcode"] == 45072
    clock.wind(timedelta(seconds=31))
    assert (await call("message/custom/typing", typing))["errcode"] == 45080


CLICK = {"type": "click", "name": "报名", "key": "register"}


@pytest.mark.parametrize(
    ("buttons", "errcode"),
    [
        ([CLICK] * 3, 0),
        ([CLICK] * 4, 40016),
        ([], 40016),
        ([{"name": "更多", "sub_button": [CLICK] * 5}], 0),
        ([{"name": "更多", "sub_button": [CLICK] * 6}], 40023),
        ([{**CLICK, "name": "六个汉字太长"}], 40018),
        ([{**CLICK, "type": "sing"}], 40017),
        ([{**CLICK, "key": ""}], 40019),
        ([{"type": "view", "name": "页"}], 40020),
        ([{"name": "更多", "sub_button": [{"type": "view", "name": "页"}]}], 40027),
    ],
)
async def test_the_menu_has_three_by_five_buttons(api: Any, buttons: list[Any], errcode: int) -> None:
    platform, _, call = api
    assert (await call("menu/create", {"button": buttons}))["errcode"] == errcode
    assert (platform.api.menu is not None) == (errcode == 0)


async def test_a_person_as_the_account_may_know_them(api: Any) -> None:
    platform, _, call = api
    assert (await call("user/info", openid="oNobody"))["errcode"] == 40003
    phone = platform.phone("oUser1")
    assert await call("user/info", openid="oUser1") == {"subscribe": 0, "openid": "oUser1"}
    await phone.follows("poster")
    person = await call("user/info", openid="oUser1")
    assert (person["subscribe"], person["qr_scene_str"]) == (1, "poster")
    assert "nickname" not in person


async def test_codes_with_a_scene(api: Any) -> None:
    _, _, call = api
    code: dict[str, Any] = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "poster"}}}
    assert (await call("qrcode/create", code))["ticket"]
    assert (await call("qrcode/create", {**code, "action_name": "X"}))["errcode"] == 40052
    long = {"scene": {"scene_str": "x" * 65}}
    assert (await call("qrcode/create", {**code, "action_info": long}))["errcode"] == 40053


async def test_what_is_not_played_is_a_clear_no(api: Any) -> None:
    _, _, call = api
    assert (await call("message/mass/send", {}))["errcode"] == 40066


async def test_an_unverified_account_has_only_the_passive_reply(api: Any) -> None:
    platform, _, call = api
    platform.verified = False
    await platform.phone("oUser1").says("hi")
    assert (await call("message/custom/send", text("hi")))["errcode"] == 48001
    platform.verified, platform.account = True, "subscription"
    code = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "poster"}}}
    assert (await call("qrcode/create", code))["errcode"] == 48001


async def test_a_test_may_ask_for_an_errcode(api: Any) -> None:
    platform, _, call = api
    await platform.phone("oUser1").says("hi")
    platform.api.refuse("message/custom/send", -1)
    assert [(await call("message/custom/send", text("hi")))["errcode"] for _ in range(2)] == [-1, 0]
    assert platform.violations == []
