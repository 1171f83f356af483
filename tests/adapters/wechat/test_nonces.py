"""In plain mode a signed address belongs to one body, for as long as the address is fresh."""

from __future__ import annotations

import pytest

from bot.adapters.wechat import nonces
from bot.adapters.wechat.nonces import Nonces
from bot.errors import Forbidden

SIGNATURE = "ab" * 20


def test_another_body_is_refused_until_the_signature_is_stale():
    now = 1000.0
    seen = Nonces(600, lambda: now)
    seen.admit(SIGNATURE, b"one")
    for later in (1000.0, 1300.0, 1600.0):
        now = later
        seen.admit(SIGNATURE, b"one")
        with pytest.raises(Forbidden):
            seen.admit(SIGNATURE, b"two")
    now = 1601.0
    seen.admit(SIGNATURE, b"two")


def test_what_is_stale_takes_no_room(monkeypatch):
    now = 0.0
    seen = Nonces(600, lambda: now)
    for now in range(0, 100_000, 10):
        seen.admit(f"{now:040x}", b"x")
        assert len(seen._seen) <= 61


def test_a_flood_takes_no_more_than_its_room(monkeypatch):
    monkeypatch.setattr(nonces, "MOST", 50)
    seen = Nonces(600, lambda: 0.0)
    for number in range(500):
        seen.admit(f"{number:040x}", b"x")
    assert len(seen._seen) == 50
