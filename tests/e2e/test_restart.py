"""The bot stops and starts again in the middle: every conversation goes on where its last reply left it."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator

import httpx

from bot.clock import seconds
from bot.settings import read
from bot.store.database import Database
from tests.e2e.conftest import BOTH, QUIET, NewDatabase, Visit, content_at_the_end, running, side_by_side
from tests.e2e.held import held
from tests.e2e.talk import (
    FORM,
    FORM_EN,
    follower,
    lines,
    questions,
    reference_in,
    registrations,
    says,
    talk,
    writer,
)
from tests.nursery import Forked, Nursery, Served
from tests.served import KEYS, Platforms, environment, free_port, platforms

SECRETS = tuple(value for name, value in KEYS.items() if name not in ("WECHAT_APP_ID", "TELEGRAM_MODE"))


async def test_a_conversation_goes_on_in_the_next_house_on_the_same_database(visit: Visit) -> None:
    async with visit() as home:
        li, ann = home.wechat.phone("oLi"), home.telegram.phone(4711, language_code="en")
        await says(li, *FORM[:6])
        await says(ann, *FORM_EN, "edit")
        note = home.telegram.phone(4712)
        await says(note, "/organizer")
    async with visit() as home:
        li, ann, note = home.wechat.phone("oLi"), home.telegram.phone(4711), home.telegram.phone(4712)
        await talk(li, ("人事经理", "6/8"), ("13800138000", "7/8"), ("wang@example.com", "请核对"), ("1", "FFS-"))
        await talk(ann, ("Name", "ame?"), ("Ann Lin", "Ann Lin"), ("[Confirm]", "FFS-"))
        await talk(note, ("请安排素食", "转给主办方"))
        assert await questions(home.usher.database, note) == ["请安排素食"]
        for phone, name in ((li, "王芳"), (ann, "Ann Lin")):
            assert [row.name for row in await registrations(home.usher.database, phone)] == [name]


async def test_while_draining_it_is_not_ready_and_still_answers_who_gets_in(visit: Visit) -> None:
    async with visit() as home, httpx.AsyncClient(trust_env=False) as client:
        li, ann = follower(home), writer(home)
        await asyncio.gather(says(li, *FORM), says(ann, *FORM))
        assert (await client.get(f"{home.url}/health/ready")).status_code == 200
        await home.usher.drain()
        assert (await client.get(f"{home.url}/health/ready")).status_code == 503
        assert (await client.get(f"{home.url}/health/live")).status_code == 200
        for phone in (li, ann):
            reference_in(await says(phone, "确认"))
            assert len(await registrations(home.usher.database, phone)) == 1


async def test_sigterm_finishes_what_is_under_way_and_the_next_process_takes_the_rest(
    new_database: NewDatabase, nursery: Nursery, tmp_path: pathlib.Path
) -> None:
    """With the real `usher serve`; its log, read at the end, names nobody."""
    await side_by_side(*(_stopped_and_started(new_database(kind), nursery, tmp_path) for kind in BOTH))


async def _stopped_and_started(database_url: str, nursery: Nursery, tmp_path: pathlib.Path) -> None:
    async with _outside(database_url, nursery, tmp_path) as (played, process, pace):
        li, ann = played.wechat.phone("oLiLeiLiLeiLiLeiLiLeiLiLeiLi"), played.telegram.phone(47114711)
        await asyncio.gather(says(li, *FORM[:5]), says(ann, *FORM[:5]))
        with held(database_url) as let_go:
            under_way = asyncio.gather(li.says("王芳"), ann.says("王芳"))
            await asyncio.sleep(pace)
            stopping = asyncio.create_task(asyncio.to_thread(process.stop))
            await asyncio.sleep(pace)
            let_go()
            assert await stopping == 0
        assert ["5/8" in reply for reply in await under_way] == [True, True]
        while_it_is_away = asyncio.gather(li.says("人事经理"), ann.says("人事经理"))
        await process.start()
        assert ["6/8" in reply for reply in await while_it_is_away] == [True, True]
        replies = await asyncio.gather(*(says(phone, *FORM[7:], "确认") for phone in (li, ann)))
        await _trouble(played)
        assert await asyncio.to_thread(process.stop) == 0
    database = Database(read(process.env).database_url)
    for phone, reply in zip((li, ann), replies, strict=True):
        assert [row.reference for row in await registrations(database, phone)] == [reference_in(reply)]
        assert len(lines(phone)) == len(lines(phone, "person")) == 10
    database.close()
    _names_nobody(process.log.read_text(), li.openid, str(ann.user_id), ann.number)


async def _trouble(played: Platforms) -> None:
    """What is logged most: refused, unreadable and unsendable things, each with something personal in it."""
    li, ann = played.wechat.phone("oHanMeimeiHanMeimeiHanMeimei"), played.telegram.phone(47124712)
    fields = {"ToUserName": played.wechat.original_id, "FromUserName": li.openid, "CreateTime": played.telegram.now()}
    text = {**fields, "MsgType": "text", "Content": "我叫韩梅梅，13900139000", "MsgId": 1}
    await played.wechat.push(text, query={"msg_signature": "0" * 40})
    await played.wechat.push({**fields, "MsgType": "hologram", "Title": "韩梅梅", "MsgId": 2})
    await ann.starts("from-han-meimei")
    await played.telegram.deliver({"message": {"from": ann.user, "text": "我叫韩梅梅"}})
    played.telegram.api.refuse("sendMessage", 500, "Internal Server Error: 韩梅梅")
    await ann.says("我叫韩梅梅，13900139000")
    played.telegram.api.refuse("sendMessage", 400, 'Bad Request: can\'t parse entities: Unsupported start tag "韩梅梅"')
    await ann.says("han.meimei@example.com")
    played.telegram.api.refuse("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
    await ann.says("我的数据")
    await ann.blocks()


def _names_nobody(log: str, *people: str) -> None:
    assert log.count('"message": "ready"') == 2
    typed = [text for text in FORM[4:] if len(text) > 1] + ["13800", "+86", "138 0013"]
    trouble = ["韩梅梅", "13900139000", "han.meimei", "han-meimei", "oHanMeimei", "47124712"]
    for word in (*typed, *trouble, *people, *SECRETS, "example.com", "FFS-"):
        assert word not in log, f"{word!r} is in the log:\n{log}"
    assert "a handler failed" not in log
    assert "refused" in log
    assert "kept" in log


@contextlib.asynccontextmanager
async def _outside(
    database_url: str, nursery: Nursery, folder: pathlib.Path
) -> AsyncIterator[tuple[Platforms, Served, float]]:
    """`usher serve` as a process, the platforms, and the seconds in which this machine does something small.

    WeChat's patience follows the machine as well: a process has to start while it repeats a message.
    """
    port = free_port()
    async with platforms(port) as played:
        env = environment(database_url, port, played.url, LOG="json")
        with running(Forked(nursery, env, folder, port)) as process:
            began = seconds()
            await process.start()
            pace = max(0.25, (seconds() - began) / 2)
            played.wechat.patience = max(1.5, 5 * pace)
            async with asyncio.timeout(10):
                while played.telegram.updates.webhook is None:
                    await asyncio.sleep(0.01)
            played.telegram.quiet = QUIET
            async with content_at_the_end(played):
                yield played, process, pace
