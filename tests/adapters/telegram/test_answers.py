"""What the Bot API's answers do to us beside the table of tests/adapters/test_results.py, over real HTTP."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest
from telegram.error import BadRequest, NetworkError, TimedOut

from bot.adapters.base import Outgoing
from bot.adapters.telegram import client
from bot.adapters.telegram.adapter import TelegramAdapter
from bot.adapters.telegram.meaning import meaning
from bot.adapters.telegram.render import Rendered
from bot.errors import Misconfigured, Moved, Refused, TryLater, Unconfirmed, Unreachable
from bot.message import Address, Choice, Reply

ANN = Address("telegram", "123456789", "7000001")
HANG = "hang"


async def send(adapter: TelegramAdapter, text: str = "x", **more: Any) -> str:
    return await adapter.send(ANN, Outgoing("k1", Reply(text, **more)), "telegram")


async def test_not_modified_is_done(stage: Any) -> None:
    stage.api.answer("sendMessage", "err_400_not_modified")
    await send(stage.adapter())


async def test_a_reply_follows_a_group_that_moved_and_what_leaves_later_says_where(stage: Any) -> None:
    stage.api.answer("sendMessage", "err_400_migrated")
    await stage.adapter()._api.send(7000001, Rendered("x"))
    assert [call["chat_id"] for call in stage.api.named("sendMessage")] == [7000001, -1001234567890]
    stage.api.answer("sendMessage", "err_400_migrated")
    with pytest.raises(Moved) as raised:
        await send(stage.adapter())
    assert raised.value.user_id == "-1001234567890"
    assert "100123" not in str(raised.value)
    assert len(stage.api.calls) == 3


async def test_a_group_that_moves_on_and_on_is_given_up(stage: Any) -> None:
    """Replies are tried once more by the client; whoever sends later is told, and decides."""
    stage.api.answer("sendMessage", "err_400_migrated", "err_400_migrated")
    with pytest.raises(Unreachable, match="moves on and on"):
        await stage.adapter()._api.send(7000001, Rendered("x"))
    assert [call["chat_id"] for call in stage.api.named("sendMessage")] == [7000001, -1001234567890]


async def test_a_full_pool_is_certainly_not_sent(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_CONNECTIONS", 1)
    adapter = stage.adapter()
    stage.api.answer("sendMessage", HANG)
    first = asyncio.create_task(send(adapter))
    async with asyncio.timeout(10):
        while not stage.api.calls:
            await asyncio.sleep(0.01)
    monkeypatch.setattr(client, "LATER", 0.1)
    with pytest.raises(TryLater, match="no connection"):
        await send(adapter)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert len(stage.api.calls) == 1


async def test_what_hangs_may_have_arrived(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LATER", 0.4)
    stage.api.answer("sendMessage", HANG)
    with pytest.raises(Unconfirmed, match="no answer in time"):
        await send(stage.adapter())


@pytest.mark.parametrize("fault", [TimedOut(), NetworkError("x"), TimeoutError(), KeyError("x")])
def test_what_never_left_is_tried_later_and_what_may_have_left_is_unknown(fault: Exception) -> None:
    assert isinstance(meaning(fault, written=False), TryLater)
    assert isinstance(meaning(fault, written=True), Unconfirmed)


def test_a_bad_request_is_no_network_trouble() -> None:
    assert issubclass(BadRequest, NetworkError)  # the trap
    assert isinstance(meaning(BadRequest("Chat not found")), Unreachable)
    assert meaning(BadRequest("Query is too old and response timeout expired")) is None


async def test_our_own_mistake_is_told_once_and_not_for_each_person(
    stage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    adapter = stage.adapter()
    stage.api.answer("sendMessage", *[(400, {"ok": False, "description": "Bad Request: message is too odd"})] * 3)
    for _ in range(3):
        with pytest.raises(Refused):
            await send(adapter)
    assert [record.getMessage() for record in caplog.records] == [
        "our message is wrong: Telegram 400: message is too odd"
    ]


async def test_the_alarm_about_the_token_is_given_once(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    adapter = stage.adapter()
    stage.api.answer("sendMessage", "err_401", "err_401")
    for _ in range(2):
        with pytest.raises(Misconfigured):
            await send(adapter)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_a_reminder_leaves_keyboards_alone_and_shows_no_previews(stage: Any) -> None:
    adapter = stage.adapter()
    await send(adapter, "明天见！ https://example.org <b>&")
    await send(adapter, "会场定了", choices=(Choice("看地图", "地点"),))
    first, second = stage.api.named("sendMessage")
    assert first == {
        "chat_id": 7000001,
        "text": "明天见！ https://example.org <b>&",
        "link_preview_options": {"is_disabled": True},
    }
    assert second["text"] == "会场定了"


async def test_logs_hold_neither_token_nor_text(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    adapter = stage.adapter()
    stage.api.answer("sendMessage", (200, b"not JSON: Ann Lee"), (500, b"Ann Lee"), "err_403_blocked")
    for _ in range(3):
        with pytest.raises((Unconfirmed, Unreachable)):
            await send(adapter, "您好 Ann Lee")
    await stage.post({"update_id": 1, "message": "Ann Lee"}, adapter)
    told = caplog.text + str([record.__dict__ for record in caplog.records if record.name != "asyncio"])
    for secret in ("AAtest_token", "the-secret", "Ann Lee", "7000001", "您好"):
        assert secret not in told


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("sendMessage", {"chat_id": 1, "text": "x" * 4097, "link_preview_options": {"is_disabled": True}}),
        ("sendMessage", {"chat_id": 1, "text": " ", "link_preview_options": {"is_disabled": True}}),
        (
            "sendMessage",
            {"chat_id": 1, "text": "x", "link_preview_options": {"is_disabled": True}, "parse_mode": "HTML"},
        ),
        (
            "sendMessage",
            {
                "chat_id": 1,
                "text": "x",
                "link_preview_options": {"is_disabled": True},
                "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "议" * 22}]]},
            },
        ),
        ("answerCallbackQuery", {}),
        (
            "setMyCommands",
            {"commands": [{"command": "Me", "description": "x"}], "scope": {"type": "all_private_chats"}},
        ),
        ("sendPhoto", {"chat_id": 1}),
    ],
)
async def test_the_stand_in_refuses_what_telegram_would(method: str, fields: dict[str, Any], stage: Any) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{stage.api.url}/bot123456789:AAtest_token-of_nobody/{method}", json=fields)
    assert answer.status_code in (400, 404)
