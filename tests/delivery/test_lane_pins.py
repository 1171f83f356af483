"""A place goes out behind its words as a message of its own, at the lane's pace; its failure changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.adapters.base import Outgoing, Pin
from bot.clock import seconds
from bot.content.facts import Venue
from bot.delivery.people import Due
from bot.delivery.sender import Sender
from bot.errors import Unconfirmed
from bot.message import Address, Reply
from bot.store.outbox import Route
from tests.delivery.flights import TELEGRAM, Yard, eventually, running, statuses

PLACE = Pin(22.5, 114.0, "会场", "深圳")


def with_pin(due: Due, route: Route, venue: Venue | None, sequence: int) -> Outgoing:
    """Words and a place."""
    return Outgoing(due.person.key, Reply("会场定了"), pin=PLACE)


class Chats:
    """Notes every call: when, to whom, words or pin."""

    def __init__(self, pins_fail: bool = False) -> None:
        self.calls: list[tuple[float, str, str]] = []
        self._pins_fail = pins_fail

    async def send(self, to: Address | str, outgoing: Outgoing, route: str) -> str:
        """One call, which carries either."""
        assert isinstance(to, Address)
        assert bool(outgoing.reply.text) != bool(outgoing.pin)
        self.calls.append((seconds(), to.user_id, "pin" if outgoing.pin else "words"))
        if outgoing.pin and self._pins_fail:
            raise Unconfirmed("cut")
        return ""


async def test_words_and_pins_together_keep_the_pace(yard: Yard) -> None:
    yard.on_telegram(40)
    yard.queue(range(1, 41))
    chats = Chats()
    async with running(yard.lane(send=chats.send, compose=with_pin, rate=20.0, lease=timedelta(seconds=10))):
        await eventually(lambda: len(chats.calls) == 80)
    times = sorted(at for at, _, _ in chats.calls)
    assert times[-1] - times[0] > 3.5, "80 at 20 a second; were places not counted, the last one would come after 3.0"
    for number in range(1, 41):
        (words, _, first), (pin, _, second) = (call for call in chats.calls if call[1] == str(number))
        assert (first, second) == ("words", "pin")
        assert pin - words >= 0.99


@pytest.mark.parametrize("pins_fail", [True, False])
async def test_a_pin_that_fails_changes_nothing(yard: Yard, pins_fail: bool) -> None:
    yard.on_telegram(1)
    yard.queue([1])
    chats = Chats(pins_fail)
    async with running(yard.lane(send=chats.send, compose=with_pin, rate=20.0, lease=timedelta(seconds=10))):
        await eventually(lambda: len(chats.calls) == 2)
    assert [kind for _, _, kind in chats.calls] == ["words", "pin"]
    assert statuses(yard.database) == {"sent": 1}


async def drained_behind_the_words(yard: Yard) -> Chats:
    """What reached the chats of a lane that was told to end when the words were out, and their places not yet."""
    yard.on_telegram(9)
    yard.queue(range(1, 10))
    chats = Chats()
    async with running(yard.lane(send=chats.send, compose=with_pin, rate=10.0, lease=timedelta(seconds=10))):
        await eventually(lambda: len(chats.calls) >= 8)
        assert {kind for _, _, kind in chats.calls} == {"words"}
    return chats


async def test_places_behind_words_that_were_sent_leave_before_a_lane_that_is_drained(quick_yard: Yard) -> None:
    chats = await drained_behind_the_words(quick_yard)
    words, pins = ([who for _, who, kind in chats.calls if kind == what] for what in ("words", "pin"))
    assert sorted(pins) == sorted(words)
    assert statuses(quick_yard.database) in ({"sent": 9}, {"sent": 8, "queued": 1})
    assert quick_yard.stored_lane(TELEGRAM).holder == ""


async def test_control_without_a_last_permission_they_are_lost(
    quick_yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def land(sender: Sender) -> None:
        sender.permit(0, 0.0)
        sender.ground()

    monkeypatch.setattr(Sender, "land", land)
    chats = await drained_behind_the_words(quick_yard)
    assert {kind for _, _, kind in chats.calls} == {"words"}
