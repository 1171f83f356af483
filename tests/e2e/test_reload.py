"""An organizer edits a file while people ask: the next answer is the new one, and a broken file changes nothing."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.conftest import sqlite_url
from tests.served import ROOT, House, house


async def _until(what: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await what():
            await asyncio.sleep(0.05)


async def _refused(served: House) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        page = (await client.get(f"{served.url}/metrics")).text
    return 'usher_content_reloads_total{outcome="refused"}' in page


async def test_an_edited_answer_is_given_at_once_and_a_broken_file_keeps_the_old_one(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "content"
    shutil.copytree(ROOT / "content", folder)
    cost = folder / "faq" / "cost.md"
    async with house(sqlite_url(tmp_path), CONTENT=str(folder)) as served:
        wang = served.wechat.phone("oWang")
        assert "免费" in await wang.says("要收费吗")
        front, _, _ = cost.read_text().rpartition("+++")
        cost.write_text(f"{front}+++\n\n## zh\n\n一分钱都不收。\n\n## en\n\nNot a cent.\n")

        async def changed() -> bool:
            return "一分钱都不收" in await wang.says("要收费吗")

        await _until(changed)
        event = folder / "event.toml"
        event.write_text(event.read_text().replace('starts = "9:30"', 'starts = "half past nine"'))
        cost.write_text("no front matter")
        await _until(lambda: _refused(served))
        assert "一分钱都不收" in await wang.says("要收费吗")
        assert "9:30" in await wang.says("几点开始")
        assert served.wechat.violations == []


async def test_a_reminder_that_could_never_be_sent_is_told_at_the_start_and_when_it_changes(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    reminders = shutil.copytree(ROOT / "content", tmp_path / "content") / "reminders.toml"
    shipped = reminders.read_text(encoding="utf-8")

    def told() -> list[str]:
        return [str(vars(row)["fault"]) for row in caplog.records if row.message == "a reminder is left alone"]

    reminders.write_text(shipped.replace('latest = "-7d 10:00"', 'latest = "-15d 10:00"'), encoding="utf-8")
    async with house(sqlite_url(tmp_path), CONTENT=str(reminders.parent)) as served:
        assert told() == ["reminders.toml:two-weeks.latest: is not after `when`; expected a later time"]
        both = shipped.replace('latest = "-7d 10:00"', 'latest = "-15d 10:00"')
        reminders.write_text(both.replace('latest = "-1d 10:00"', 'latest = "-8d 10:00"'), encoding="utf-8")
        before = served.usher.content.version

        async def changed() -> bool:
            return served.usher.content.version != before

        await _until(changed)
        assert [fault.partition(".latest")[0] for fault in told()[1:]] == [
            "reminders.toml:two-weeks",
            "reminders.toml:one-week",
        ]
