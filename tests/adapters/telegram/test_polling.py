"""Updates by getUpdates: nothing is confirmed that is not done, and nobody holds up everybody."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.adapters.telegram import polling
from bot.errors import Unavailable
from bot.message import Reply

CUT = "cut"


@contextlib.asynccontextmanager
async def listening(stage: Any, until: Callable[[], bool]) -> AsyncIterator[None]:
    """Listens until something is so, for five seconds at most; then looks on for a moment."""
    task = asyncio.create_task(stage.adapter(TELEGRAM_MODE="polling").listen())
    try:
        async with asyncio.timeout(5):
            while not until():
                await asyncio.sleep(0.01)
                assert not task.done(), task.exception()
        await asyncio.sleep(0.02)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def confirmed(stage: Any) -> int:
    """Below which update everything is confirmed."""
    return max((call.get("offset", 0) for call in stage.api.named("getUpdates")), default=0)


async def test_updates_are_answered_and_then_confirmed(stage: Any, text_update: Any) -> None:
    stage.api.pending = [text_update("a", 7), text_update("b", 8)]
    async with listening(stage, lambda: confirmed(stage) == 9):
        assert stage.api.texts == ["heard a", "heard b"]
        assert stage.api.pending == []
    first = stage.api.named("getUpdates")[0]
    assert "offset" not in first
    assert first["allowed_updates"] == ["message", "edited_message", "callback_query", "my_chat_member"]
    assert stage.api.named("deleteWebhook") == [{"drop_pending_updates": False}]


async def test_a_bad_update_is_kept_and_the_others_go_on(stage: Any, text_update: Any, sample: Any) -> None:
    bad = {"update_id": 11, "message": {"text": "no chat"}}
    future = {**sample("unknown_future_type"), "update_id": 12}
    stage.api.pending = [text_update("a", 10), bad, future, "no update at all", {}, text_update("b", 13)]
    async with listening(stage, lambda: confirmed(stage) == 14):
        assert sorted(stage.api.texts) == ["heard a", "heard b"]
        assert len(stage.core.kept) == 4


async def test_an_answer_that_is_only_rubbish_is_no_hot_loop(stage: Any) -> None:
    stage.api.pending = [{}, 7]
    async with listening(stage, lambda: len(stage.sleeps) >= 3):
        assert confirmed(stage) == 0
        assert [kept[4] for kept in stage.core.kept] == [b"{}", b"7"]  # once, not in each round
        assert len(stage.api.named("getUpdates")) <= len(stage.sleeps) + 2


async def test_without_a_commit_the_offset_stays(stage: Any, text_update: Any) -> None:
    stage.api.pending = [text_update("a", 5, chat=1), text_update("b", 6, chat=2), text_update("c", 7, chat=2)]
    stage.core.fails_on["b"] = Unavailable("busy")
    async with listening(stage, lambda: len(stage.api.named("getUpdates")) > 3):
        assert confirmed(stage) == 6
        assert stage.api.texts == ["heard a"]  # c waits for b, which is of the same person
        stage.core.fails_on.clear()
        async with asyncio.timeout(5):
            while confirmed(stage) < 8:
                await asyncio.sleep(0.01)
    assert stage.api.texts == ["heard a", "heard b", "heard c"]


async def test_what_is_done_already_is_not_done_again(stage: Any, text_update: Any) -> None:
    seen: list[str] = []
    stage.core.reply = lambda message: seen.append(message.text) or Reply("ok")
    stage.api.pending = [text_update("b", 6, chat=2), text_update("d", 7, chat=3)]
    stage.core.fails_on["b"] = Unavailable("busy")
    async with listening(stage, lambda: len(stage.api.named("getUpdates")) > 4):
        assert seen == ["d"]


async def test_order_holds_within_a_chat_and_chats_do_not_wait_for_each_other(stage: Any, text_update: Any) -> None:
    stage.core.pause = 0.02
    stage.api.pending = [text_update(f"{chat}.{turn}", 10 * turn + chat, chat) for turn in (1, 2, 3) for chat in (1, 2)]
    async with listening(stage, lambda: confirmed(stage) == 33):
        pass
    for chat in (1, 2):
        mine = [text for text in stage.api.texts if text.startswith(f"heard {chat}.")]
        assert mine == [f"heard {chat}.{turn}" for turn in (1, 2, 3)]
    assert stage.core.together == 2


async def test_only_so_many_chats_are_served_at_once(stage: Any, text_update: Any) -> None:
    stage.core.pause = 0.01
    stage.api.pending = [text_update("x", number, chat=number) for number in range(1, 61)]
    async with listening(stage, lambda: confirmed(stage) == 61):
        assert stage.core.together == polling._AT_ONCE
        assert len(stage.api.texts) == 60


async def test_an_update_on_which_we_fail_again_and_again_is_kept(stage: Any, text_update: Any) -> None:
    stage.core.fails_on["poison"] = KeyError("x")
    stage.api.pending = [text_update("poison", 5, chat=1), text_update("b", 6, chat=2)]
    stage.core.keep_faults.append(Unavailable("busy"))
    async with listening(stage, lambda: confirmed(stage) == 7):
        assert [kept[3] for kept in stage.core.kept] == ["failed: KeyError"]
        assert stage.api.texts == ["heard b"]


async def test_a_reply_that_telegram_does_not_take_is_tried_again(stage: Any, text_update: Any) -> None:
    flood = (429, {"ok": False, "parameters": {"retry_after": 60}})
    stage.api.answer("sendMessage", flood, flood)
    stage.api.pending = [text_update("a", 5)]
    async with listening(stage, lambda: confirmed(stage) == 6):
        assert len(stage.api.texts) == 3
        assert len(stage.core.done) == 1


async def test_a_reply_that_telegram_never_takes_is_given_up(
    stage: Any, text_update: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "_LONGEST_HOLD", 0.05)
    stage.api.answer("sendMessage", *[(429, {"ok": False, "parameters": {"retry_after": 60}})] * 500)
    stage.api.pending = [text_update("a", 5)]
    async with listening(stage, lambda: confirmed(stage) == 6):
        assert stage.core.done == []


async def test_two_pollers_raise_an_alarm_and_go_on(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    stage.api.answer("getUpdates", "err_409_conflict", "err_409_conflict", "err_409_conflict")
    async with listening(stage, lambda: len(stage.api.named("getUpdates")) > 4):
        alarms = [record for record in caplog.records if record.levelname == "ERROR"]
        assert [record.getMessage() for record in alarms] == [
            "telegram does not work: Telegram 409: another program takes the updates of this bot"
        ]
        assert all(0.5 <= wait <= 30 for wait in stage.sleeps)


async def test_a_refused_token_is_looked_at_again_after_minutes(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    stage.api.answer("getUpdates", "err_401")
    async with listening(stage, lambda: len(stage.api.named("getUpdates")) > 2):
        assert 300 in stage.sleeps
        assert "USHER_TELEGRAM_TOKEN" in caplog.text


async def test_network_trouble_is_waited_out_longer_and_longer(stage: Any, text_update: Any) -> None:
    stage.api.answer("getUpdates", CUT, (502, b""), CUT, CUT, CUT, CUT, CUT, "err_429")
    stage.api.pending = [text_update("a", 5)]
    async with listening(stage, lambda: confirmed(stage) == 6):
        waits = [wait for wait in stage.sleeps if wait >= 0.5][:7]
        tops = [1, 2, 4, 8, 16, 30, 30]
        assert all(top / 2 <= wait <= top for wait, top in zip(waits, tops, strict=True))
        assert stage.api.texts == ["heard a"]


async def test_a_server_that_does_not_wait_is_not_asked_without_end(stage: Any) -> None:
    async with listening(stage, lambda: len(stage.api.named("getUpdates")) > 3):
        assert stage.sleeps.count(0.5) >= 3
