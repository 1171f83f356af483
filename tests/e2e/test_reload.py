"""An organizer edits a file while people ask: the next answer is the new one, and a broken file changes nothing."""

from __future__ import annotations

import asyncio
import json
import pathlib
import shutil
from collections.abc import Awaitable, Callable

import httpx
import pytest

from bot.answers.matcher import Matcher
from bot.content.load import load
from bot.content.records import Content
from tests.command import Here
from tests.conftest import sqlite_url
from tests.served import ROOT, House, house
from tests.trained import trained


async def _until(what: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
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


async def test_status_tells_what_became_of_the_last_change(tmp_path: pathlib.Path, apart: Here) -> None:
    folder = shutil.copytree(ROOT / "content", tmp_path / "content")
    settings = {"DATABASE_URL": sqlite_url(tmp_path), "CONTENT": str(folder)}
    sound = (folder / "event.toml").read_text()
    async with house(settings["DATABASE_URL"], CONTENT=str(folder)):

        async def status() -> dict[str, object]:
            ended = await asyncio.to_thread(apart, "status", "--json", **settings)
            assert ended.code == 0, ended.err
            served: dict[str, object] = json.loads(ended.out)["content"]
            return served

        first = await status()
        assert (first["outcome"], first["changed_at"], first["faults"]) == ("taken", None, [])
        (folder / "event.toml").write_text(sound.replace('starts = "9:30"', 'starts = "half past nine"'))

        async def refused() -> bool:
            return (await status())["outcome"] == "refused"

        await _until(refused)
        last = await status()
        assert (last["version"], last["at"]) == (first["version"], first["at"])
        assert last["faults"] == ['event.toml:starts: expected a time such as "9:30"']
        assert str(last["changed_at"]).endswith("+08:00")
        said = (await asyncio.to_thread(apart, "status", **settings)).out
        assert "outcome refused" in said
        assert 'faults event.toml:starts: expected a time such as "9:30"' in said
        (folder / "event.toml").write_text(sound)

        async def unchanged() -> bool:
            return (await status())["outcome"] == "unchanged"

        await _until(unchanged)


async def test_two_processes_take_the_same_change(tmp_path: pathlib.Path) -> None:
    folder = shutil.copytree(ROOT / "content", tmp_path / "content")
    texts, url = folder / "texts.toml", sqlite_url(tmp_path)
    async with house(url, CONTENT=str(folder)) as one, house(url, CONTENT=str(folder)) as other:
        texts.write_text(texts.read_text().replace("不客气！还有问题随时问我。", "应该的！"))

        async def both() -> bool:
            return all(["应该的！" in await each.wechat.phone("oWang").says("谢谢") for each in (one, other)])

        await _until(both)


async def test_replies_go_on_while_a_change_is_trained(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_: Content, _folder: pathlib.Path, _cache: pathlib.Path | None, **__: bool) -> Matcher:
        training.set()
        await go_on.wait()
        return trained(load(ROOT / "content"))

    monkeypatch.setattr("bot.app.train_apart", slowly)
    folder = shutil.copytree(ROOT / "content", tmp_path / "content")
    cost = folder / "faq" / "cost.md"
    async with house(sqlite_url(tmp_path), CONTENT=str(folder)) as served:
        wang = served.wechat.phone("oWang")
        before = await wang.says("要收费吗")
        asked_anew = cost.read_text().replace("ask.zh = [", 'ask.zh = ["几文钱", ', 1)
        cost.write_text(asked_anew.replace("## zh\n", "## zh\n一分钱都不收。"))
        await asyncio.wait_for(training.wait(), 10)
        assert await wang.says("要收费吗") == await wang.says("要收费吗") != ""
        assert "一分钱都不收" not in before + await wang.says("要收费吗")
        go_on.set()

        async def changed() -> bool:
            return "一分钱都不收" in await wang.says("要收费吗")

        await _until(changed)
