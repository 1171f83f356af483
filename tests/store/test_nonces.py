"""In plain mode a signed address belongs to one body, in every process and after a restart, while it is fresh."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import Forbidden
from bot.store import nonces
from bot.store.database import Database
from bot.store.nonces import Nonces
from bot.store.tables import Nonce
from tests.stored import rows

SIGNATURE = "ab" * 20
LASTS = timedelta(minutes=10)


class Hand:
    """A real clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = datetime(2019, 10, 8, tzinfo=UTC)

    def real(self) -> datetime:
        return self.at


async def admitted(seen: Nonces, body: bytes) -> bool:
    try:
        await seen.admit(SIGNATURE, body)
    except Forbidden:
        return False
    return True


async def test_another_body_is_refused_until_the_signature_is_stale(database: Database) -> None:
    hand = Hand()
    seen = Nonces(database, hand, LASTS)  # type: ignore[arg-type]
    await seen.admit(SIGNATURE, b"one")
    for minutes in (0, 5, 10):
        hand.at = Hand().at + timedelta(minutes=minutes)
        assert await admitted(seen, b"one")
        assert not await admitted(seen, b"two")
    hand.at += timedelta(seconds=1)
    assert await admitted(seen, b"two")


async def test_a_restart_and_another_process_remember_it(database: Database) -> None:
    await Nonces(database, Hand(), LASTS).admit(SIGNATURE, b"one")  # type: ignore[arg-type]
    other = Database(database.url.render_as_string(hide_password=False))
    try:
        again = Nonces(other, Hand(), LASTS)  # type: ignore[arg-type]
        assert not await admitted(again, b"two")
        assert await admitted(again, b"one")
    finally:
        other.close()


async def test_of_two_processes_at_once_one_body_wins(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False))
    seen = [Nonces(one, Hand(), LASTS) for one in (database, other)]  # type: ignore[arg-type]
    try:
        for number in range(20):
            signature = f"{number:040x}"
            ended = await asyncio.gather(
                *(one.admit(signature, str(place).encode()) for place, one in enumerate(seen * 2)),
                return_exceptions=True,
            )
            assert ended.count(None) == 1
            assert [type(row) for row in ended if row] == [Forbidden] * 3
    finally:
        other.close()


async def test_what_is_stale_takes_no_room(database: Database) -> None:
    hand = Hand()
    seen = Nonces(database, hand, LASTS)  # type: ignore[arg-type]
    for number in range(100):
        hand.at += timedelta(minutes=1)
        await seen.admit(f"{number:040x}", b"x")
    assert len(rows(database, Nonce)) == 11


async def test_a_flood_takes_no_more_than_its_room(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces, "MOST", 20)
    seen = Nonces(database, Hand(), LASTS)  # type: ignore[arg-type]
    for number in range(60):
        await seen.admit(f"{number:040x}", b"x")
    assert len(rows(database, Nonce)) == 20
