"""Messages sent later, against a small server that is as strict as the platform."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.adapters.wechat import api as api_module
from bot.adapters.wechat.adapter import WeChatAdapter
from bot.adapters.wechat.api import Refused
from bot.errors import Misconfigured, TryLater, Unconfirmed, Unreachable
from bot.message import Address, Choice, Reply

SECRET = "4a5b6c7d8e9f-secret"
OK = {"errcode": 0, "errmsg": "ok"}
CUT, SILENCE = object(), object()


class Server:
    """api.weixin.qq.com: gives tokens, takes messages that are right in every byte, answers what it is told to."""

    def __init__(self, app_id: str) -> None:
        self.app_id = app_id
        self.tokens = 0
        self.lasts = 7200
        self.valid: set[str] = set()
        self.sent: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.answers: list[Any] = []  # for the next messages
        self.token_answers: list[Any] = []
        self.wrong: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                method, target, _ = line.decode().split(" ")
                headers = {}
                while row := (await reader.readline()).decode().strip():
                    name, _, value = row.partition(": ")
                    headers[name.lower()] = value
                body = await reader.readexactly(int(headers["content-length"]))
                if not await self.answer(writer, self.called(method, target, headers, body)):
                    break
        finally:
            writer.close()

    async def answer(self, writer: asyncio.StreamWriter, what: Any) -> bool:
        if what is CUT:
            return False
        if what is SILENCE:
            await asyncio.sleep(5)
            return False
        status, body = what if isinstance(what, tuple) else (200, json.dumps(what).encode())
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()
        return True

    def called(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Any:
        parts = urlsplit(target)
        self.calls.append(parts.path)
        if method != "POST" or b"\\u" in body or not headers["content-type"].startswith("application/json"):
            self.wrong.append(f"{method} {target} {headers['content-type']}")
        data = json.loads(body.decode())
        query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
        if parts.path == "/cgi-bin/stable_token":
            return self.token(query, data)
        assert parts.path == "/cgi-bin/message/custom/send", parts.path
        if query.get("access_token", [""])[0] not in self.valid:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        answer = self.answers.pop(0) if self.answers else OK
        if answer is OK:
            self.sent.append(data)
        return answer

    def token(self, query: dict[str, list[str]], data: dict[str, Any]) -> Any:
        if self.token_answers:
            return self.token_answers.pop(0)
        expected = {"grant_type": "client_credential", "appid": self.app_id, "secret": SECRET, "force_refresh": False}
        if query or data != expected:
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        self.tokens += not self.valid
        self.valid = {f"TOKEN-{self.tokens}"}
        return {"access_token": f"TOKEN-{self.tokens}", "expires_in": self.lasts}

    def asked(self, path: str) -> int:
        return self.calls.count(f"/cgi-bin/{path}")


@pytest.fixture
async def server(platform) -> AsyncIterator[Server]:
    fake = Server(platform.app_id)
    listener = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    yield fake
    listener.close()
    assert fake.wrong == []


@pytest.fixture
async def adapter(platform, clock, server) -> AsyncIterator[WeChatAdapter]:
    async def nothing(*_: object) -> None: ...

    settings = platform.settings(APP_SECRET=SECRET, API_URL=server.url)
    yield (adapter := WeChatAdapter(settings, clock, nothing, nothing))
    await adapter.close()


Send = Callable[..., Any]


@pytest.fixture
def send(adapter, platform) -> Send:
    def sending(text: str = "会场定了", **more: Any) -> Any:
        return adapter.send(Address("wechat", platform.app_id, "oA"), Reply(text=text, **more), "wechat_message")

    return sending


async def test_a_message_is_sent_as_people_read_it(send, server):
    await send("会场定了 <b> 😀", choices=(Choice("怎么去", "怎么去", "say"),))
    link = '<a href="weixin://bizmsgmenu?msgmenucontent=%E6%80%8E%E4%B9%88%E5%8E%BB&msgmenuid=say">1 怎么去</a>'
    assert server.sent == [{"touser": "oA", "msgtype": "text", "text": {"content": f"会场定了 ＜b＞ 😀\n\n{link}"}}]


async def test_one_token_serves_many_messages(send, server):
    await asyncio.gather(*(send() for _ in range(10)))
    await send()
    assert (server.asked("stable_token"), len(server.sent)) == (1, 11)


async def test_a_token_is_asked_for_anew_before_its_end(send, server):
    server.lasts = 120
    await send()
    await send()
    assert server.asked("stable_token") == 2


async def test_a_stale_token_costs_one_refresh_and_one_retry(send, server):
    await send()
    server.valid.clear()
    await asyncio.gather(*(send() for _ in range(5)))
    assert server.asked("stable_token") == 2  # one for all five
    assert len(server.sent) == 6


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_token_that_is_refused_for_ever_is_not_tried_for_ever(send, server, code):
    server.answers = [{"errcode": code}] * 50
    with pytest.raises(TryLater):
        await send()
    assert server.asked("message/custom/send") == 2
    assert server.asked("stable_token") == 2


CODES = [
    (-1, Unconfirmed),
    (40013, Misconfigured), (40125, Misconfigured), (40243, Misconfigured), (40164, Misconfigured),
    (61004, Misconfigured), (48001, Misconfigured), (40200, Misconfigured),
    (40003, Unreachable), (43004, Unreachable), (50005, Unreachable), (43019, Unreachable), (48002, Unreachable),
    (50002, Unreachable), (45015, Unreachable), (45047, Unreachable),
    (45002, Refused), (45008, Refused), (45098, Refused), (44004, Refused), (47001, Refused), (47003, Refused),
    (99999, Refused), (45009, TryLater), (45011, TryLater),
]  # fmt: skip


@pytest.mark.parametrize(("code", "error"), CODES)
async def test_what_an_errcode_means(send, server, code, error):
    server.answers = [{"errcode": code, "errmsg": "for oA, rid: 5f"}]
    with pytest.raises(error, match=str(code)) as raised:
        await send()
    assert "oA" not in str(raised.value)
    assert server.asked("message/custom/send") == 1
    await send()  # and nothing is stuck
    assert len(server.sent) == 1


@pytest.mark.parametrize(("code", "now", "delay"), [
    (45011, datetime(2019, 10, 8, 1, tzinfo=UTC), 60),
    (45009, datetime(2019, 10, 8, 1, tzinfo=UTC), 15 * 3600),  # 9:00 in China
    (45009, datetime(2019, 10, 8, 15, 59, tzinfo=UTC), 60),
    (45009, datetime(2019, 10, 8, 16, 0, tzinfo=UTC), 24 * 3600),
])  # fmt: skip
async def test_a_quota_says_how_long_to_wait(send, server, clock, code, now, delay):
    clock.at = now
    server.answers = [{"errcode": code}]
    with pytest.raises(TryLater) as raised:
        await send()
    assert raised.value.delay == delay


@pytest.mark.parametrize(("answer", "error"), [
    ({"errcode": 40001}, Misconfigured), ({"errcode": 40125}, Misconfigured), ({"errcode": 40164}, Misconfigured),
    ({"errcode": 50004}, Misconfigured), ({"errcode": 0}, Misconfigured),
    ({"access_token": "", "expires_in": 7200}, TryLater),
    ({"errcode": -1}, TryLater), ({"errcode": 45009}, TryLater), ({"errcode": 45011}, TryLater),
    (CUT, TryLater), ((502, b"<html>"), TryLater), ((200, b"<html>"), TryLater), ([], TryLater), ({}, TryLater),
])  # fmt: skip
async def test_a_token_that_cannot_be_had_means_that_nothing_was_sent(send, server, answer, error):
    server.token_answers = [answer]
    with pytest.raises(error):
        await send()
    assert (server.asked("stable_token"), server.asked("message/custom/send")) == (1, 0)
    await send()
    assert len(server.sent) == 1


@pytest.mark.parametrize("answer", [
    CUT, (500, b""), (502, b"<html>"), (404, b"{}"), (200, b"<html>"), (200, b""), (200, b"\xff"), [], {},
    {"errmsg": "ok"}, {"errcode": "0"}, {"errcode": None},
], ids=repr)  # fmt: skip
async def test_after_a_broken_answer_nobody_knows(send, server, answer):
    server.answers = [answer]
    with pytest.raises(Unconfirmed):
        await send()
    assert server.asked("message/custom/send") == 1


async def test_after_a_time_out_nobody_knows(platform, clock, server, send, adapter, monkeypatch):
    await send()
    adapter._api._http.timeout = 0.05
    server.answers = [SILENCE]
    with pytest.raises(Unconfirmed, match="ReadTimeout"):
        await send()


async def test_where_nobody_listens_nothing_was_sent(platform, clock):
    closed = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{closed.sockets[0].getsockname()[1]}"
    closed.close()
    await closed.wait_closed()
    adapter = WeChatAdapter(platform.settings(APP_SECRET=SECRET, API_URL=url), clock, None, None)
    with pytest.raises(TryLater, match="ConnectError"):
        await adapter.send(Address("wechat", platform.app_id, "oA"), Reply(text="hi"), "wechat_message")
    await adapter.close()


async def test_logs_hold_neither_token_nor_secret_nor_person(send, server, caplog):
    with caplog.at_level(logging.DEBUG, logger="bot"), caplog.at_level(logging.INFO):
        await send("王芳，会场定了")
        server.answers = [{"errcode": 45002}]
        with pytest.raises(Refused):
            await send("王芳，会场定了")
    for secret in ("TOKEN-1", SECRET, "oA", "王芳", "%E7%8E%8B"):
        assert secret not in caplog.text


def test_every_code_of_the_table_is_tested():
    assert {code for code, _ in CODES} >= set(api_module._MEANING) - {40001, 40014, 42001}
