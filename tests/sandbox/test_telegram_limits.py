"""The log of what Telegram took, with times, and the hard check of its limits."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.telegram_chat import Chat
from bot.sandbox.telegram_limits import Limits


def took(*times: float, chats: int = 10**6, chat: int = 0) -> Limits:
    """What became of messages that came at these times, each to another person unless `chat` is one."""
    limits = Limits()
    for number, came in enumerate(times):
        to = chat or 1 + number % chats
        limits.take(came, Chat(to, {}), "sendmessage", number, "x")
    return limits


@pytest.mark.parametrize(
    ("times", "most"),
    [
        ([n * 0.0334 for n in range(90)], 30),
        ([0.0] * 30 + [1.0] * 30, 30),  # a window is half open: a whole second lies between
        ([0.0] * 15 + [0.99] * 15 + [1.0] * 15, 30),
        ([n * 0.036 for n in range(300)], 28),
    ],
)
def test_thirty_in_any_second_are_allowed(times: list[float], most: int) -> None:
    limits = took(*times)
    assert (limits.broken, limits.most) == ([], most)
    assert [one.at for one in limits.accepted] == times


@pytest.mark.parametrize(
    "times",
    [
        [0.0] * 31,
        [0.0] * 30 + [0.999],
        [0.5] * 15 + [1.2] * 16,  # no second on the clock has more than 30
        [n * 0.0325 for n in range(62)],
        [1.0] * 30 + [0.001],  # noted late: it came first, but was done last
        [1.0] * 15 + [1.9] * 15 + [1.5],
    ],
)
def test_one_more_is_not_wherever_the_second_begins(times: list[float]) -> None:
    limits = took(*times)
    assert limits.most == 31
    assert "31 messages in all within 1 s, at most 30" in limits.broken


@pytest.mark.parametrize(
    ("times", "chat", "words"),
    [
        ([0.0, 1.0, 2.0], 7, ""),
        ([0.0, 0.99], 7, "2 messages to one person within 1 s, at most 1"),
        ([n * 3.0 for n in range(40)], -7, ""),
        ([n * 2.9 for n in range(40)], -7, "21 messages to a group within 60 s, at most 20"),
    ],
)
def test_one_chat_has_its_own_limit(times: list[float], chat: int, words: str) -> None:
    limits = took(*times, chat=chat)
    assert (limits.broken[0] if limits.broken else "") == words


async def test_replies_to_people_who_write_are_free_and_what_comes_by_itself_is_not(telegram: Any) -> None:
    platform, bot = await telegram()
    phones = [platform.phone(7000001 + number) for number in range(3)]
    for phone in phones * 2:
        await phone.says("hi")
        await phone.taps("Yes")
    assert [one.reply for one in platform.limits.accepted] == [True] * 12
    assert (platform.limits.broken, platform.limits.most) == ([], 0)
    for _ in range(2):
        await bot.call("sendMessage", chat_id=7000001, text="news")
    assert [one.reply for one in platform.limits.accepted][12:] == [False, False]
    assert platform.limits.broken == ["2 messages to one person within 1 s, at most 1"]
    assert [(one.to, one.call, one.text) for one in platform.limits.accepted][-1] == ("7000001", "sendmessage", "news")
    assert platform.violations == [], "kept apart, as tests that shout at the bot break it for a reason"


async def test_places_and_files_count_too(telegram: Any) -> None:
    platform, bot = await telegram()
    platform.phone(7000001).chat.known = True
    await bot.call("sendMessage", chat_id=7000001, text="news")
    place = {"latitude": 22.5, "longitude": 113.9, "title": "Hall", "address": "Nanshan"}
    assert (await bot.call("sendVenue", chat_id=7000001, **place))["ok"]
    assert [one.call for one in platform.limits.accepted] == ["sendmessage", "sendvenue"]
    assert len(platform.limits.broken) == 1
    answer = await bot.call("sendMessage", chat_id=5, text="news")
    assert not answer["ok"]
    assert len(platform.limits.accepted) == 2, "what was refused was not accepted"
