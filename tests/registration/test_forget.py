"""Old message keys and kept bodies go, a slice at a time."""

from __future__ import annotations

from datetime import timedelta

from bot.registration.forget import forget_old_messages
from bot.store.tables import Kept, Message
from tests.chat import Town
from tests.stored import registered, rows


async def test_old_keys_and_bodies_go_a_slice_at_a_time_and_young_ones_stay(town: Town) -> None:
    chat = town.chat()
    await chat.registers()
    old = len(chat.sent)
    for _ in range(3):
        body = Kept(channel="memory", account="memory", received_at=town.clock.now(), reason="?", body=b"?")
        town.database.write_now(lambda session, body=body: session.add(body))
    town.clock.wind(timedelta(days=4))
    await chat.says("我的报名", "议程")
    before = town.clock.now() - timedelta(days=3)

    def slices() -> list[int]:
        found = []
        while not found or found[-1]:
            found.append(town.database.write_now(lambda session: forget_old_messages(session, before, slice_rows=4)))
        return found

    gone = slices()
    assert sum(gone) == old + 3
    assert max(gone) <= 8
    assert len(rows(town.database, Message)) == 2
    assert rows(town.database, Kept) == []
    assert len(registered(town.database)) == 1
    assert (await chat.says("我的报名")).startswith("您的报名")
