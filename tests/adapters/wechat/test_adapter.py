"""The webhook over HTTP: what the platform sees."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from bot.adapters.base import Adapter, Outgoing
from bot.adapters.wechat import convert
from bot.adapters.wechat.adapter import WeChatAdapter
from bot.errors import Misconfigured, Unavailable
from bot.message import Address, Choice, Reply


def test_it_is_an_adapter(platform, clock, core):
    adapter: Adapter = WeChatAdapter(platform.settings(), clock, core.receive, core.keep)
    assert (adapter.channel, adapter.account, adapter.sends_replies) == ("wechat", platform.app_id, False)


async def test_the_address_is_checked(hook, platform):
    answer = await hook.get(platform.check("4375120948345356249"))
    assert (answer.status_code, answer.content) == (200, b"4375120948345356249")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_echo_of_a_check_is_plain_text_whatever_it_looks_like(hook, platform):
    answer = await hook.get(platform.check("<script>alert(1)</script>"))
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_message_is_answered(hook, platform, core):
    answer = await hook.post(*platform.safe(platform.text("报名")))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert platform.shown(platform.opened(answer.content)) == "好的"
    assert [message.text for message in core.received] == ["报名"]


async def test_a_message_with_nothing_to_say_to_is_success(hook, platform, core):
    core.reply = None
    answer = await hook.post(*platform.safe(platform.event("unsubscribe")))
    assert (answer.status_code, answer.content) == (200, b"success")
    assert core.committed == 1


async def test_results_of_sending_are_no_conversation(hook, platform, core, samples):
    answer = await hook.post(*platform.safe(samples["ev_MASSSENDJOBFINISH"]))
    assert (answer.status_code, answer.content) == (200, b"success")
    assert (core.received, core.kept, core.ended) == ([], [], [])


async def test_what_nobody_understands_is_kept_and_accepted(hook, platform, core):
    xml = platform.event("kf_create_session")
    answer = await hook.post(*platform.safe(xml))
    assert (answer.status_code, answer.content) == (200, b"success")
    assert core.kept == [("wechat", platform.app_id, "oA", "unknown Event", xml)]
    assert core.received == []


async def test_what_could_not_be_kept_is_not_accepted(hook, platform, core):
    for core.fault in (Unavailable("locked"), RuntimeError("disk")):
        answer = await hook.post(*platform.safe(platform.event("kf_create_session")))
        assert (answer.status_code, answer.content) == (503, b"")


async def test_every_refusal_looks_the_same(hook, platform, core):
    query, body = platform.safe(platform.text("hi"))
    _, other = platform.safe(platform.text("ho"))
    refused = [
        await hook.post(b"", body),
        await hook.post(query.replace(b"timestamp=1", b"timestamp=2"), body),
        await hook.post(query + b"&nonce=1", body),
        await hook.post(query + b"&a=" + b"x" * 3000, body),
        await hook.post(query, b""),
        await hook.post(query, other),
        await hook.post(query, b"x" * 70_000),
        await hook.post(*platform.plain(platform.text("hi"))),
        await hook.post(*platform.safe(b"<!DOCTYPE xml><xml/>")),
        await hook.post(*platform.envelope(platform.encrypt(platform.text("hi"), "wx0000000000000000"))),
        await hook.post(*platform.envelope(platform.crypt(bytes(64)))),
        await hook.get(b""),
        await hook.get(platform.check().replace(b"signature=", b"signature=0")),
        await hook.get(platform.query()),
    ]
    assert {(answer.status_code, answer.content) for answer in refused} == {(403, b"")}
    assert len({tuple(answer.headers.items()) for answer in refused}) == 1
    assert (core.received, core.kept) == ([], [])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_not_allowed(hook, method):
    assert (await hook.http.request(method, "/wechat/webhook")).status_code == 405


async def test_a_huge_body_is_not_read_to_its_end(hook, platform, core):
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 100:
            read += 1
            yield b"x" * 4096

    answer = await hook.post(platform.safe(platform.text("hi"))[0], endless())
    assert answer.status_code == 403
    assert read <= 18  # 64 KiB, the part that went beyond it, and one on the way


async def test_a_body_in_parts_is_one_body(hook, platform, core):
    query, body = platform.safe(platform.text("报名"))

    async def in_parts() -> AsyncIterator[bytes]:
        for place in range(0, len(body), 7):
            yield body[place : place + 7]

    assert (await hook.post(query, in_parts())).status_code == 200
    assert core.committed == 1


# Plain mode.


async def test_plain_mode_answers_in_the_open(open_hook, platform, core):
    answer = await open_hook.post(*platform.plain(platform.text("报名")))
    assert platform.shown(answer.content) == "好的"


async def test_a_nonce_seen_again_with_the_same_body_is_a_repeat(open_hook, platform, core):
    answers = [await open_hook.post(*platform.plain(platform.text("报名"))) for _ in range(3)]
    assert {(answer.status_code, platform.shown(answer.content)) for answer in answers} == {(200, "好的")}
    assert len({message.id for message in core.received}) == 1  # which the core answers as the first time


async def test_a_nonce_seen_again_with_another_body_is_refused(open_hook, platform, core):
    assert (await open_hook.post(*platform.plain(platform.text("报名")))).status_code == 200
    forged = await open_hook.post(*platform.plain(platform.text("取消报名", user="oVictim")))
    assert (forged.status_code, forged.content) == (403, b"")
    assert (await open_hook.post(*platform.plain(platform.text("报名")))).status_code == 200  # the right one still is
    assert (await open_hook.post(*platform.plain(platform.text("取消报名"), nonce="2"))).status_code == 200
    assert [message.text for message in core.received] == ["报名", "报名", "取消报名"]


@pytest.mark.parametrize("timestamps", [convert._NUMBER, re.compile("[0-9]+")])
async def test_a_nonce_split_differently_is_the_same_nonce(open_hook, platform, core, monkeypatch, timestamps):
    """Signed without a border, nonce 0000 at 157.. reads as nonce 000 at 0157.. too: both guards are tried alone."""
    monkeypatch.setattr(convert, "_NUMBER", timestamps)
    right, moved = ("0000", platform.timestamp), ("000", "0" + platform.timestamp)
    signature = platform.sign(*right)
    assert signature == platform.sign(*moved)
    answers = [
        await open_hook.post(platform.query(nonce=nonce, timestamp=stamp, signature=signature), platform.text(words))
        for words, (nonce, stamp) in (("报名", right), ("取消报名", moved))
    ]
    assert [answer.status_code for answer in answers] == [200, 403]


# Sending later.


async def test_without_the_app_secret_only_answers_are_sent(hook, platform):
    outgoing = Outgoing("k1", Reply(text="hi"))
    with pytest.raises(Misconfigured, match="USHER_WECHAT_APP_SECRET"):
        await hook.adapter.send(Address("wechat", platform.app_id, "oA"), outgoing, "wechat_message")


async def test_listening_only_waits(hook):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(hook.adapter.listen(), 0.02)


def test_fit_is_that_of_wechat(platform, clock, core):
    adapter = WeChatAdapter(platform.settings(), clock, core.receive, core.keep)
    shown, rest = adapter.fit(Reply(text="字" * 1000), Choice("继续看", "继续"))
    assert shown.choices == (Choice("继续看", "继续"),)
    assert shown.text + rest == "字" * 1000
