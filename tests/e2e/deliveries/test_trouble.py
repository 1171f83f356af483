"""Trouble that ends and trouble that does not: nothing is lost, nothing is sent twice, nobody is asked for ever."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from pathlib import Path

import pytest

from bot.clock import Clock
from bot.commands import telling
from bot.settings import Settings, read
from bot.store.database import Database
from tests.adapters.test_results import CALLS
from tests.e2e.conftest import BOTH, NewDatabase, running, side_by_side
from tests.e2e.deliver import TEXTS, WORDS, Station, enrol, guest, until
from tests.e2e.deliver_rows import (
    announce,
    arrived,
    became,
    calls,
    ended,
    lane_of,
)
from tests.e2e.deliver_table import MESSAGE, TELEGRAM, how
from tests.e2e.deliver_trouble import never_again, silence
from tests.e2e.talk import follower, writer
from tests.served import Platforms, Process, environment, free_port, platforms

on_the_shared_loop = pytest.mark.asyncio(loop_scope="session")


@on_the_shared_loop
async def test_whoever_is_down_gets_it_when_back_and_is_not_asked_for_ever(home: Station) -> None:
    wang, ann = await guest(home, follower(home)), await guest(home, writer(home))
    for platform in (home.wechat, home.telegram):
        await home.down(platform)
    names = [await announce(home, one) for one in (wang, ann)]
    for name in names:
        row = await became(home, name, "queued", lambda row: row["error"])
        assert "no connection" in row["error"]
    for platform in (home.wechat, home.telegram):
        home.up(platform)
    await home.wind(minutes=1)
    assert [how(await became(home, name, "sent")) for name in names] == [(MESSAGE, 2), (TELEGRAM, 2)]
    assert [arrived(home, one.phone) for one in (wang, ann)] == [[WORDS], [WORDS]]
    await home.down(home.wechat)
    name = await announce(home, wang)
    for attempts in (1, 2, 3, 4):
        await became(home, name, "queued", lambda row, count=attempts: row["attempts"] == count and row["error"])
        await home.wind(minutes=1)
    assert how(await became(home, name, "failed")) == (MESSAGE, 5)


@on_the_shared_loop
async def test_a_flood_limit_stops_everybody_and_loses_nobody(home: Station) -> None:
    guests = [await guest(home, writer(home)) for _ in range(3)]
    flooded, asked = home.telegram.api.flooded, calls(home, CALLS[TELEGRAM])
    home.telegram.api.flood(1.0)
    name = await announce(home, *guests)
    assert [how(row) for row in await ended(home, name)] == [(TELEGRAM, 1)] * 3
    assert [arrived(home, one.phone) for one in guests] == [[WORDS]] * 3
    refused = home.telegram.api.flooded - flooded
    assert 1 <= refused <= 3
    assert calls(home, CALLS[TELEGRAM]) == asked + 3 + refused
    assert "Telegram 429" in (await lane_of(home, f"telegram:{home.telegram.bot['id']}")).reason


async def test_what_nobody_knows_about_is_never_sent_again(new_database: NewDatabase) -> None:
    await side_by_side(*(never_again(new_database(kind)) for kind in BOTH))


async def test_who_says_nothing_is_not_waited_for_and_what_it_did_is_not_guessed(new_database: NewDatabase) -> None:
    """In real time: a call has to end before its lane cuts it off, because a lane does not know what was written."""
    steps = {"CONTENT": ("unconfirmed", "no answer"), "GREETING": ("queued", "SMTPConnectTimeoutError|TimeoutError")}
    await side_by_side(*(silence(new_database(kind), *step) for kind, step in zip(BOTH, steps.items(), strict=True)))


async def test_sigterm_in_the_middle_of_a_broadcast_leaves_nothing_unconfirmed(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    await side_by_side(*(_stopped_midway(new_database(kind), tmp_path / kind) for kind in BOTH))


async def _stopped_midway(url: str, folder: Path) -> None:
    folder.mkdir()
    port = free_port()
    async with platforms(port) as played:
        env = environment(url, port, played.url)
        with running(Process(env, folder, port)) as process:
            await process.start()
            settings = read(env)
            name, crowd = await asyncio.to_thread(_broadcast_to_a_crowd, settings, played)
            played.wechat.trouble.slow = 0.2
            played.wechat.order("slow", True)
            took = played.wechat.api.accepted
            await until(lambda: len(took) >= 60)
            assert await asyncio.to_thread(process.stop) == 0
            rows = await asyncio.to_thread(_counted, settings, name)
        assert set(rows) == {"sent", "queued"}
        assert rows["sent"] == len(took) == len({one.to for one in took})
        assert rows.total() == crowd
        assert played.wechat.violations == []


def _broadcast_to_a_crowd(settings: Settings, played: Platforms) -> tuple[str, int]:
    """By the command, to 300 people on WeChat; the announcement and how many."""
    clock, people = Clock(settings.now), [follower(played) for _ in range(300)]
    with contextlib.closing(Database(settings.database_url)) as database:
        database.write_now(lambda session: [enrol(session, played, phone, clock.now()) for phone in people])
    said = telling.Broadcast(TEXTS["zh"]["text"], TEXTS["en"]["text"])
    return telling.broadcast(settings, clock, said, again=False), len(people)


def _counted(settings: Settings, name: str) -> Counter[str]:
    """How many lines of `usher deliveries` stand in each status."""
    return Counter(json.loads(line)["status"] for line in telling.deliveries(settings, name))
