"""The WeChat platform as a follower and an account see it, against a tiny bot over HTTP."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from bot.clock import Clock, seconds
from bot.sandbox.transcript import NotPossible
from bot.sandbox.wechat_reply import FAULT
from bot.sandbox.wechat_wire import Keys
from bot.sandbox.wechat_xml import read_xml

SAMPLES = Path(__file__).parent.parent / "samples" / "wechat"
MENU = (
    "您代表：\n"
    '<a href="weixin://bizmsgmenu?msgmenucontent=%E5%93%81%E7%89%8C%E5%95%86&msgmenuid=f.brand">2 品牌商</a>\n'
    '<a href="weixin://bizmsgmenu?msgmenucontent=%E5%B7%A5%E5%8E%82&msgmenuid=f.factory">4 工厂代表</a>\n'
    '<a href="https://example.org/a">说明</a>'
)


@pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])
async def test_a_person_writes_and_reads_the_answer(wechat: Any, mode: str) -> None:
    platform, bot = await wechat(mode)
    phone = platform.phone("oUser1")
    assert await phone.says("报名") == "好"
    assert bot.seen[0]["Content"] == "报名"
    assert [(line.who, line.text) for line in phone.transcript.lines] == [("person", "报名"), ("bot", "好")]
    assert (platform.faults, platform.violations) == (0, [])


async def test_the_address_is_verified_only_with_a_right_signature(wechat: Any) -> None:
    platform, _ = await wechat()
    assert await platform.verifies()
    assert not await platform.verifies(signature="0" * 40)


async def test_choices_are_tapped_by_number_label_or_bare_label(wechat: Any) -> None:
    platform, bot = await wechat()
    phone = platform.phone("oUser1")
    bot.reply = MENU
    assert await phone.says("hi") == "您代表：\n2 品牌商\n4 工厂代表\n说明"
    for wanted in (2, "4 工厂代表", "工厂代表", "工厂"):
        await phone.taps(wanted)
        assert (bot.seen[-1]["Content"], bot.seen[-1]["bizmsgmenuid"]) == ("工厂", "f.factory")
    with pytest.raises(NotPossible):
        await phone.taps("零售商")
    with pytest.raises(NotPossible):
        await phone.taps(3)


@pytest.mark.parametrize(
    ("sample", "act"),
    [
        ("in_text_bizmsgmenu", lambda phone: phone.taps(1)),
        ("in_image", lambda phone: phone.sends_image()),
        ("in_location", lambda phone: phone.sends_location()),
        ("in_voice_empty_recognition", lambda phone: phone.sends_voice()),
        ("ev_subscribe", lambda phone: phone.follows()),
        ("ev_subscribe_qrscene", lambda phone: phone.follows("poster")),
        ("ev_SCAN", lambda phone: phone.scans("poster")),
        ("ev_CLICK", lambda phone: phone.clicks("register")),
        ("ev_VIEW", lambda phone: phone.views("https://example.org/")),
        ("ev_LOCATION", lambda phone: phone.reports_location()),
    ],
)
async def test_pushes_have_the_fields_of_the_samples_in_their_order(wechat: Any, sample: str, act: Any) -> None:
    platform, bot = await wechat()
    phone = platform.phone("oUser1")
    bot.reply = MENU
    if not sample.startswith("ev_subscribe"):
        await phone.says("hi")
    await act(phone)
    expected = read_xml((SAMPLES / f"{sample}.xml").read_bytes().strip())
    assert list(bot.seen[-1]) == list(expected)
    assert [bot.seen[-1].get(name) for name in ("MsgType", "Event")] == [
        expected.get(name) for name in ("MsgType", "Event")
    ]


async def test_scene_of_the_code_that_brought_the_person(wechat: Any) -> None:
    platform, bot = await wechat()
    phone = platform.phone("oUser1")
    await phone.scans("supplier-mail")
    await phone.scans("supplier-mail")
    assert [(push["Event"], push["EventKey"]) for push in bot.seen] == [
        ("subscribe", "qrscene_supplier-mail"),
        ("SCAN", "supplier-mail"),
    ]
    with pytest.raises(NotPossible):
        await phone.follows()


async def test_the_answer_to_an_unfollow_is_not_shown_and_nothing_more_can_be_written(wechat: Any) -> None:
    platform, bot = await wechat()
    phone = platform.phone("oUser1")
    await phone.says("hi")
    assert await phone.unfollows() == ""
    assert bot.seen[-1]["Event"] == "unsubscribe"
    assert phone.transcript.lines[-1].who == "person"
    with pytest.raises(NotPossible):
        await phone.says("hi")
    assert await phone.follows() == "好"


def _late(bot: Any, waits: list[float]) -> Any:
    """Replies that take so long, one after the other, each naming which it is."""
    count = 0

    async def reply(fields: dict[str, Any]) -> str:
        nonlocal count
        count += 1
        mine = count
        await asyncio.sleep(waits[mine - 1])
        return f"answer {mine}"

    bot.reply = reply
    return reply


async def test_only_the_answer_on_the_newest_connection_is_shown(wechat: Any) -> None:
    platform, bot = await wechat(patience=0.6)
    _late(bot, [0.8, 0.0, 0.0])
    assert await platform.phone("oUser1").says("报名") == "answer 2"
    assert len(bot.seen) == 2
    assert bot.seen[0] == bot.seen[1]
    assert bot.queries[0] == bot.queries[1]
    assert platform.faults == 0


async def test_the_old_connection_is_cut_when_the_next_one_opens(wechat: Any) -> None:
    platform, bot = await wechat(patience=0.6)
    cut = asyncio.Event()

    async def reply(_fields: dict[str, Any]) -> str:
        if len(bot.requests) > 1:
            await cut.wait()  # or it is a fault
            return "second"
        while not await bot.requests[0].is_disconnected():
            await asyncio.sleep(0.01)
        cut.set()
        return "first"

    bot.reply = reply
    assert await platform.phone("oUser1").says("报名") == "second"


async def test_three_requests_then_the_fault_notice(wechat: Any) -> None:
    platform, bot = await wechat(patience=0.3)
    _late(bot, [3, 3, 3, 3])
    started = seconds()
    assert await platform.phone("oUser1").says("报名") == FAULT
    assert seconds() - started >= 0.9
    assert len(bot.seen) == 3
    assert platform.violations == ["webhook: no answer to 3 requests"]


async def test_repeats_may_be_signed_anew(wechat: Any) -> None:
    platform, bot = await wechat(patience=0.4, repeats_anew=True)
    _late(bot, [3, 0.0])
    await platform.phone("oUser1").says("报名")
    assert bot.seen[0] == bot.seen[1]
    assert bot.queries[0]["msg_signature"] != bot.queries[1]["msg_signature"]


async def test_a_bot_that_is_away_is_asked_three_times(wechat: Any) -> None:
    platform, _ = await wechat(patience=0.05)
    platform.webhook_url = "http://127.0.0.1:9/wechat/webhook"
    assert await platform.phone("oUser1").says("报名") == FAULT
    assert platform.requests == 3
    (answer,) = await platform.push({"ToUserName": "gh_1", "FromUserName": "oUser1"})
    assert (answer.status, answer.wrong) == (0, "no answer: ConnectError")


def _wrong(bot: Any, fields: dict[str, Any], name: str) -> Any:
    lock = bot.lock
    other = Keys(bot.keys.app_id + "x", bot.keys.token, bot.keys.aes_key)
    link = '<a href="weixin://bizmsgmenu?msgmenucontent={}&msgmenuid={}">1 是</a>'
    return {
        "status": Response(lock(bot.xml(fields, "好")), 500),
        "redirect": Response(status_code=302, headers={"location": "/elsewhere"}),
        "plain in safe mode": Response(bot.xml(fields, "好")),
        "json": Response('{"errcode":0}'),
        "signature": Response(lock(bot.xml(fields, "好"), token="other")),
        "app id": Response(lock(bot.xml(fields, "好"), keys=other)),
        "to": bot.xml(fields, "好", ToUserName="oSomebody"),
        "from": bot.xml(fields, "好", FromUserName="gh_other"),
        "time": bot.xml(fields, "好", CreateTime="today"),
        "type": bot.xml(fields, "好", MsgType="event"),
        "empty text": bot.xml(fields, " "),
        "image without id": bot.xml(fields, "好", MsgType="image"),
        "too long": bot.xml(fields, "好" * 683),
        "cdata": bot.xml(fields, "好]]>"),
        "control character": bot.xml(fields, "好\x03"),
        "cut link": bot.xml(fields, '好 <a href="weixin://bizmsg'),
        "cut after link": bot.xml(fields, '<a href="https://example.org/">好'),
        "script": bot.xml(fields, '<a href="javascript:alert(1)">好</a>'),
        "no menu id": bot.xml(fields, '<a href="weixin://bizmsgmenu?msgmenucontent=1">1 是</a>'),
        "empty menu id": bot.xml(fields, link.format("1", "")),
        "empty menu content": bot.xml(fields, link.format("", "1")),
        "menu not encoded": bot.xml(fields, link.format("是", "1")),
        "menu half encoded": bot.xml(fields, link.format("%E6%98", "1")),
        "menu escaped as html": bot.xml(fields, link.format("1", "1").replace("&", "&amp;")),
    }[name]


WRONG = [
    *("status", "redirect", "plain in safe mode", "json", "signature", "app id", "to", "from", "time", "type"),
    *("empty text", "image without id", "too long", "cdata", "control character", "cut link", "cut after link"),
    *("script", "no menu id", "empty menu id", "empty menu content", "menu not encoded", "menu half encoded"),
    "menu escaped as html",
]


async def test_each_wrong_answer_shows_the_fault_notice(wechat: Any) -> None:
    platform, bot = await wechat()
    seen = {}
    for name in WRONG:
        phone = platform.phone(f"oUser {name}")
        bot.reply = "好"
        assert await phone.says("control arm: a right answer") == "好"
        assert platform.faults == len(platform.violations) == len(seen), name
        bot.reply = lambda fields, name=name: _wrong(bot, fields, name)
        seen[name] = await phone.says("hi"), phone.transcript.lines[-1].who
    assert seen == dict.fromkeys(WRONG, (FAULT, "platform"))


@pytest.mark.parametrize("reply", ["好" * 682 + "ab", MENU, Response("success"), Response("")])
async def test_right_answers_are_no_faults(wechat: Any, reply: Any) -> None:
    platform, bot = await wechat()
    bot.reply = reply
    shown = await platform.phone("oUser1").says("hi")
    assert platform.violations == []
    assert bool(shown) == isinstance(reply, str)


async def test_copies_arrive_together_and_each_answer_is_judged(wechat: Any) -> None:
    platform, bot = await wechat()
    together = asyncio.Event()

    async def reply(_fields: dict[str, Any]) -> str:
        if len(bot.seen) == 3:
            together.set()
        await asyncio.wait_for(together.wait(), 20)
        return "好"

    bot.reply = reply
    head = {"ToUserName": platform.original_id, "FromUserName": "oUser1", "CreateTime": 1}
    answers = await platform.push({**head, "MsgType": "text", "Content": "1", "MsgId": 7}, copies=3)
    assert [(answer.shown.text, answer.wrong) for answer in answers] == [("好", "")] * 3


async def test_any_part_of_a_request_can_be_another_one(wechat: Any) -> None:
    platform, _ = await wechat()
    fields = {"ToUserName": platform.original_id, "FromUserName": "oUser1", "Content": "1"}
    right = platform.body(fields)
    assert right.encrypted
    assert "msg_signature" not in platform.body(fields, query={"msg_signature": None}).query
    assert platform.body(fields, query={"nonce": "n"}).query["nonce"] == "n"
    assert platform.body(fields, timestamp=5).query["timestamp"] == "5"
    assert platform.body(fields, mode="plain", xml=b"<xml").body == b"<xml"
    with pytest.raises(Exception, match="app id"):
        platform.phone("x") and _opened(platform, platform.body(fields, app_id="wxother"))
    _opened(platform, right)


def _opened(platform: Any, sealed: Any) -> None:
    from bot.sandbox.wechat_wire import decrypt

    decrypt(platform.keys, read_xml(sealed.body)["Encrypt"])


async def test_the_clock_of_the_product_dates_every_message(wechat: Any, clock: Clock) -> None:
    platform, bot = await wechat()
    clock.wind(timedelta(days=3))
    await platform.phone("oUser1").says("hi")
    assert abs(int(bot.seen[0]["CreateTime"]) - clock.now().timestamp()) < 5
    assert abs(int(bot.queries[0]["timestamp"]) - clock.now().timestamp()) < 5
