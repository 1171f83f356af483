"""The webhook over HTTP: what the platform sees, second by second."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from bot.adapters.base import Adapter, Outgoing
from bot.adapters.wechat import convert
from bot.adapters.wechat.adapter import WeChatAdapter
from bot.errors import Misconfigured, Unavailable
from bot.message import Address, Choice, Message, Reply
from bot.store.nonces import Nonces

PATIENCE = 0.25  # seconds, in place of 4.5
LONGER = 5


class Core:
    """What stands behind the adapter: commits when it is let."""

    def __init__(self) -> None:
        self.received: list[Message] = []
        self.kept: list[tuple[str, str, str, str, bytes]] = []
        self.commit = asyncio.Event()
        self.commit.set()
        self.fault: BaseException | None = None
        self.reply: Reply | None = Reply(text="好的")
        self.committed = 0
        self.ended: list[tuple[str, str]] = []

    async def receive(self, message: Message) -> Reply | None:
        self.received.append(message)
        await self.commit.wait()
        if self.fault:
            raise self.fault
        self.committed += 1
        return self.reply

    async def keep(self, *kept: str | bytes) -> None:
        await self.commit.wait()
        if self.fault:
            raise self.fault
        self.kept.append(kept)

    async def report(self, receipt: str, status: str) -> None:
        await self.commit.wait()
        if self.fault:
            raise self.fault
        self.ended.append((receipt, status))


class Webhook:
    """The adapter, called as the platform calls it."""

    def __init__(self, adapter: WeChatAdapter) -> None:
        self.adapter = adapter
        transport = httpx.ASGITransport(Starlette(routes=adapter.routes()))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://usher.test")

    async def post(self, query: bytes, body: bytes | AsyncIterator[bytes]) -> httpx.Response:
        return await self.http.post(f"/wechat/webhook?{query.decode('latin-1')}", content=body)

    async def get(self, query: bytes) -> httpx.Response:
        return await self.http.get(f"/wechat/webhook?{query.decode()}")


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
async def hook(platform, clock, core) -> AsyncIterator[Webhook]:
    adapter = WeChatAdapter(platform.settings(), clock, core.receive, core.keep, core.report, patience=PATIENCE)
    yield (webhook := Webhook(adapter))
    core.commit.set()
    await webhook.http.aclose()
    await webhook.adapter.close()


@pytest.fixture
async def open_hook(platform, clock, core, database) -> AsyncIterator[Webhook]:
    """An account in plain mode."""
    settings, nonces = platform.settings(MODE="plain", AES_KEY=""), Nonces(database, clock, 2 * convert.FRESH)
    adapter = WeChatAdapter(settings, clock, core.receive, core.keep, patience=PATIENCE, admit=nonces.admit)
    yield (webhook := Webhook(adapter))
    core.commit.set()
    await webhook.http.aclose()
    await webhook.adapter.close()


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


# The ends of template messages.


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


# The five seconds.


async def copies(hook: Webhook, platform, count: int) -> list[asyncio.Task[httpx.Response]]:
    """So many requests for one message, one after the other, none of them answered yet."""
    sent = platform.safe(platform.text("确认"))
    tasks = []
    for _ in range(count):
        tasks.append(asyncio.create_task(hook.post(*sent)))
        await asyncio.sleep(0.01)
    return tasks


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
    await asyncio.sleep(0.01)
    assert len(core.received) == 2
    core.commit.set()
    await asyncio.gather(*tasks)


async def test_without_a_commit_the_first_two_wait_and_the_third_gives_up(hook, platform, core):
    core.commit.clear()
    first, second, third = await copies(hook, platform, 3)
    answer = await asyncio.wait_for(third, LONGER)
    assert (answer.status_code, answer.content) == (503, b"")
    assert not first.done()
    assert not second.done()
    core.commit.set()
    assert [task.status_code for task in await asyncio.gather(first, second)] == [200, 200]
    assert (len(core.received), core.committed) == (1, 1)


async def test_the_third_waits_its_own_time_and_gets_a_reply_that_comes_in_it(hook, platform, core):
    core.commit.clear()
    await copies(hook, platform, 2)
    await asyncio.sleep(PATIENCE * 2)
    third = asyncio.create_task(hook.post(*platform.safe(platform.text("确认"))))
    await asyncio.sleep(PATIENCE / 10)
    assert not third.done()
    core.commit.set()
    assert platform.shown(platform.opened((await third).content)) == "好的"


async def test_a_fourth_copy_gives_up_too(hook, platform, core):
    core.commit.clear()
    tasks = await copies(hook, platform, 4)
    await asyncio.sleep(PATIENCE * 2)
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
    asyncio.get_running_loop().call_later(PATIENCE / 2, core.commit.set)
    await hook.adapter.close()
    assert core.committed == 1


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
