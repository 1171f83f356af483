"""The five seconds that the platform waits: copies share a result, and nothing is acknowledged uncommitted."""

from __future__ import annotations

import asyncio
import gc
import logging

import httpx
import pytest

from bot.errors import Unavailable
from tests.adapters.wechat.webhook import PATIENCE, Webhook


async def copies(hook: Webhook, platform, count: int) -> list[asyncio.Task[httpx.Response]]:
    """So many requests for one message, one after the other, none of them answered yet."""
    sent = platform.safe(platform.text("确认"))
    tasks = []
    for _ in range(count):
        before = arrived(hook)
        tasks.append(asyncio.create_task(hook.post(*sent)))
        while arrived(hook) == before:
            await asyncio.sleep(0)
    return tasks


def arrived(hook: Webhook) -> int:
    """How many requests wait, or waited, for what is not committed yet."""
    return sum(flight.copies for flight in hook.adapter._flights.values())


async def test_copies_in_flight_share_one_result(hook, platform, core):
    core.commit.clear()
    tasks = await copies(hook, platform, 3)
    core.commit.set()
    answers = await asyncio.gather(*tasks)
    assert {platform.shown(platform.opened(answer.content)) for answer in answers} == {"好的"}
    assert (len(core.received), core.committed) == (1, 1)


async def test_two_people_do_not_share_a_result(hook, platform, core):
    core.commit.clear()
    tasks = [asyncio.create_task(hook.post(*platform.safe(platform.text("确认", user=user)))) for user in ("oA", "oB")]
    while len(core.received) < 2:
        await asyncio.sleep(0)
    core.commit.set()
    await asyncio.gather(*tasks)


async def test_without_a_commit_the_first_two_wait_and_the_third_gives_up(hook, platform, core):
    core.commit.clear()
    first, second, third = await copies(hook, platform, 3)
    answer = await asyncio.wait_for(third, 20)
    assert (answer.status_code, answer.content) == (503, b"")
    assert not first.done()
    assert not second.done()
    core.commit.set()
    assert [task.status_code for task in await asyncio.gather(first, second)] == [200, 200]
    assert (len(core.received), core.committed) == (1, 1)


async def test_the_third_waits_its_own_time_and_gets_a_reply_that_comes_in_it(hook, platform, core, monkeypatch):
    waits, wait = [], asyncio.wait

    async def patient(tasks, *, timeout):
        waits.append(timeout)
        return await wait(tasks)

    monkeypatch.setattr(asyncio, "wait", patient)
    core.commit.clear()
    await copies(hook, platform, 2)
    await asyncio.sleep(PATIENCE)
    (third,) = await copies(hook, platform, 1)
    assert waits == [None, None, PATIENCE]
    core.commit.set()
    assert platform.shown(platform.opened((await third).content)) == "好的"


async def test_a_fourth_copy_gives_up_too(hook, platform, core):
    core.commit.clear()
    tasks = await copies(hook, platform, 4)
    await asyncio.wait(tasks[2:], timeout=20)
    assert [task.done() for task in tasks] == [False, False, True, True]


async def test_a_cut_connection_stops_nothing(hook, platform, core):
    core.commit.clear()
    (first,) = await copies(hook, platform, 1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    (again,) = await copies(hook, platform, 1)
    core.commit.set()
    assert platform.shown(platform.opened((await again).content)) == "好的"
    assert (len(core.received), core.committed) == (1, 1)


async def test_after_the_answer_a_repeat_goes_to_the_core_again(hook, platform, core):
    for _ in range(4):
        assert (await hook.post(*platform.safe(platform.text("确认")))).status_code == 200
    assert len({message.id for message in core.received}) == 1
    assert len(core.received) == 4  # which finds its stored reply


async def test_an_unreachable_database_is_503_for_all_who_wait(hook, platform, core):
    core.commit.clear()
    core.fault = Unavailable("locked")
    tasks = await copies(hook, platform, 2)
    core.commit.set()
    assert [(answer.status_code, answer.content) for answer in await asyncio.gather(*tasks)] == [(503, b"")] * 2
    core.fault = None
    assert (await hook.post(*platform.safe(platform.text("确认")))).status_code == 200


async def test_work_that_was_given_up_is_503(hook, platform, core):
    core.fault = asyncio.CancelledError()
    assert (await hook.post(*platform.safe(platform.text("确认")))).status_code == 503


async def test_a_fault_inside_is_never_acknowledged_nor_told(hook, platform, core, caplog):
    core.fault = RuntimeError("王芳 13800138000")
    with caplog.at_level(logging.DEBUG):
        answer = await hook.post(*platform.safe(platform.text("我叫王芳", user="oSecretPerson")))
    assert (answer.status_code, answer.content) == (503, b"")
    assert "RuntimeError" in caplog.text
    assert core.received[0].id[:12] in caplog.text
    for secret in ("王芳", "13800138000", "oSecretPerson", platform.token, platform.aes_key):
        assert secret not in caplog.text


async def test_a_refusal_is_logged_without_what_was_sent(hook, platform, caplog):
    with caplog.at_level(logging.DEBUG):
        await hook.post(platform.query(signature="guess"), platform.text("我叫王芳", user="oSecretPerson"))
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("bot.")]
    assert ours == ["wechat: a request was refused: not encrypted"]


async def test_a_fault_that_nobody_waits_for_is_not_left_lying(hook, platform, core, caplog):
    core.commit.clear()
    core.fault = RuntimeError("late")
    (only,) = await copies(hook, platform, 1)
    only.cancel()
    core.commit.set()
    await asyncio.sleep(0.01)
    del only  # which remembers where it was cut off
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_closing_lets_a_message_reach_the_disk(hook, platform, core):
    core.commit.clear()
    (waiting,) = await copies(hook, platform, 1)
    waiting.cancel()
    hook.adapter._patience = 20
    asyncio.get_running_loop().call_later(0.1, core.commit.set)
    await hook.adapter.close()
    assert core.committed == 1
