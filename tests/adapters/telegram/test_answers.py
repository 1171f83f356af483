"""What every answer of the Bot API means: the table of the platform's rules, row by row, over real HTTP."""

from __future__ import annotations

import logging
import socket
from typing import Any

import httpx
import pytest
from telegram.error import BadRequest, NetworkError, TimedOut

from bot.adapters.telegram import client
from bot.adapters.telegram.meaning import TwoPollers, meaning
from bot.errors import Misconfigured, TryLater, Unconfirmed, Unreachable
from bot.message import Address, Choice, Reply

ANN = Address("telegram", "123456789", "7000001")
CUT, HANG = "cut", "hang"


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        ("err_429", TryLater, "too many messages"),
        ((429, {"ok": False, "error_code": 429, "description": "Too Many Requests"}), TryLater, "too many messages"),
        ("err_403_blocked", Unreachable, "bot was blocked by the user"),
        ("err_403_deactivated", Unreachable, "user is deactivated"),
        ("err_403_kicked", Unreachable, "bot was kicked from the supergroup chat"),
        ("err_400_chat_not_found", Unreachable, "chat not found"),
        ((400, {"ok": False, "description": "Bad Request: can't parse entities: <b>secret"}), Unreachable, "entities"),
        ("err_401", Misconfigured, "USHER_TELEGRAM_TOKEN"),
        ((404, {"ok": False, "error_code": 404, "description": "Not Found"}), Misconfigured, "USHER_TELEGRAM_TOKEN"),
        ("err_409_conflict", TwoPollers, "another program"),
        ((500, {"ok": False, "error_code": 500, "description": "Internal Server Error"}), Unconfirmed, "no clear"),
        ((502, b"<html>Bad Gateway</html>"), Unconfirmed, "no clear"),
        ((504, b""), Unconfirmed, "no clear"),
        ((200, b"<html>"), Unconfirmed, "no clear"),
        ((200, b"[]"), Unconfirmed, "no clear"),
        ((200, {"ok": True}), Unconfirmed, "no clear"),
        ((200, {"ok": True, "result": {"message_id": 1}}), Unconfirmed, "no clear"),
        (CUT, Unconfirmed, "no clear"),
    ],
)
async def test_an_answer_means(
    answer: Any, outcome: type[Exception], reason: str, stage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    adapter = stage.adapter()
    stage.api.answer("sendMessage", answer)
    with pytest.raises(outcome) as raised:
        await adapter.send(ANN, Reply("一句话"), "telegram")
    assert type(raised.value) is outcome
    assert reason in str(raised.value)
    assert "secret" not in caplog.text + str(raised.value)
    assert len(stage.api.calls) == 1


async def test_a_429_says_how_long(stage: Any) -> None:
    stage.api.answer("sendMessage", "err_429")
    with pytest.raises(TryLater) as raised:
        await stage.adapter().send(ANN, Reply("x"), "telegram")
    assert raised.value.delay == 5


async def test_not_modified_is_done(stage: Any) -> None:
    stage.api.answer("sendMessage", "err_400_not_modified")
    await stage.adapter().send(ANN, Reply("x"), "telegram")


async def test_a_chat_that_moved_is_tried_once_at_its_new_id(stage: Any) -> None:
    stage.api.answer("sendMessage", "err_400_migrated")
    await stage.adapter().send(ANN, Reply("x"), "telegram")
    assert [call["chat_id"] for call in stage.api.named("sendMessage")] == [7000001, -1001234567890]
    stage.api.answer("sendMessage", "err_400_migrated", "err_400_migrated")
    with pytest.raises(Unreachable):
        await stage.adapter().send(ANN, Reply("x"), "telegram")
    assert len(stage.api.calls) == 4


async def test_no_answer_in_time_is_unconfirmed(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_LIMIT", 0.2)
    adapter = stage.adapter()
    stage.api.answer("sendMessage", HANG)
    with pytest.raises(Unconfirmed):
        await adapter.send(ANN, Reply("x"), "telegram")


async def test_a_refused_connection_is_certainly_not_sent(stage: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(TryLater):
        await stage.adapter(TELEGRAM_API_URL=address).send(ANN, Reply("x"), "telegram")


def test_a_full_pool_is_not_sent_and_any_other_time_out_is_unknown() -> None:
    assert isinstance(meaning(TimedOut("Pool timeout: all taken")), TryLater)
    assert isinstance(meaning(TimedOut()), Unconfirmed)
    for cause, outcome in {
        httpx.PoolTimeout("x"): TryLater,
        httpx.ConnectError("x"): TryLater,
        httpx.ReadTimeout("x"): Unconfirmed,
        httpx.WriteError("x"): Unconfirmed,
        httpx.RemoteProtocolError("x"): Unconfirmed,
    }.items():
        error = NetworkError("x")
        error.__cause__ = cause
        assert isinstance(meaning(error), outcome), cause


def test_a_bad_request_is_no_network_trouble() -> None:
    assert issubclass(BadRequest, NetworkError)  # the trap
    assert isinstance(meaning(BadRequest("Chat not found")), Unreachable)
    assert meaning(BadRequest("Query is too old and response timeout expired")) is None


async def test_the_alarm_about_the_token_is_given_once(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    adapter = stage.adapter()
    stage.api.answer("sendMessage", "err_401", "err_401")
    for _ in range(2):
        with pytest.raises(Misconfigured):
            await adapter.send(ANN, Reply("x"), "telegram")
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_a_reminder_leaves_keyboards_alone_and_shows_no_previews(stage: Any) -> None:
    adapter = stage.adapter()
    await adapter.send(ANN, Reply("明天见！ https://example.org <b>&"), "telegram")
    await adapter.send(ANN, Reply("会场定了", choices=(Choice("看地图", "地点"),)), "telegram")
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
            await adapter.send(ANN, Reply("您好 Ann Lee"), "telegram")
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
