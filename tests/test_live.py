"""Content that changes while it is served: taken as a whole, or refused with every fault named."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pathlib
import shutil
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from copy import copy

import psutil
import pytest

from bot.answers.matcher import Matcher
from bot.clock import Clock
from bot.content.load import load
from bot.content.records import Content
from bot.errors import BrokenContent, UsherError
from bot.live import LiveContent, Outcome
from bot.metrics import Metrics
from bot.training import Outdated, train_apart
from tests.conftest import ROOT
from tests.trained import shared_folder, trained

Train = Callable[[Content], Awaitable[Matcher]]
NEW = "几文钱第"


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy of the shipped content."""
    return shutil.copytree(ROOT / "content", tmp_path / "content")


async def at_once(_: Content) -> Matcher:
    """Another matcher; what it learnt is not the matter here."""
    return copy(trained(load(ROOT / "content")))


def served(folder: pathlib.Path, clock: Clock, train: Train = at_once) -> LiveContent:
    return LiveContent(folder, clock, Metrics(), trained, train)


def edit(folder: pathlib.Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def ask_anew(folder: pathlib.Path, number: int) -> None:
    """One more way to ask, which has to be learnt, in the place of the last one."""
    path = folder / "faq" / "cost.md"
    text = path.read_text(encoding="utf-8").replace(f'"{NEW}{number - 1}", ', "")
    path.write_text(text.replace("ask.zh = [", f'ask.zh = ["{NEW}{number}", ', 1), encoding="utf-8")


def newest(content: Content) -> int:
    """The number of that way to ask; 0: it is not there."""
    return next((int(text.removeprefix(NEW)) for text in content.faq["cost"].ask["zh"] if text.startswith(NEW)), 0)


def counted(contents: LiveContent, outcome: Outcome) -> float:
    registry = contents._metrics.registry
    return registry.get_sample_value("usher_content_reloads_total", {"outcome": outcome.value}) or 0


async def test_a_sound_change_is_taken_with_its_matcher(folder: pathlib.Path, clock: Clock) -> None:
    contents = served(folder, clock)
    former = contents.live
    ask_anew(folder, 1)
    await contents.reload()
    assert (newest(former.content), newest(contents.content)) == (0, 1)
    assert contents.live.match != former.match
    assert contents.loaded.outcome == Outcome.TAKEN
    assert contents.loaded.version == contents.content.version == load(folder).version
    assert counted(contents, Outcome.TAKEN) == 1


async def test_a_change_that_leaves_the_questions_as_they_are_needs_no_training(
    folder: pathlib.Path, clock: Clock
) -> None:
    async def fail(_: Content) -> Matcher:
        raise AssertionError("it was trained")

    contents = served(folder, clock, fail)
    former = contents.live
    edit(folder, "event.toml", 'starts = "9:30"', 'starts = "9:45"')
    await contents.reload()
    assert contents.content.event.starts.minute == 45
    assert contents.live.match == former.match


def _cut(folder: pathlib.Path) -> str:
    path = folder / "texts.toml"
    text = path.read_bytes()
    path.write_bytes(text[: text.index(b'zh = "', 2000) + 10])
    return "texts.toml:"


def _emptied(folder: pathlib.Path) -> str:
    (folder / "texts.toml").write_bytes(b"")
    return "texts.toml:again.colleague: is missing"


def _wrongly_encoded(folder: pathlib.Path) -> str:
    path = folder / "faq" / "cost.md"
    path.write_bytes(path.read_text(encoding="utf-8").encode("gbk", "replace"))
    return "faq/cost.md:2: is not UTF-8"


def _unreadable(folder: pathlib.Path) -> str:
    (folder / "form.toml").unlink()
    (folder / "form.toml").mkdir()  # root may read whatever has no rights
    return "form.toml: cannot be read"


def _gone(folder: pathlib.Path) -> str:
    shutil.rmtree(folder)
    return f"{folder}: no such folder"


def _unknown_placeholder(folder: pathlib.Path) -> str:
    edit(folder, "faq/cost.md", "## en\n", "## en\n{event.moon} ")
    return "faq/cost.md:## en: {event.moon} is not known"


@pytest.mark.parametrize("spoil", [_cut, _emptied, _wrongly_encoded, _unreadable, _gone, _unknown_placeholder])
async def test_a_broken_change_is_refused_and_named_and_what_was_good_goes_on(
    folder: pathlib.Path, clock: Clock, caplog: pytest.LogCaptureFixture, spoil: Callable[[pathlib.Path], str]
) -> None:
    contents = served(folder, clock)
    former, version = contents.live, contents.loaded.version
    sound = shutil.copytree(folder, folder.with_name("sound"))
    fault = spoil(folder)
    await contents.reload()
    assert contents.live is former
    assert (contents.loaded.outcome, contents.loaded.version) == (Outcome.REFUSED, version)
    assert contents.loaded.faults[0].startswith(fault)
    assert caplog.records[-1].levelno == logging.ERROR
    assert any(getattr(record, "fault", "").startswith(fault) for record in caplog.records)
    assert counted(contents, Outcome.REFUSED) == 1
    faults = contents._metrics.registry.get_sample_value("usher_content_faults") or 0
    assert len(contents.loaded.faults) == min(faults, 20)
    shutil.rmtree(folder, ignore_errors=True)
    sound.rename(folder)
    await contents.reload()
    assert (contents.loaded.outcome, contents.loaded.faults) == (Outcome.UNCHANGED, ())
    assert contents._metrics.registry.get_sample_value("usher_content_faults") == 0


async def test_who_started_with_broken_content_does_not_serve(folder: pathlib.Path, clock: Clock) -> None:
    _cut(folder)
    with pytest.raises(BrokenContent):
        served(folder, clock)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UsherError("training ended with -9: "), "training ended with -9:"),
        (KeyError("王芳"), "KeyError at test_live.py:"),
    ],
)
async def test_what_cannot_be_trained_is_not_served(
    folder: pathlib.Path, clock: Clock, error: Exception, said: str
) -> None:
    async def fail(_: Content) -> Matcher:
        raise error

    contents = served(folder, clock, fail)
    former = contents.live
    ask_anew(folder, 1)
    await contents.reload()
    assert contents.live is former
    assert contents.loaded.outcome == Outcome.FAILED
    assert contents.loaded.faults[0].startswith(said)


async def test_a_folder_that_changes_while_it_is_read_is_read_again(
    folder: pathlib.Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the old and half of the new might look sound."""
    contents, read = served(folder, clock), []

    def load_slowly(path: pathlib.Path) -> Content:
        content = load(path)
        if not read:
            edit(folder, "event.toml", 'starts = "9:45"', 'starts = "9:50"')
        read.append(content)
        return content

    monkeypatch.setattr("bot.live.load", load_slowly)
    edit(folder, "event.toml", 'starts = "9:30"', 'starts = "9:45"')
    await contents.reload()
    assert len(read) == 2
    assert contents.content.event.starts.minute == 50


async def test_a_change_in_the_middle_of_training_starts_once_more(
    folder: pathlib.Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, go_on = asyncio.Event(), asyncio.Event()
    trainings: list[int] = []

    async def slowly(content: Content) -> Matcher:
        trainings.append(newest(content))
        training.set()
        await go_on.wait()
        return await at_once(content)

    contents = served(folder, clock, slowly)
    async with followed(contents, monkeypatch):
        ask_anew(folder, 1)
        await asyncio.wait_for(training.wait(), 5)
        for number in range(2, 11):
            ask_anew(folder, number)
        assert newest(contents.content) == 0
        go_on.set()
        async with asyncio.timeout(5):
            while newest(contents.content) != 10:
                await asyncio.sleep(0.01)
    assert trainings == [1, 10]


@contextlib.asynccontextmanager
async def followed(contents: LiveContent, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    async def forget(_: object) -> None:
        """There is no database here."""

    monkeypatch.setattr(contents, "note", forget)
    following = asyncio.create_task(contents.follow(None))  # type: ignore[arg-type]
    try:
        yield
        assert not following.done()
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_training_happens_in_another_process(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Which hands over what it learnt: the same answers as from here."""
    content = load(folder)
    matcher = await train_apart(content, folder, None)
    for question in ("要收费吗", "几点开始", "is lunch included?", "广交会几号开始", "你好"):
        assert matcher.match(question) == trained(content).match(question)


async def test_who_trains_finds_other_content_than_was_asked_for(folder: pathlib.Path) -> None:
    content = load(folder)
    edit(folder, "event.toml", 'starts = "9:30"', 'starts = "9:45"')
    with pytest.raises(Outdated):
        await train_apart(content, folder, shared_folder())


async def test_a_training_that_dies_is_told(folder: pathlib.Path) -> None:
    training = asyncio.create_task(train_apart(load(folder), folder, None))
    os.kill((await _child()).pid, signal.SIGKILL)
    with pytest.raises(UsherError, match="training ended with -9"):
        await training


async def test_no_training_outlives_the_one_who_wanted_it(folder: pathlib.Path) -> None:
    training = asyncio.create_task(train_apart(load(folder), folder, None))
    child = await _child()
    training.cancel()
    with pytest.raises(asyncio.CancelledError):
        await training
    assert not child.is_running()


async def _child() -> psutil.Process:
    """The process that trains."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                if "bot.training" in child.cmdline():
                    return child
        await asyncio.sleep(0.01)
    raise AssertionError("nobody trains")


async def test_without_anything_kept_questions_wait_for_the_first_training(folder: pathlib.Path, clock: Clock) -> None:
    go_on = asyncio.Event()

    async def slowly(content: Content) -> Matcher:
        await go_on.wait()
        return trained(content)

    contents = LiveContent(folder, clock, Metrics(), lambda _: None, slowly)
    waiting = asyncio.create_task(contents.live.ready())  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    assert not waiting.done()
    go_on.set()
    await waiting
    assert contents.live.match("要收费吗").entry == "cost"
    assert contents.loaded.outcome == Outcome.TAKEN


async def test_a_first_training_that_fails_apart_is_done_here(
    folder: pathlib.Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Content) -> Matcher:
        raise Outdated

    monkeypatch.setattr("bot.live.matcher_of", trained)
    contents = LiveContent(folder, clock, Metrics(), lambda _: None, fail)
    await contents.warm()
    assert contents.live.match("要收费吗").entry == "cost"


async def test_a_change_that_is_quicker_than_the_first_training_stays(folder: pathlib.Path, clock: Clock) -> None:
    trainings = [asyncio.Event(), asyncio.Event()]
    begun = iter(trainings)

    async def slowly(_: Content) -> Matcher:
        await next(begun).wait()
        return copy(trained(load(ROOT / "content")))

    contents = LiveContent(folder, clock, Metrics(), lambda _: None, slowly)
    warming = asyncio.create_task(contents.warm())
    await asyncio.sleep(0.05)
    ask_anew(folder, 1)
    trainings[1].set()
    await contents.reload()
    served = contents.live
    trainings[0].set()
    await warming
    assert contents.live is served
    assert newest(contents.content) == 1
