"""Content files break while people ask: no answer is wrong or empty, none is a 5xx, and each fault is named.

pytest -m long tests/long/test_corruptions.py: 2,000 corruptions (TEST_CORRUPTIONS and TEST_SEED change
number and seed).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.answers.cache import matcher_of
from bot.answers.matcher import Matcher
from bot.content.load import _Reader
from bot.content.records import Content
from tests.conftest import sqlite_url
from tests.long.reloading import Reloading, Report
from tests.served import ROOT, house

CORRUPTIONS, SEED = int(os.environ.get("TEST_CORRUPTIONS", "2000")), int(os.environ.get("TEST_SEED", "1"))
FEW = 10  # in the short form
TELLING = 4  # a seed of which the first few are noticed where nobody looks at faults


@pytest.fixture(autouse=True)
def _settled_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody types here: each file is written at one go. And nobody has asked enough for one day."""
    monkeypatch.setattr("bot.content.watch._QUIET", 0.02)
    monkeypatch.setattr("bot.questions.asked.A_DAY", 10**9)


def _quietly(_done: int, _report: Report) -> None:
    """A short run tells nothing on its way."""


async def corrupt(
    folder: Path, number: int, seed: int, *, until_wrong: bool = False, told: Callable[[int, Report], None] = _quietly
) -> Report:
    """So many corruptions of a copy of the shipped content; `told` hears after each how many are done, and how."""
    content = shutil.copytree(ROOT / "content", folder / "content")
    for name in ("stormy", "calm"):
        (folder / name).mkdir()
    async with house(sqlite_url(folder / "stormy"), CONTENT=str(content)) as stormy, house(
        sqlite_url(folder / "calm"), CONTENT=str(ROOT / "content")
    ) as calm:  # fmt: skip
        return await Reloading(stormy, calm, content, seed, told).run(number, until_wrong=until_wrong)


async def test_a_few_corruptions(tmp_path: Path) -> None:
    report = await corrupt(tmp_path, FEW, SEED)
    assert report.faults == []
    assert report.refused.total() > FEW / 3
    assert report.taken["mended"]


async def test_an_unchecked_reload_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control arm: a reload that swaps in whatever it can read of the files, faults or not."""
    monkeypatch.setattr("bot.live.load", unchecked)
    monkeypatch.setattr("bot.app.train_apart", in_this_process)
    monkeypatch.setattr("tests.long.reloading._PATIENCE", 2.0)
    assert (await corrupt(tmp_path, FEW, TELLING, until_wrong=True)).wrong


def unchecked(folder: Path) -> Content:
    """The content as far as it can be read."""
    return _Believing(folder).content()


async def in_this_process(content: Content, _folder: Path, _cache: Path | None, **_: bool) -> Matcher:
    """The process which trains reads the files itself, and would notice."""
    return matcher_of(content)


class _Believing(_Reader):
    def _fault(self, place: str, what: str) -> None:
        """There are no faults."""


@pytest.mark.long
@pytest.mark.timeout(7200)
async def test_corruptions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    seen: set[str] = set()

    def told(done: int, report: Report) -> None:
        new = [fault for fault in report.faults if fault not in seen]
        seen.update(new)
        if new or done % 100 == 0:
            with capsys.disabled():
                print(f"{done} of {CORRUPTIONS} after {time.monotonic() - began:.0f} s", *new, sep="\n    ")

    report = await corrupt(tmp_path, CORRUPTIONS, SEED, told=told)
    with capsys.disabled():
        print(f"\n{CORRUPTIONS} corruptions (seed {SEED}) in {time.monotonic() - began:.0f} s: {report}")
    assert report.faults == []
