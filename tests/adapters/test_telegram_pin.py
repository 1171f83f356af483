"""A place on the map behind the words: a second later, and the words never go out twice for its sake."""

from __future__ import annotations

import pytest

from bot.adapters.base import Outgoing, Pin
from bot.adapters.telegram import client, later
from bot.errors import Paused, Refused, Unconfirmed, Unreachable
from bot.message import Address, Choice, Reply
from bot.sandbox.telegram_params import Refusal
from bot.sandbox.trouble import Order
from tests.adapters.conftest import Ground

pytestmark = pytest.mark.asyncio(loop_scope="session")

PIN = Pin(22.5405, 113.9345, "科技园会议中心", "深圳市南山区")
PLACE = "📍 科技园会议中心\n深圳市南山区"
WORDS = Reply("会场定了", choices=(Choice("怎么去", "地点"),))


async def test_the_pin_comes_a_second_behind_the_words(ground: Ground) -> None:
    receipt = await ground.send("telegram", reply=WORDS, pin=PIN)
    lines = ground.played.telegram.phone(ground.people).transcript.lines
    assert receipt == str(lines[0].message_id)
    assert [line.text for line in lines] == ["会场定了", PLACE]
    assert [option.label for option in lines[0].choices] == ["怎么去"]
    assert ground.waits == [1.0]


@pytest.mark.parametrize(
    "order",
    [
        Order(refusal=Refusal(429, "Too Many Requests", ours=True, retry_after=5)),
        Order(refusal=Refusal(403, "Forbidden: bot was blocked by the user", ours=True)),
        Order(refusal=Refusal(400, "Bad Request: wrong location", ours=True)),
        Order(status=502),
        Order(cut=True),
        Order(cut=True, done=True),
    ],
)
async def test_words_that_were_taken_count_as_sent_whatever_becomes_of_the_pin(
    order: Order, ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    ground.order("sendvenue", order)
    assert await ground.send("telegram", reply=WORDS, pin=PIN)  # the id of the words
    assert ground.arrived == ["sendmessage", "sendvenue"][: 1 + order.done]
    assert (ground.calls("sendmessage"), ground.calls("sendvenue")) == (1, 1)
    assert "the pin behind them was not" in caplog.text
    assert str(ground.people) not in caplog.text


async def test_without_the_words_there_is_no_pin(ground: Ground) -> None:
    ground.order("sendmessage", Order(cut=True, done=True))
    with pytest.raises(Unconfirmed):
        await ground.send("telegram", reply=WORDS, pin=PIN)
    assert ground.calls("sendvenue") == 0


async def test_a_pin_alone_is_a_message_of_its_own(ground: Ground) -> None:
    """So that a lane may count it for itself, and pause before it."""
    assert await ground.send("telegram", reply=Reply(), pin=PIN) == ""
    assert (ground.arrived, ground.waits) == (["sendvenue"], [])
    ground.order("sendvenue", Order(refusal=Refusal(429, "Too Many Requests", ours=True, retry_after=5)))
    with pytest.raises(Paused):
        await ground.send("telegram", reply=Reply(), pin=PIN)


async def test_words_and_pin_together_take_less_than_a_lane_allows(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Or the lane would cut it off, and what was sent would count as unconfirmed."""
    assert client.LATER < 5
    given: list[float] = []
    send_pin = client.BotApi.send_pin

    async def noted(api: client.BotApi, chat: int, pin: Pin, within: float) -> None:
        given.append(within)
        await send_pin(api, chat, pin, within)

    began_and_taken = iter((0.0, 0.05, 0.0, 0.3))  # seconds: the words take so long
    monkeypatch.setattr(later, "seconds", lambda: next(began_and_taken))
    monkeypatch.setattr(later, "LATER", 1.6)
    monkeypatch.setattr(client.BotApi, "send_pin", noted)
    ground.order("sendvenue", Order(delay=2))
    assert await ground.send("telegram", reply=WORDS, pin=PIN)  # the id of the words
    assert given == [pytest.approx(0.55)], "what is left beside the second between them"
    assert "no answer in time" in caplog.text
    assert await ground.send("telegram", reply=WORDS, pin=PIN)  # the id of the words
    assert "too slow just now" in caplog.text
    assert (ground.arrived, len(given)) == (["sendmessage"], 1)


async def test_an_id_that_is_no_number_is_refused(ground: Ground) -> None:
    for user_id in ("hmac:0123", "oWeChat", "", "1" * 20):
        with pytest.raises(Refused, match="not a number"):
            await ground.telegram.send(Address("telegram", "1", user_id), Outgoing("k", WORDS), "telegram")


async def test_who_blocked_the_bot_or_left_telegram_gets_nothing(ground: Ground) -> None:
    to = await ground.person("telegram")
    ground.to, chat = to, ground.played.telegram.phone(ground.people).chat
    for name, words in (("blocked", "blocked the bot"), ("gone", "account is gone")):
        setattr(chat, name, True)
        with pytest.raises(Unreachable, match=words):
            await ground.telegram.send(to, Outgoing("k", WORDS), "telegram")
        setattr(chat, name, False)
    assert ground.arrived == []
