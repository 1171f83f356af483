"""Telegram by getUpdates: the same conversations, bad updates skipped one by one, the offset after the commit."""

from __future__ import annotations

import asyncio
import pathlib

import pytest

from bot.clock import seconds
from bot.store.database import Database
from tests.conftest import sqlite_url
from tests.e2e.conftest import BOTH, NewDatabase, Visit, content_at_the_end, running, side_by_side
from tests.e2e.held import held
from tests.e2e.talk import FORM, FORM_EN, kept, lines, reference_in, registrations, says, talk, writer
from tests.nursery import Forked, Nursery
from tests.served import House, environment, free_port, house, platforms


async def test_people_register_over_get_updates(visit: Visit) -> None:
    async with visit(TELEGRAM_MODE="polling") as home:
        ann, li = writer(home, language_code="en"), writer(home)
        assert "Welcome" in await ann.starts("brand-mail")
        replies = await asyncio.gather(says(ann, *FORM_EN, "[Confirm]"), says(li, *FORM, "[确认]"))
        for phone, reply in zip((ann, li), replies, strict=True):
            assert [row.reference for row in await registrations(home.usher.database, phone)] == [reference_in(reply)]
        await _a_bad_update_is_kept_and_skipped(home)
        await _a_server_in_trouble_is_asked_again(home)


async def _a_bad_update_is_kept_and_skipped(home: House) -> None:
    """Three updates in one batch, the middle one without what every message has."""
    first, bad, last = writer(home), writer(home), writer(home)
    before = _fetches(home)
    welcome = asyncio.create_task(first.starts())
    await asyncio.sleep(0)
    bad_one = home.telegram.updates.put("message", {"from": bad.user, "text": "no chat, no date"}, f"chat{bad.user_id}")
    assert "6. " in await last.says("议程")
    assert "您好" in await welcome
    assert await asyncio.wait_for(bad_one.settled, 5) == "delivered"
    assert _fetches(home) - before == 1, "they came together: one further call confirmed all three"
    assert [row.reason.partition(":")[0] for row in await kept(home.usher.database, bad)] == ["no update"]


def _fetches(home: House) -> int:
    return sum(method == "getupdates" for method, _ in home.telegram.api.calls)


async def _a_server_in_trouble_is_asked_again(home: House) -> None:
    li = writer(home)
    home.telegram.api.refuse("getUpdates", 502, "Bad Gateway")
    await talk(li, ("议程", "6. "), ("帮助", "退订"))


async def test_a_kill_before_the_commit_shows_the_update_again(
    new_database: NewDatabase, nursery: Nursery, tmp_path: pathlib.Path
) -> None:
    await side_by_side(*(_killed_and_started(new_database(kind), nursery, tmp_path) for kind in BOTH))


async def _killed_and_started(database_url: str, nursery: Nursery, tmp_path: pathlib.Path) -> None:
    port, database = free_port(), Database(database_url.replace("postgresql://", "postgresql+psycopg://"))
    async with platforms(port) as played, content_at_the_end(played):
        env = environment(database_url, port, played.url, TELEGRAM_MODE="polling")
        with running(Forked(nursery, env, tmp_path, port)) as process:
            began = seconds()
            await process.start()
            pace = max(0.25, (seconds() - began) / 2)
            li = played.telegram.phone(4711)
            await says(li, *FORM)
            with held(database_url):
                confirming = asyncio.create_task(li.says("确认"))
                await asyncio.sleep(pace)  # until it is fetched, and at the door of the database
                assert len(played.telegram.updates.pending) == 1, "the offset has not moved"
                process.kill()
            assert await registrations(database, li) == []
            await process.start()
            reply = await confirming
            assert await asyncio.to_thread(process.stop) == 0
    assert [row.reference for row in await registrations(database, li)] == [reference_in(reply)]
    assert "".join(lines(li)).count("报名已提交") == 1
    database.close()


async def test_a_process_that_often_gains_and_loses_the_fetching_keeps_nothing_of_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("bot.app._listen", fetch)
    async with house(sqlite_url(tmp_path), TELEGRAM_MODE="polling") as home:
        usher = home.usher
        while usher._fetching is None:
            await asyncio.sleep(0.01)
        before = len(usher._listening)
        for _ in range(20):
            usher._fetch_no_more()
            usher._fetch()
            await asyncio.sleep(0.01)
        assert len(usher._listening) == before
