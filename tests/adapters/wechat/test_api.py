"""Messages sent later, against a small server that is as strict as the platform."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.adapters.base import Outgoing
from bot.adapters.wechat import api as api_module
from bot.adapters.wechat.adapter import WeChatAdapter
from bot.clock import seconds
from bot.errors import NoConnection, Paused, Refused, RouteRests, TryLater, Unconfirmed
from bot.message import Address, Choice, Reply

SECRET = "4a5b6c7d8e9f-secret"
OK = {"errcode": 0, "errmsg": "ok"}
CUT, SILENCE = object(), object()


@dataclass
class Slow:
    """An answer that takes so many seconds; the usual one unless given."""

    wait: float
    answer: Any = None


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
            await asyncio.sleep(2)
            return False
        if isinstance(what, Slow):
            await asyncio.sleep(what.wait)
            what = what.answer
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
        ordered = self.token_answers.pop(0) if self.token_answers else None
        if ordered is not None and not isinstance(ordered, Slow):
            return ordered
        expected = {"grant_type": "client_credential", "appid": self.app_id, "secret": SECRET, "force_refresh": False}
        if query or data != expected:
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        self.tokens += not self.valid
        self.valid = {f"TOKEN-{self.tokens}"}
        answer = {"access_token": f"TOKEN-{self.tokens}", "expires_in": self.lasts}
        return Slow(ordered.wait, answer) if ordered else answer

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
        outgoing = Outgoing("k1", Reply(text=text, **more))
        return adapter.send(Address("wechat", platform.app_id, "oA"), outgoing, "wechat_message")

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
    with pytest.raises(Paused):
        await send()
    assert server.asked("message/custom/send") == 2
    assert server.asked("stable_token") == 2


async def test_an_errcode_leaves_nothing_stuck(send, server):
    server.answers = [{"errcode": 45002}]
    with pytest.raises(Refused):
        await send()
    await send()
    assert len(server.sent) == 1


@pytest.mark.parametrize(("now", "tomorrow", "minute"), [
    (datetime(2019, 10, 8, 1, tzinfo=UTC), 15 * 3600, 60),  # 9:00 in China
    (datetime(2019, 10, 8, 15, 59, tzinfo=UTC), 60, 60),
    (datetime(2019, 10, 8, 15, 59, 59, 500_000, tzinfo=UTC), 0.5, 0.5),
    (datetime(2019, 10, 8, 16, 0, tzinfo=UTC), 24 * 3600, 60),
    (datetime(2019, 12, 31, 15, 59, 30, tzinfo=UTC), 30, 30),
])  # fmt: skip
async def test_a_quota_says_how_long_to_wait(send, server, clock, now, tomorrow, minute):
    clock.at = now
    for code, means, delay in ((45009, RouteRests, tomorrow), (45011, Paused, minute)):
        server.answers = [{"errcode": code}]
        with pytest.raises(means) as raised:
            await send()
        assert raised.value.delay == delay


# Time: everything that one message may need ends before the lane's lease does.


@pytest.fixture
def hasty(monkeypatch):
    """A tenth of the times, their proportions kept."""
    for name in ("WHOLE", "_TOKEN", "_LEAST"):
        monkeypatch.setattr(api_module, name, getattr(api_module, name) / 10)


def test_one_message_takes_less_than_a_lane_allows():
    assert api_module.WHOLE < 5
    assert api_module._TOKEN <= api_module.WHOLE / 2


async def test_after_a_time_out_nobody_knows(send, server, hasty):
    await send()
    server.answers = [SILENCE]
    began = seconds()
    with pytest.raises(Unconfirmed, match="no answer in time"):  # who waits on is cut after two seconds
        await send()
    assert seconds() - began > 0.4


async def test_a_token_that_does_not_come_stops_all_who_wait_for_it_together(send, server, hasty):
    server.token_answers = [SILENCE] * 9  # whoever waits for itself finds the tenth to be a token
    outcomes = await asyncio.gather(*(send() for _ in range(30)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {NoConnection}
    assert server.asked("message/custom/send") == 0


async def test_however_slow_everything_is_the_whole_ends_in_time(send, server, hasty):
    """A slow token, a slow 40001, a slow second token: the message that was refused is not begun again too late."""
    server.token_answers = [Slow(0.15), Slow(0.15)]
    server.answers = [Slow(0.2, {"errcode": 40001})]
    with pytest.raises(TryLater):
        await send()
    assert server.sent == []


async def test_logs_hold_neither_token_nor_secret_nor_person(send, server, caplog):
    with caplog.at_level(logging.DEBUG, logger="bot"), caplog.at_level(logging.INFO):
        await send("王芳，会场定了")
        server.answers = [{"errcode": 45002}]
        with pytest.raises(Refused):
            await send("王芳，会场定了")
    for secret in ("TOKEN-1", SECRET, "oA", "王芳", "%E7%8E%8B"):
        assert secret not in caplog.text
