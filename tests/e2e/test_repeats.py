"""The same message more than once, and two at the same instant: one effect, one reply, the same for every copy."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from bot.sandbox.telegram_phone import Phone as Writer
from bot.sandbox.wechat_phone import Phone as Follower
from bot.sandbox.wechat_xml import Value
from tests.e2e.held import held
from tests.e2e.talk import FORM, follower, lines, questions, reference_in, registrations, says, writer
from tests.served import House

pytestmark = pytest.mark.asyncio(loop_scope="session")
COPIES, CONNECTIONS = 20, 8


def _push(home: House, phone: Follower, text: str, **other: Value) -> dict[str, Value]:
    """One text as WeChat pushes it."""
    head: dict[str, Value] = {"ToUserName": home.wechat.original_id, "FromUserName": phone.openid}
    head |= {"CreateTime": int(home.wechat.now().timestamp()), "MsgType": "text", "Content": text}
    return {**head, "MsgId": home.wechat.next_id(), **other}


def _update(home: House, phone: Writer, text: str) -> dict[str, Any]:
    """One text as Telegram sends it."""
    head = {"message_id": home.telegram.next_message_id(), "from": phone.user, "chat": phone.chat.shape}
    message = {**head, "date": home.telegram.now(), "text": text}
    return {"update_id": home.telegram.updates.next_id(), "message": message}


def _sends(home: House) -> int:
    return sum(method == "sendmessage" for method, _ in home.telegram.api.calls)


async def test_three_deliveries_while_the_first_still_runs_have_one_effect_and_one_answer(
    home: House, shared_url: str
) -> None:
    li = follower(home)
    await says(li, *FORM)
    with held(shared_url, 0.4):
        answers = await home.wechat.push(_push(home, li, "确认"), copies=3)
    assert len({answer.shown.text for answer in answers}) == 1
    [row] = await registrations(home.usher.database, li)
    assert reference_in(answers[0].shown.text) == row.reference


async def test_a_copy_after_the_answer_gets_the_same_answer_and_a_new_message_does_not(home: House) -> None:
    li = follower(home)
    await says(li, "人工")
    note = _push(home, li, "请安排素食")
    first, *copies = [(await home.wechat.push(note))[0] for _ in range(3)]
    assert all(copy.shown == first.shown for copy in copies)
    assert await questions(home.usher.database, li) == ["请安排素食"]
    await says(li, "人工")
    await home.wechat.push(note | {"MsgId": home.wechat.next_id()})
    assert await questions(home.usher.database, li) == ["请安排素食"] * 2, "said twice is no copy"


async def test_the_platform_cuts_the_connection_and_its_repeat_gets_the_answer(
    home: House, shared_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a tenth of the platform's patience; test_held_database.py has all of it."""
    monkeypatch.setattr(home.wechat, "patience", 0.5)
    li = follower(home)
    await says(li, *FORM)
    before = home.wechat.requests
    with held(shared_url, 0.8):
        reply = await li.says("确认")
    assert home.wechat.requests - before == 2
    assert [row.reference for row in await registrations(home.usher.database, li)] == [reference_in(reply)]


async def test_two_people_may_have_the_same_message_id(home: House) -> None:
    li, han = follower(home), follower(home)
    await asyncio.gather(says(li, *FORM), says(han, *FORM))
    same = home.wechat.next_id()
    pushes = (_push(home, phone, "确认", MsgId=same) for phone in (li, han))
    answers = await asyncio.gather(*(home.wechat.push(push) for push in pushes))
    rows = [await registrations(home.usher.database, phone) for phone in (li, han)]
    assert [[row.reference for row in found] for found in rows] == [
        [reference_in(answer.shown.text)] for [answer] in answers
    ]


async def test_different_events_of_one_second_are_no_copies(home: House) -> None:
    li = follower(home)
    head = {name: value for name, value in _push(home, li, "").items() if name not in ("MsgId", "Content")}
    clicks: list[Mapping[str, Value]] = [
        {**head, "MsgType": "event", "Event": "CLICK", "EventKey": key} for key in ("议程", "地点", "议程")
    ]
    answers = [(await home.wechat.push(click))[0].shown.text for click in clicks]
    assert "6. " in answers[0]
    assert "深圳" in answers[1]
    assert answers[2] == answers[0], "the platform gives nothing by which this could be told from a copy"


async def test_one_update_twenty_times_over_eight_connections_is_answered_once(home: House) -> None:
    li = writer(home)
    await says(li, "/organizer")
    hook = home.telegram.updates.webhook
    assert hook
    headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret, "Content-Type": "application/json"}
    body, before = json.dumps(_update(home, li, "请安排素食")).encode(), _sends(home)
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(limits=limits, headers=headers, trust_env=False, timeout=30) as client:
        answers = await asyncio.gather(*(client.post(hook.url, content=body) for _ in range(COPIES)))
    assert {answer.status_code for answer in answers} == {200}
    assert _sends(home) - before == 1
    assert await questions(home.usher.database, li) == ["请安排素食"]
    assert lines(li)[-1].startswith("已经记下")


async def test_twenty_updates_at_once_are_twenty(home: House) -> None:
    """The control arm: what counts one above can count twenty."""
    li = writer(home)
    await li.starts()
    before = _sends(home)
    updates = [_update(home, li, f"有没有第{number}号停车位呢") for number in range(COPIES)]
    await asyncio.gather(*(home.telegram.deliver(update) for update in updates))
    assert _sends(home) - before == COPIES
    assert len(lines(li)) == COPIES + 1


@pytest.mark.parametrize("how", ["two texts", "two taps", "a text and a tap"])
async def test_two_confirmations_at_once_make_one_registration(home: House, how: str) -> None:
    """On WeChat: two pushes in flight together. Both are answered, by the same reference."""
    people = [follower(home) for _ in range(6)]
    await asyncio.gather(*(says(phone, *FORM) for phone in people))
    tapped: Mapping[str, Value] = {"bizmsgmenuid": "review.confirm"}
    extra: tuple[Mapping[str, Value], ...] = {
        "two texts": ({}, {}),
        "two taps": (tapped, tapped),
        "a text and a tap": ({}, tapped),
    }[how]
    pushes = [_push(home, phone, "确认", **more) for phone in people for more in extra]
    answers = [answer for [answer] in await asyncio.gather(*(home.wechat.push(push) for push in pushes))]
    for number, phone in enumerate(people):
        both = {reference_in(answer.shown.text) for answer in answers[2 * number : 2 * number + 2]}
        assert {row.reference for row in await registrations(home.usher.database, phone)} == both
        assert len(both) == 1


async def test_a_text_and_a_button_press_in_the_same_instant_make_one_registration(home: House) -> None:
    """On Telegram they come by different queues, together or swapped."""
    people = [writer(home) for _ in range(6)]
    await asyncio.gather(*(says(phone, *FORM) for phone in people))
    await asyncio.gather(*(phone.says("确认") for phone in people), *(phone.taps("确认") for phone in people))
    for phone in people:
        [row] = await registrations(home.usher.database, phone)
        assert [reference_in(line) for line in lines(phone)[-2:]] == [row.reference] * 2


async def test_a_text_and_a_button_press_in_mid_form_answer_one_question_each(home: House) -> None:
    """Whichever comes first: no answer is lost or taken twice, and the form stands where the last reply says."""
    people = [writer(home) for _ in range(6)]
    await asyncio.gather(*(says(phone, *FORM[:2]) for phone in people))
    await asyncio.gather(*(phone.says("4") for phone in people), *(phone.taps("零售商") for phone in people))
    for phone in people:
        steps = sorted(step for line in lines(phone)[-2:] for step in re.findall(r"\d/\d", line))
        # The text first: the factory is asked about the programme, and once more after the button, which is an old one
        # then. The button first: a retailer's next question is the organization, and the text is taken for its name.
        assert steps in (["2/8", "2/8"], ["2/7", "3/7"])
        assert steps[-1] in await says(phone, "我的数据")


async def test_two_people_confirming_at_once_make_two_registrations(home: House) -> None:
    """The control arm: what counts one above can count two."""
    people = [follower(home), follower(home)]
    await asyncio.gather(*(says(phone, *FORM) for phone in people))
    replies = await asyncio.gather(*(phone.says("确认") for phone in people))
    assert len({reference_in(reply) for reply in replies}) == 2
