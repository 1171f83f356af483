"""What answers over HTTP: health, metrics and the channels' webhooks; nothing else does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import pytest_asyncio

from bot.app import Usher
from bot.clock import Clock
from bot.settings import read
from tests.conftest import postgresql_url, sqlite_url
from tests.served import KEYS, House, environment, house

pytestmark = pytest.mark.asyncio(loop_scope="module")
FAR = ("203.0.113.9", 40000)  # an address outside, from the range that is kept for examples
NEAR = ("127.0.0.1", 40000)
TOKEN = {"Authorization": "Bearer a token for metrics"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A running house with a metrics token. One test alone talks in it, and counts."""
    async with house(sqlite_url(tmp_path_factory.mktemp("house")), METRICS_TOKEN="a token for metrics") as running:
        yield running


@pytest.fixture
def usher(tmp_path: Path) -> Iterator[Usher]:
    """A house that nobody has started."""
    settings = read(environment(sqlite_url(tmp_path), 1, "http://127.0.0.1:1"))
    built = Usher(settings, Clock(settings.now))
    yield built
    built.database.close()


def asks(usher: Usher, client: tuple[str, int] = NEAR) -> httpx.AsyncClient:
    """Somebody who calls the application from an address."""
    caller = httpx.ASGITransport(usher.application, client=client)
    return httpx.AsyncClient(transport=caller, base_url="http://127.0.0.1")


async def test_a_running_house_is_live_and_ready(home: House) -> None:
    async with httpx.AsyncClient(base_url=home.url, trust_env=False) as client:
        live, ready = await client.get("/health/live"), await client.get("/health/ready")
    assert (live.status_code, ready.status_code) == (200, 200)


async def test_a_house_is_ready_only_between_its_start_and_its_drain(usher: Usher) -> None:
    async with asks(usher) as client:
        before = await client.get("/health/ready")
        await usher.start()
        during = await client.get("/health/ready")
        await usher.drain()
        after = await client.get("/health/ready")
        alive = await client.get("/health/live")
    await usher.stop()
    assert [(answer.status_code, answer.text) for answer in (before, during, after)] == [
        (503, "starting"),
        (200, "ready"),
        (503, "draining"),
    ]
    assert alive.status_code == 200


async def test_without_its_database_a_house_is_live_and_not_ready_and_recovers(postgresql: str) -> None:
    url = postgresql_url(postgresql)
    name = url.rpartition("?")[0].rpartition("/")[2]
    async with house(url) as home, httpx.AsyncClient(base_url=home.url, trust_env=False, timeout=20) as client:

        async def statuses() -> list[int]:
            return [(await client.get(path)).status_code for path in ("/health/live", "/health/ready", "/metrics")]

        assert await statuses() == [200, 200, 200]
        await asyncio.to_thread(_close_to_everybody, postgresql, name)
        assert await statuses() == [200, 503, 503]
        await asyncio.to_thread(_open, postgresql, name)
        assert await statuses() == [200, 200, 200]


def _close_to_everybody(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


def _open(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


async def test_metrics_count_messages_seconds_and_registrations(home: House) -> None:
    phone = home.wechat.phone("oSomebodyNobodyMayName00000")
    await phone.says("报名")
    await home.telegram.phone(70_000_001).says("agenda")
    async with httpx.AsyncClient(base_url=home.url, trust_env=False) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    counted = re.findall(r'^usher_messages_total\{channel="(\w+)",outcome="\w+"\} (\S+)$', answer.text, re.MULTILINE)
    assert sorted(counted) == [("telegram", "1.0"), ("wechat", "1.0")]
    assert 'usher_reply_seconds_count{channel="wechat"} 1.0' in answer.text
    assert 'usher_registrations{status="pending"} 0.0' in answer.text
    assert phone.openid not in answer.text


async def test_without_a_token_metrics_are_for_this_machine_alone(usher: Usher) -> None:
    async with asks(usher, FAR) as far, asks(usher) as near, asks(usher, ("::1", 1)) as near6:
        assert (await near.get("/metrics")).status_code == 200
        assert (await near6.get("/metrics")).status_code == 200
        refused = await far.get("/metrics")
        guessed = [await far.get("/metrics", headers={"Authorization": given}) for given in ("", "Bearer ", "Bearer x")]
    assert (refused.status_code, refused.content) == (401, b"")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert {answer.status_code for answer in guessed} == {401}


async def test_a_token_opens_metrics_from_anywhere_and_nothing_near_it_does(home: House) -> None:
    async with asks(home.usher, FAR) as client:
        assert (await client.get("/metrics", headers=TOKEN)).status_code == 200
        for wrong in (
            "a token for metrics",
            "Basic a token for metrics",
            "Bearer a token for metric",
            "Bearer ü",
            "Bearer",
            "bearer x",
        ):
            assert (await client.get("/metrics", headers={"Authorization": wrong.encode()})).status_code == 401


async def test_who_comes_through_a_proxy_on_this_machine_is_not_of_this_machine(home: House) -> None:
    async with httpx.AsyncClient(base_url=home.url, trust_env=False) as client:
        proxied = await client.get("/metrics", headers={"X-Forwarded-For": FAR[0]})
        pretended = await client.get("/metrics", headers={"X-Forwarded-For": f"127.0.0.1, {FAR[0]}"})
        silent = await client.get("/metrics", headers={"Host": "usher.example.org"})  # hands on nothing but the name
        near = await client.get("/metrics")
    answers = (proxied, pretended, silent, near)
    assert [answer.status_code for answer in answers] == [401, 401, 401, 200]


NOWHERE = [
    *("/", "/index.html", "/favicon.ico", "/robots.txt", "/.env", "/docs", "/openapi.json", "/static/", "/usher.db"),
    *("/health", "/health/", "/health/live/", "/health/ready/", "/metrics/", "//metrics"),
    *(
        "/wechat",
        "/wechat/webhook/",
        "/telegram",
        "/telegram/webhook/",
        "/sandbox",
        "/sandbox/",
        "/console/",
        "/ticket",
        "/ticket/x/y",
    ),
]


async def test_nothing_else_answers(home: House) -> None:
    async with httpx.AsyncClient(base_url=home.url, trust_env=False) as client:
        for path in NOWHERE:
            for method in ("GET", "POST"):
                answer = await client.request(method, f"{home.url}{path}")
                assert (answer.status_code, answer.content) == (404, b""), f"{method} {path}"


OTHER_METHODS = [
    ("PUT", "/wechat/webhook"),
    ("DELETE", "/wechat/webhook"),
    ("GET", "/telegram/webhook"),
    ("PUT", "/telegram/webhook"),
    ("POST", "/health/live"),
    ("POST", "/health/ready"),
    ("POST", "/metrics"),
    ("OPTIONS", "/metrics"),
    ("POST", "/ticket/x"),
]


async def test_other_methods_are_refused_without_a_word(home: House) -> None:
    async with httpx.AsyncClient(base_url=home.url, trust_env=False) as client:
        for method, path in OTHER_METHODS:
            answer = await client.request(method, path)
            assert (answer.status_code, answer.content) == (405, b""), f"{method} {path}"
            assert answer.headers["allow"]


async def test_a_channel_that_is_off_has_no_address(tmp_path: Path) -> None:
    off = dict.fromkeys([name for name in KEYS if name.startswith("WECHAT_")], "")
    settings = read(environment(sqlite_url(tmp_path), 1, "http://127.0.0.1:1", **off))
    usher = Usher(settings, Clock(settings.now))
    async with asks(usher) as client:
        assert (await client.get("/wechat/webhook")).status_code == 404
        assert (await client.post("/telegram/webhook")).status_code == 401
    usher.database.close()


async def test_an_answer_does_not_say_what_serves_it(home: House) -> None:
    async with httpx.AsyncClient(base_url=home.url, trust_env=False) as client:
        answer = await client.get("/health/live")
    assert "server" not in answer.headers
