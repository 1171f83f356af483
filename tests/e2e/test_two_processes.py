"""Two of them serve one database: its locks keep a message to one effect and one reply, wherever its copies arrive."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.app import Usher
from bot.sandbox.wechat import Answer
from bot.sandbox.wechat_phone import Phone
from bot.sandbox.wechat_xml import Value
from bot.serve import bound, server
from tests.e2e.talk import FORM, follower, lines, questions, reference_in, registrations, says, writer
from tests.listening import fall_silent, listen
from tests.served import House, free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")
COPIES = 20


@contextlib.asynccontextmanager
async def _second(home: House) -> AsyncIterator[str]:
    """A second bot with nothing in common but the database and the platforms; its address."""
    port = free_port()
    usher = Usher(home.usher.settings.model_copy(update={"port": port}), home.usher.clock)
    web = server(usher.application)
    await listen(web, bound("127.0.0.1", port))
    await usher.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await fall_silent(web)
        await usher.drain()
        await usher.stop()


async def test_copies_that_arrive_at_both(home: House) -> None:
    async with _second(home) as other, httpx.AsyncClient(trust_env=False, timeout=30) as client:
        await _an_update_is_answered_once(home, other, client)
        await _a_push_has_one_effect_and_two_confirmations_make_one_registration(home, other, client)


async def _an_update_is_answered_once(home: House, other: str, client: httpx.AsyncClient) -> None:
    """A copy that meets another one about to send is asked to come later; in the end all are taken."""
    li = writer(home)
    await says(li, "/organizer")
    head = {"message_id": home.telegram.next_message_id(), "from": li.user, "chat": li.chat.shape}
    message = {**head, "date": home.telegram.now(), "text": "请安排素食"}
    body = json.dumps({"update_id": home.telegram.updates.next_id(), "message": message}).encode()
    hook = home.telegram.updates.webhook
    assert hook
    client.headers["X-Telegram-Bot-Api-Secret-Token"] = hook.secret
    both = [f"{address}/telegram/webhook" for address in (home.url, other)]
    answers = await asyncio.gather(*(client.post(both[number % 2], content=body) for number in range(COPIES)))
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert [(await client.post(address, content=body)).status_code for address in both] == [200, 200]
    assert "".join(lines(li)).count("已经记下") == 1
    assert await questions(home.usher.database, li) == ["请安排素食"]


async def _a_push_has_one_effect_and_two_confirmations_make_one_registration(
    home: House, other: str, client: httpx.AsyncClient
) -> None:
    people = [follower(home) for _ in range(8)]
    await asyncio.gather(*(says(phone, *FORM) for phone in people))
    waiting = []
    for number, phone in enumerate(people):
        first = _confirms(home, phone)
        second = first if number % 2 else _confirms(home, phone)  # a copy, or said twice
        waiting += [_pushed(home, home.url, first, client), _pushed(home, other, second, client)]
    answers = await asyncio.gather(*waiting)
    for number, phone in enumerate(people):
        shown = {reference_in(answer.shown.text) for answer in answers[2 * number : 2 * number + 2]}
        assert [row.reference for row in await registrations(home.usher.database, phone)] == list(shown)


def _confirms(home: House, phone: Phone) -> dict[str, Value]:
    head: dict[str, Value] = {"ToUserName": home.wechat.original_id, "FromUserName": phone.openid}
    head |= {"CreateTime": int(home.wechat.now().timestamp()), "MsgType": "text", "Content": "确认"}
    return {**head, "MsgId": home.wechat.next_id()}


async def _pushed(home: House, address: str, fields: dict[str, Value], client: httpx.AsyncClient) -> Answer:
    sealed = home.wechat.body(fields)
    answer = await client.post(f"{address}/wechat/webhook", params=dict(sealed.query), content=sealed.body)
    return home.wechat.judge(fields, sealed, answer.status_code, answer.content)
