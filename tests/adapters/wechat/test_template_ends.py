"""The end of a template message is reported by a push, and acknowledged only once it is written."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import Unavailable


def end(platform, msgid: str = "200163836", status: str = "success") -> bytes:
    more = f"<MsgID>{msgid}</MsgID><Status><![CDATA[{status}]]></Status>"
    return platform.event("TEMPLATESENDJOBFINISH", more=more)


@pytest.mark.parametrize("status", ["success", "failed:user block", "failed: system failed"])
async def test_the_end_of_a_template_message_is_reported(hook, platform, core, status):
    answer = await hook.post(*platform.safe(end(platform, status=status)))
    assert (answer.status_code, answer.content) == (200, b"success")
    assert core.ended == [("200163836", status)]
    assert (core.received, core.kept) == ([], [])


async def test_the_end_in_the_sample_is_read(hook, platform, core, samples):
    await hook.post(*platform.safe(samples["ev_TEMPLATESENDJOBFINISH"]))
    assert core.ended == [("200163836", "success")]


async def test_an_end_is_acknowledged_only_once_it_is_written(hook, platform, core):
    core.commit.clear()
    waiting = asyncio.create_task(hook.post(*platform.safe(end(platform))))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    core.commit.set()
    assert (await waiting).content == b"success"


@pytest.mark.parametrize("fault", [Unavailable("locked"), RuntimeError("disk")])
async def test_an_end_that_was_not_written_comes_again(hook, platform, core, fault):
    core.fault = fault
    answer = await hook.post(*platform.safe(end(platform)))
    assert (answer.status_code, answer.content) == (503, b"")
    core.fault = None
    assert (await hook.post(*platform.safe(end(platform)))).content == b"success"
    assert core.ended == [("200163836", "success")]


@pytest.mark.parametrize(
    ("msgid", "status"), [("", "success"), ("1x", "success"), ("1", ""), ("1", "王芳"), ("1", "x" * 99)]
)
async def test_an_end_that_nobody_understands_is_kept(hook, platform, core, msgid, status):
    xml = end(platform, msgid, status)
    assert (await hook.post(*platform.safe(xml))).content == b"success"
    assert core.kept == [("wechat", platform.app_id, "oA", "a template's end without MsgID or Status", xml)]
    assert core.ended == []


async def test_where_nobody_takes_the_ends_they_are_kept(open_hook, platform, core):
    xml = end(platform)
    assert (await open_hook.post(*platform.plain(xml))).content == b"success"
    assert core.kept == [("wechat", platform.app_id, "oA", "nobody takes the end of a template message", xml)]


async def test_a_forged_end_is_refused(hook, platform, core):
    assert (await hook.post(*platform.plain(end(platform)))).status_code == 403
    assert core.ended == []
