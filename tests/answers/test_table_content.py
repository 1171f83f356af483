"""A content folder made from nothing but a table of (id, language, phrasing): 77 entries with ten phrasings each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.answers.encoder import Encoder
from tests.answers.conftest import ROOT

THINGS = [
    *(
        "card",
        "transfer",
        "top-up",
        "exchange rate",
        "passcode",
        "refund",
        "direct debit",
        "cash withdrawal",
        "balance",
    ),
    *("receipt", "statement", "virtual card"),
]
MATTERS = ["is lost", "has not arrived", "was declined", "costs a fee", "takes too long", "is wrong", "needs a limit"]
WAYS = [
    "my {thing} {matter}",
    "why is it that the {thing} {matter}?",
    "help, {thing} {matter}",
    "what do I do when a {thing} {matter}",
    "I think the {thing} {matter}",
]
ZH_WAYS = [
    "{thing}：{matter}，怎么办",
    "我的{thing} {matter}",
    "请问{thing}为什么{matter}",
    "{matter}的是{thing}",
    "{thing}{matter}了",
]
_FILE = """+++
ask.zh = {zh}
ask.en = {en}
+++

## zh

{answer}

## en

{answer}
"""
# Runs in a process of its own: memory is that of training alone.
_TRAIN = """
import json, re, sys, time
from pathlib import Path
from bot.answers.cache import matcher_of
from bot.content.load import load
begun = time.process_time()
matcher = matcher_of(load(Path(sys.argv[1])))
took = time.process_time() - begun
found = [matcher.match(text) for text in json.loads(sys.stdin.read())]
peak = int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"seconds": took, "MiB": peak, "first": [match.ranked[0][0] for match in found]}))
"""


def _table() -> Iterator[tuple[str, str, str]]:
    pairs = [(thing, matter) for thing in THINGS for matter in MATTERS][:77]
    for number, (thing, matter) in enumerate(pairs):
        for language, ways in (("zh", ZH_WAYS), ("en", WAYS)):
            for way in ways:
                yield f"entry_{number}", language, way.format(thing=thing, matter=matter)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped folder with the table's entries in the place of its own."""
    made = tmp_path / "content"
    shutil.copytree(ROOT / "content", made)
    shutil.rmtree(made / "faq")
    (made / "faq").mkdir()
    rows = list(_table())
    for entry in dict.fromkeys(row[0] for row in rows):
        asked = {
            language: json.dumps([text for name, spoken, text in rows if (name, spoken) == (entry, language)])
            for language in ("zh", "en")
        }
        (made / "faq" / f"{entry}.md").write_text(_FILE.format(answer=entry, **asked), encoding="utf-8")
    return made


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_a_table_of_77_entries_is_learned_in_seconds(folder: Path, encoder: Encoder) -> None:
    asked = {entry: text for entry, language, text in _table() if language == "en"}
    typed = [text.replace("the ", "our ").upper() + " please" for text in asked.values()]
    done = subprocess.run(
        [sys.executable, "-c", _TRAIN, str(folder)],
        input=json.dumps(typed),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(asked) == 77
    assert found["seconds"] < 10  # of the processor
    assert found["MiB"] < 350
    assert sum(a == b for a, b in zip(found["first"], asked, strict=True)) >= 70
