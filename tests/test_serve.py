"""`usher serve` as a process: it starts, says what is off, and ends with 0 when told to, whatever is in flight."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.chat import FORM
from tests.command import Here, outside, writing
from tests.conftest import NOW, ROOT, sqlite_url
from tests.nursery import Forked, Nursery, Served
from tests.served import KEYS, Platforms, Process, environment, free_port, platforms

Serving = Callable[..., AbstractAsyncContextManager[Served]]
SERVED = {"USHER_SECRET": "a secret of the tests alone", "USHER_NOW": NOW.isoformat()}
SIGNATURE = "X-Telegram-Bot-Api-Secret-Token"


@pytest.fixture
async def played() -> AsyncIterator[tuple[Platforms, int]]:
    """Both platforms, and the port at which they expect the bot."""
    port = free_port()
    async with platforms(port) as playing:
        yield playing, port


@contextlib.asynccontextmanager
async def ready(serve: Served, playing: Platforms) -> AsyncIterator[Served]:
    """Started, with its webhook registered."""
    await serve.start()
    try:
        async with asyncio.timeout(10):
            while playing.telegram.updates.webhook is None:
                await asyncio.sleep(0.01)
        yield serve
    finally:
        if serve.running:
            serve.kill()


@pytest.fixture
def serving(nursery: Nursery, played: tuple[Platforms, int], tmp_path: Path) -> Serving:
    """Starts `usher serve` as a process of its own; settings may be given."""
    playing, port = played

    def start(**more: str) -> AbstractAsyncContextManager[Served]:
        env = environment(sqlite_url(tmp_path), port, playing.url, **more)
        return ready(Forked(nursery, env, tmp_path, port), playing)

    return start


async def stopped(serve: Served) -> int:
    """SIGTERM, and the exit code."""
    return await asyncio.to_thread(serve.stop)


async def test_serve_starts_answers_and_ends_with_0_at_sigterm(
    here: Here, tmp_path: Path, played: tuple[Platforms, int]
) -> None:
    """The command itself; the other tests fork it behind its imports."""
    playing, port = played
    command = Process(environment(sqlite_url(tmp_path), port, playing.url), tmp_path, port)
    async with ready(command, playing) as serve:
        assert "您好" in await playing.wechat.phone("oSomebody").follows()
        assert "Welcome" in await playing.telegram.phone(70_000_001, language_code="en").starts()
        assert await stopped(serve) == 0
    assert "Traceback" not in serve.log.read_text()
    loaded = datetime.fromisoformat(json.loads(here("status", "--json").out)["content"]["at"])
    assert timedelta() <= loaded - NOW < timedelta(minutes=1)


async def test_sigterm_in_the_middle_of_the_start_ends_with_0(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "bot.cli", "serve"]
    with subprocess.Popen(words, cwd=tmp_path, env=outside() | SERVED, stderr=subprocess.PIPE) as process:
        async with asyncio.timeout(20):
            while not (tmp_path / "usher.db").exists():
                await asyncio.sleep(0.01)
        process.terminate()
        _, said = await asyncio.to_thread(process.communicate)
    assert process.returncode == 0
    assert b"Traceback" not in said


async def test_a_changed_text_is_said_at_once_and_a_broken_one_never(
    serving: Serving, tmp_path: Path, played: tuple[Platforms, int]
) -> None:
    texts = shutil.copytree(ROOT / "content", tmp_path / "content") / "texts.toml"
    shipped, person = texts.read_text(encoding="utf-8"), played[0].telegram.phone(70_000_001)

    async def says(wanted: str) -> None:
        async with asyncio.timeout(10):
            while wanted not in await person.says("谢谢"):
                await asyncio.sleep(0.05)

    async with serving(CONTENT=str(texts.parent)) as serve:
        await says("不客气！还有问题随时问我。")
        texts.write_text(shipped.replace("不客气！还有问题随时问我。", "应该的！"), encoding="utf-8")
        await says("应该的！")
        texts.write_text(shipped.replace("[thanks]", "[thanks"), encoding="utf-8")
        async with asyncio.timeout(10):
            while "the changed content is refused fault=texts.toml:" not in serve.log.read_text():
                await asyncio.sleep(0.05)
        assert "应该的！" in await person.says("谢谢")
        assert await stopped(serve) == 0


@contextlib.asynccontextmanager
async def in_flight(serve: Served) -> AsyncIterator[asyncio.Task[httpx.Response]]:
    """A signed update that has arrived at the bot and not been answered."""
    url, signed = f"http://127.0.0.1:{serve.port}/telegram/webhook", {SIGNATURE: KEYS["TELEGRAM_SECRET"]}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        update = json.loads((ROOT / "tests/samples/telegram/text.json").read_text())
        flight = asyncio.create_task(client.post(url, json=update, headers=signed))
        await asyncio.sleep(0.5)
        assert not flight.done()
        yield flight


async def test_sigterm_lets_a_message_in_flight_finish(serving: Serving, tmp_path: Path) -> None:
    async with serving() as serve:
        with writing(tmp_path / "usher.db") as writer:
            async with in_flight(serve) as flight:
                stopping = asyncio.create_task(stopped(serve))
                await asyncio.sleep(0.5)
                assert not flight.done()
                writer.execute("ROLLBACK")
                assert (await flight).status_code == 200
                assert await stopping == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "usher.db")) as database:
        assert database.execute("SELECT count(*) FROM message WHERE reply IS NOT NULL").fetchone() == (1,)


async def test_while_it_drains_health_says_so_and_who_writes_is_answered(serving: Serving, tmp_path: Path) -> None:
    """WeChat asks three times and no more: a repeat of what is in flight joins it, and a refusal would spend one."""
    async with serving() as serve, httpx.AsyncClient(base_url=f"http://127.0.0.1:{serve.port}") as balancer:
        with writing(tmp_path / "usher.db") as writer:
            async with in_flight(serve) as first:
                stopping = asyncio.create_task(stopped(serve))
                async with asyncio.timeout(10):
                    while (ready := await balancer.get("/health/ready")).status_code == 200:
                        await asyncio.sleep(0.01)
                assert (ready.status_code, ready.text) == (503, "draining")
                async with in_flight(serve) as again:
                    writer.execute("ROLLBACK")
                    assert [(await flight).status_code for flight in (first, again)] == [200, 200]
                assert await stopping == 0
        with pytest.raises(httpx.ConnectError):
            await balancer.get("/health/ready")
    with contextlib.closing(sqlite3.connect(tmp_path / "usher.db")) as database:
        assert database.execute("SELECT count(*) FROM message").fetchone() == (1,)


async def test_the_log_of_serve_holds_no_personal_data(serving: Serving, played: tuple[Platforms, int]) -> None:
    phone, writer = played[0].wechat.phone("oSomebodyNobodyMayName00000"), played[0].telegram.phone(70_000_001)
    async with serving(LOG="json") as serve:
        for text in ("报名", *FORM, "确认", "删除我的信息", "1"):
            await phone.says(text)
            await writer.says(text)
        assert await stopped(serve) == 0
    log = serve.log.read_text()
    facts = [json.loads(line) for line in log.splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(fact) for fact in facts)
    assert any(fact["message"] == "ready" for fact in facts)
    secrets = [value for name, value in KEYS.items() if name not in ("TELEGRAM_MODE", "WECHAT_APP_ID")]
    for hidden in (*FORM[3:], "报名", phone.openid, "70000001", *secrets):
        assert hidden not in log, hidden


async def test_after_the_event_serve_starts_with_one_warning(serving: Serving, played: tuple[Platforms, int]) -> None:
    async with serving(NOW="2019-11-01T09:00:00+08:00") as serve:
        assert "报名" in await played[0].telegram.phone(70_000_001).says("报名")
        assert await stopped(serve) == 0
    warnings = [line for line in serve.log.read_text().splitlines() if " warning " in line]
    assert len(warnings) == 1
    assert "the event is over" in warnings[0]


async def test_with_no_channel_serve_says_so_and_answers_health_alone(nursery: Nursery, tmp_path: Path) -> None:
    port = free_port()
    serve = Forked(nursery, {**SERVED, "USHER_PORT": str(port)}, tmp_path, port)
    await serve.start()
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.post(f"http://127.0.0.1:{port}/telegram/webhook")).status_code == 404
        assert (await client.get(f"http://127.0.0.1:{port}/wechat/webhook")).status_code == 404
    assert await stopped(serve) == 0
    assert "no channel is set up" in serve.log.read_text()


def test_a_port_in_use_is_a_fault(apart: Here) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        ended = apart("serve", SECRET="s" * 16, PORT=str(port))
    assert ended.code == 1
    assert ended.err.splitlines()[-1] == (
        f"usher: USHER_HOST, USHER_PORT: 127.0.0.1:{port} cannot be used (Address already in use); "
        "expected an address of this machine and a free port"
    )
    assert "Traceback" not in ended.err


def test_a_port_in_use_names_the_option_of_the_demo(apart: Here, tmp_path: Path) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        ended = apart("demo", "--port", str(port))
    assert ended.code == 1
    said = f"usher: port {port} is in use; expected a free one, such as: usher demo --port {port + 1}"
    assert ended.err.splitlines()[-1] == said
    assert not (tmp_path / "usher-demo.db").exists()
