"""What was trained is kept, and only what can be trusted is read again."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bot.answers import cache
from bot.answers.matcher import Matcher
from bot.answers.training import train

ASKED = {
    "cost": ["要收费吗", "多少钱", "is it free"],
    "parking": ["有停车场吗", "车停哪里", "is there parking"],
}
QUESTIONS = ["收费的吧", "停车", "parking lot?", "天气", "hello", "要收费吗"]


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, Matcher]:
    path, matcher = tmp_path / "matcher.npz", train(ASKED, ["天气怎么样"], None)
    cache.write(path, matcher)
    return path, matcher


def test_a_matcher_read_again_is_the_same(kept: tuple[Path, Matcher]) -> None:
    path, matcher = kept
    again = cache.read(path, None)
    assert again
    assert [again.match(text) for text in QUESTIONS] == [matcher.match(text) for text in QUESTIONS]
    assert again.learned.report == matcher.learned.report


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", b"not a file of ours", bytes(1000)])
def test_a_foreign_file_is_nothing(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "matcher.npz").write_bytes(body)
    assert cache.read(tmp_path / "matcher.npz", None) is None
    assert cache.read(tmp_path / "none.npz", None) is None


def test_a_whole_file_of_something_else_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "matcher.npz"
    said = np.frombuffer(json.dumps({"entries": ["", "a"]}).encode(), np.uint8)
    cache._write(path, said=said, base=np.zeros(2))
    assert cache.read(path, None) is None


def test_weights_that_do_not_fit_are_nothing(kept: tuple[Path, Matcher]) -> None:
    path, matcher = kept
    cache.write(path, Matcher(replace(matcher.learned, base=matcher.learned.base[:-1]), None))
    assert cache.read(path, None) is None
    cache.write(path, Matcher(replace(matcher.learned, base=matcher.learned.base * np.float32("nan")), None))
    assert cache.read(path, None) is None


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "matcher.npz"
    cache._write(path, said=np.array([Fraction(1, 2)], dtype=object))
    assert cache.read(path, None) is None


def test_a_torn_or_bitten_file_is_nothing(kept: tuple[Path, Matcher]) -> None:
    path, _ = kept
    whole, chance = path.read_bytes(), random.Random(4)
    for _ in range(60):
        body = bytearray(whole[: chance.randrange(len(whole))] if chance.random() < 0.5 else whole)
        for _ in range(chance.randrange(4)):
            if body:
                body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        if body == whole:
            continue
        path.write_bytes(body)
        again = cache.read(path, None)
        assert again is None
