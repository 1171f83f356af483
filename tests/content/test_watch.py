"""Whatever changes the content folder is noticed once it is left alone, and nothing else is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.content.watch import changes, picture

SOON = 20.0  # seconds
QUIET = 0.6  # longer than any step takes here


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times as fast as when serving."""
    monkeypatch.setattr("bot.content.watch._LOOK_MS", 250)
    monkeypatch.setattr("bot.content.watch._QUIET", 0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two content files."""
    return filled(tmp_path / "content", "one")


def filled(folder: Path, text: str) -> Path:
    (folder / "faq").mkdir(parents=True)
    (folder / "event.toml").write_text(text)
    (folder / "faq" / "cost.md").write_text(text)
    return folder


class Steps:
    """The steps that were made so far."""

    def __init__(self) -> None:
        self.made = asyncio.Queue[None]()
        self.busy = asyncio.Event()
        self.busy.set()

    async def one(self) -> None:
        """Waits for exactly one."""
        await asyncio.wait_for(self.made.get(), SOON)
        await self.none()

    async def none(self) -> None:
        """Waits for longer than any step takes."""
        await asyncio.sleep(QUIET)
        assert self.made.empty()


@contextlib.asynccontextmanager
async def following(folder: Path) -> AsyncIterator[Steps]:
    """Notes each step; `busy` cleared: the one who follows is busy with the last step."""
    steps = Steps()

    async def follow() -> None:
        async with contextlib.aclosing(changes(folder, picture(folder))) as made:
            async for _ in made:
                steps.made.put_nowait(None)
                await steps.busy.wait()

    task = asyncio.create_task(follow())
    await asyncio.sleep(0.2)  # it listens
    assert not task.done()
    try:
        yield steps
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _overwritten(folder: Path) -> None:
    (folder / "faq" / "cost.md").write_text("two")


def _replaced(folder: Path) -> None:
    """As most editors save."""
    beside = folder / "faq" / ".cost.md.swp"
    beside.write_text("two")
    (folder / "faq" / "cost.md").rename(folder / "faq" / "cost.md~")
    beside.rename(folder / "faq" / "cost.md")


def _added(folder: Path) -> None:
    (folder / "faq" / "when.md").write_text("two")


def _gone(folder: Path) -> None:
    (folder / "faq" / "cost.md").unlink()


def _many_times(folder: Path) -> None:
    for number in range(50):
        (folder / "event.toml").write_text(str(number))


def _same_length_same_time(folder: Path) -> None:
    """As a copy that keeps the times: cp -p, rsync -t."""
    other = filled(folder.parent / "other", "two") / "event.toml"
    before = (folder / "event.toml").stat()
    shutil.copy(other, folder / "event.toml")
    os.utime(folder / "event.toml", ns=(before.st_atime_ns, before.st_mtime_ns))


def _unreadable(folder: Path) -> None:
    (folder / "event.toml").chmod(0)


def _moved_away_and_another_put_there(folder: Path) -> None:
    folder.rename(folder.with_name("former"))
    filled(folder, "two")


def _faq_folder_exchanged(folder: Path) -> None:
    shutil.rmtree(folder / "faq")
    (folder / "faq").mkdir()
    (folder / "faq" / "cost.md").write_text("two")


@pytest.mark.parametrize(
    "change",
    [
        _overwritten, _replaced, _added, _gone, _many_times, _same_length_same_time, _unreadable,
        _moved_away_and_another_put_there, _faq_folder_exchanged,
    ],
)  # fmt: skip
async def test_a_change_is_one_step_and_so_is_the_next(folder: Path, change: Callable[[Path], None]) -> None:
    async with following(folder) as steps:
        change(folder)
        await steps.one()
        (folder / "faq" / "cost.md").write_text("three")
        await steps.one()


async def test_what_is_no_content_is_no_step(folder: Path) -> None:
    async with following(folder) as steps:
        for name in (".event.toml.swp", "4913", "event.toml~", "faq/#cost.md#", "faq/.cost.md.kate-swp", "notes.txt"):
            (folder / name).write_text("x")
        (folder / "faq" / ".#cost.md").symlink_to("nobody@nowhere.1234")  # the lock of an editor
        (folder / "event.toml").read_text()
        await steps.none()


async def test_a_file_written_bit_by_bit_is_one_step(folder: Path) -> None:
    async with following(folder) as steps:
        with (folder / "event.toml").open("w", buffering=1) as file:
            for number in range(30):
                print(number, file=file, flush=True)
                await asyncio.sleep(0.02)
        await steps.one()


async def test_who_never_stops_writing_is_read_nevertheless(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.content.watch._LOOKS", 3)

    async def write() -> None:
        while True:
            with (folder / "event.toml").open("a") as file:
                file.write("x")
            await asyncio.sleep(0.02)

    async with following(folder) as steps:
        writing = asyncio.create_task(write())
        await asyncio.wait_for(steps.made.get(), SOON)
        await asyncio.wait_for(steps.made.get(), SOON)
        writing.cancel()


async def test_changes_while_one_is_dealt_with_make_one_more_step(folder: Path) -> None:
    async with following(folder) as steps:
        steps.busy.clear()
        _overwritten(folder)
        await asyncio.wait_for(steps.made.get(), SOON)
        for text in ("three", "four", "five"):
            (folder / "event.toml").write_text(text)
            await asyncio.sleep(0.15)
        assert steps.made.empty()
        steps.busy.set()
        await steps.one()


async def test_a_folder_that_is_removed_and_put_back_is_followed_again(folder: Path) -> None:
    async with following(folder) as steps:
        shutil.rmtree(folder)
        await steps.one()
        filled(folder, "two")
        await steps.one()
        _overwritten(folder)
        (folder / "event.toml").write_text("three")
        await steps.one()


async def test_a_link_that_points_to_another_folder_is_followed(tmp_path: Path) -> None:
    """As deployments do: releases/1, releases/2 and a link that is exchanged at one stroke."""
    first, second = filled(tmp_path / "1", "one"), filled(tmp_path / "2", "two")
    link = tmp_path / "content"
    link.symlink_to(first)
    async with following(link) as steps:
        (tmp_path / "next").symlink_to(second)
        (tmp_path / "next").rename(link)
        await steps.one()
        (second / "event.toml").write_text("three")
        await steps.one()
        (first / "event.toml").write_text("nobody looks here any more")
        await steps.none()


async def test_what_changed_before_anybody_followed_is_a_step(folder: Path) -> None:
    before = picture(folder)
    _overwritten(folder)
    async with contextlib.aclosing(changes(folder, before)) as made:
        await asyncio.wait_for(anext(made), SOON)


async def test_where_the_system_tells_nothing_changes_are_found_by_looking(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("bot.content.watch.awatch", none)
    async with following(folder) as steps:
        _overwritten(folder)
        await steps.one()
