"""Updates by webhook: who may send them, what each gets for an answer, and that nobody is answered twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from bot.adapters.telegram.adapter import PATH, TelegramAdapter
from bot.errors import Unavailable
from bot.message import Choice, Kind, Reply

SECRET = "the-secret_1"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
CUT = "cut"


@contextlib.asynccontextmanager
async def serving(adapter: TelegramAdapter) -> AsyncIterator[str]:
    """The adapter behind a real HTTP server."""
    app = Starlette(routes=adapter.routes())
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", ws="none", log_config=None))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}{PATH}"
    server.should_exit = True
    await task


# Who may send


@pytest.mark.parametrize("secret", [None, "", "the-secret_2", "the-secret_", "the-secret_11", "THE-SECRET_1"])
async def test_without_the_secret_nothing_happens(secret: str | None, stage: Any, sample: Any) -> None:
    answer = await stage.post(sample("text"), secret=secret)
    assert (answer.status_code, answer.content) == (401, b"")
    assert (stage.core.messages, stage.core.kept, stage.api.calls) == ([], [], [])


@pytest.mark.parametrize("headers", [[], [b"\xff\x80"], [SECRET.encode(), SECRET.encode()], [SECRET.encode(), b"x"]])
async def test_the_body_of_a_stranger_is_not_read(headers: list[bytes], stage: Any) -> None:
    adapter = stage.adapter()
    sent: list[dict[str, Any]] = []

    async def unread() -> Any:
        raise AssertionError("the body was read")

    async def send(event: Any) -> None:
        sent.append(event)

    raw = [(HEADER.lower().encode(), value) for value in headers]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": raw, "query_string": b"", "root_path": ""}
    await Starlette(routes=adapter.routes())(scope, unread, send)
    assert sent[0]["status"] == 401


async def test_while_no_secret_is_set_nobody_is_right(stage: Any, sample: Any) -> None:
    adapter = stage.adapter(TELEGRAM_SECRET="", TELEGRAM_MODE="polling")
    for secret in (None, "", SECRET):
        assert (await stage.post(sample("text"), adapter, secret)).status_code == 401


# What an update gets


async def test_a_text_is_answered_before_it_is_acknowledged(stage: Any, sample: Any) -> None:
    answer = await stage.post(sample("text"))
    assert (answer.status_code, answer.content) == (200, b"")
    [message] = stage.core.messages
    assert (
        stage.api.named("sendMessage")
        == [
            {
                "chat_id": 7000001,
                "text": "heard When does the workshop start? 🙂",
                "reply_markup": {"remove_keyboard": True},
                "link_preview_options": {"is_disabled": True},
            }
        ]
        or stage.api.named("sendMessage")[0]["reply_markup"] == {}
    )
    assert stage.core.done == [message.id]


@pytest.mark.parametrize("name", ["inline_query", "message_reaction", "unknown_future_type"])
async def test_what_we_do_not_know_is_kept(name: str, stage: Any, sample: Any) -> None:
    assert (await stage.post(sample(name))).status_code == 200
    [(channel, account, _, reason, body)] = stage.core.kept
    assert (channel, account) == ("telegram", "123456789")
    assert reason.startswith("not handled: ")
    assert json.loads(body) == sample(name)
    assert stage.api.calls == []


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b'{"update_id": 1, "message": {"text": "x"}}'])
async def test_a_body_that_is_no_update_is_kept(body: bytes, stage: Any) -> None:
    assert (await stage.post(body)).status_code == 200
    assert [kept[4] for kept in stage.core.kept] == [body]


async def test_a_body_larger_than_any_update_is_kept_in_part(stage: Any) -> None:
    assert (await stage.post(b"x" * (2**20 + 1))).status_code == 200
    assert [(kept[3], len(kept[4])) for kept in stage.core.kept] == [("too large", 4096)]
    assert (await stage.post(b"x" * 2**20)).status_code == 200
    assert len(stage.core.kept[1][4]) == 2**20


async def test_nobody_can_fill_the_memory(stage: Any) -> None:
    adapter, read = stage.adapter(), 0

    async def endless() -> Any:
        nonlocal read
        read += 2**18
        return {"type": "http.request", "body": b"x" * 2**18, "more_body": True}

    async def send(event: Any) -> None:
        pass

    headers = [(HEADER.lower().encode(), SECRET.encode())]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers, "query_string": b"", "root_path": ""}
    await Starlette(routes=adapter.routes())(scope, endless, send)
    assert read <= 2**24 + 2**19
    assert [len(kept[4]) for kept in stage.core.kept] == [4096]


async def test_nothing_to_say_is_no_message(stage: Any, sample: Any) -> None:
    stage.core.reply = lambda message: None
    assert (await stage.post(sample("my_chat_member_blocked"))).status_code == 200
    assert [message.kind for message in stage.core.messages] == [Kind.BLOCK]
    stage.core.reply = lambda message: Reply()
    assert (await stage.post(sample("text"))).status_code == 200
    assert (stage.api.calls, stage.core.claims) == ([], {})


async def test_without_a_commit_telegram_sends_it_again(stage: Any, sample: Any) -> None:
    stage.core.faults.append(Unavailable("busy"))
    assert (await stage.post(sample("text"))).status_code == 503
    assert stage.api.calls == []
    assert (await stage.post(sample("text"))).status_code == 200
    assert len(stage.api.texts) == 1


async def test_what_cannot_be_kept_comes_again(stage: Any) -> None:
    stage.core.keep_faults.append(Unavailable("busy"))
    assert (await stage.post(b"{")).status_code == 503
    assert (await stage.post(b"{")).status_code == 200


async def test_a_fault_of_ours_is_logged_by_its_type_alone(
    stage: Any, sample: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stage.core.faults.append(KeyError("Ann's secret"))
    assert (await stage.post(sample("text"))).status_code == 503
    assert "KeyError" in caplog.text
    assert "secret" not in caplog.text


# Buttons


async def test_a_press_is_answered_and_acknowledged(stage: Any, sample: Any) -> None:
    stage.core.reply = lambda message: Reply("好", choices=(Choice("是", "是", "form.ok"),))
    assert (await stage.post(sample("callback_query"))).status_code == 200
    assert stage.core.messages[0].tapped == "?"
    assert stage.api.named("answerCallbackQuery") == [{"callback_query_id": 30064771072000001}]
    [call] = stage.api.named("sendMessage")
    assert call["chat_id"] == 7000001


async def test_a_press_that_is_too_old_is_answered_all_the_same(
    stage: Any, sample: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")
    stage.api.answer("answerCallbackQuery", "err_400_query_too_old")
    assert (await stage.post(sample("callback_inaccessible"))).status_code == 200
    assert len(stage.api.texts) == 1
    assert caplog.messages == []


@pytest.mark.parametrize("fault", ["err_429", "err_401", CUT, (500, b"")])
async def test_a_press_that_cannot_be_acknowledged_is_still_answered(fault: Any, stage: Any, sample: Any) -> None:
    stage.api.answer("answerCallbackQuery", fault)
    assert (await stage.post(sample("callback_query"))).status_code == 200
    assert len(stage.api.texts) == 1


async def test_a_press_with_nothing_to_say_or_from_elsewhere_is_acknowledged(stage: Any, sample: Any) -> None:
    stage.core.reply = lambda message: None
    await stage.post(sample("callback_query"))
    update = sample("callback_query")
    update["callback_query"]["message"]["chat"] = {"id": -100, "type": "group", "title": "Team"}
    await stage.post(update)
    assert [name for name, _ in stage.api.calls] == ["answerCallbackQuery"] * 2


# Copies


async def test_twenty_copies_over_eight_connections_get_one_reply(stage: Any, sample: Any) -> None:
    stage.core.pause = 0.05
    limits = httpx.Limits(max_connections=8)
    async with serving(stage.adapter()) as address, httpx.AsyncClient(limits=limits, trust_env=False) as client:
        posts = (client.post(address, json=sample("text"), headers={HEADER: SECRET}) for _ in range(20))
        answers = await asyncio.gather(*posts)
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len(stage.api.texts) == 1
    assert len(stage.core.messages) == 1


async def test_copies_to_two_processes_get_one_reply(stage: Any, sample: Any) -> None:
    stage.api.delay = 0.1
    one, two = stage.adapter(), stage.adapter()
    answers = await asyncio.gather(*(stage.post(sample("text"), adapter) for adapter in (one, two, one, two)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503]  # the others come again, and then
    assert (await stage.post(sample("text"), two)).status_code == 200
    assert len(stage.api.texts) == 1


async def test_without_an_outbox_two_processes_would_both_answer(stage: Any, sample: Any) -> None:
    """The control arm of the test above."""

    async def always(message_id: str) -> bool:
        return True

    stage.core.claim = always
    await asyncio.gather(*(stage.post(sample("text"), stage.adapter()) for _ in range(2)))
    assert len(stage.api.texts) == 2


async def test_a_claim_that_died_with_its_process_is_free_again(stage: Any, sample: Any) -> None:
    await stage.post(sample("photo"))
    message_id = stage.core.done.pop()
    stage.core.claims[message_id] = stage.core.now  # as if the process had died between claim and send
    waits = await stage.post(sample("photo"))
    assert (waits.status_code, waits.headers["retry-after"]) == (503, "1")
    stage.core.now += 31
    assert (await stage.post(sample("photo"))).status_code == 200
    assert len(stage.api.texts) == 2


async def test_a_reply_goes_out_even_if_telegram_hangs_up(stage: Any, sample: Any) -> None:
    stage.core.pause = 0.1
    adapter = stage.adapter()
    waiting = asyncio.create_task(stage.post(sample("text"), adapter))
    while not stage.core.running:
        await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await adapter.close()
    assert len(stage.api.texts) == 1
    stage.adapters.clear()


# When a reply cannot be sent


async def test_a_short_flood_is_waited_out(stage: Any, sample: Any) -> None:
    stage.api.answer("sendMessage", "err_429", "err_429")
    assert (await stage.post(sample("text"))).status_code == 200
    assert stage.sleeps == [5, 5]
    assert len(stage.core.done) == 1


async def test_three_tries_are_enough(stage: Any, sample: Any) -> None:
    stage.api.answer("sendMessage", "err_429", "err_429", "err_429")
    answer = await stage.post(sample("text"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (stage.core.done, len(stage.core.released)) == ([], 1)
    assert (await stage.post(sample("text"))).status_code == 200
    assert len(stage.core.done) == 1


@pytest.mark.parametrize("seconds", [6, 37])
async def test_a_long_flood_is_left_to_telegram(seconds: int, stage: Any, sample: Any) -> None:
    flood = {"ok": False, "error_code": 429, "description": "Too Many", "parameters": {"retry_after": seconds}}
    stage.api.answer("sendMessage", (429, flood))
    answer = await stage.post(sample("text"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, str(seconds))
    assert (stage.sleeps, len(stage.core.released)) == ([], 1)


@pytest.mark.parametrize("answer", [CUT, (500, b""), (502, b"<html>"), (200, b"")])
async def test_what_may_have_been_sent_is_never_sent_twice(answer: Any, stage: Any, sample: Any) -> None:
    stage.api.answer("sendMessage", answer)
    for _ in range(2):
        assert (await stage.post(sample("text"))).status_code == 200
    assert len(stage.api.texts) == 1
    assert stage.core.released == []


@pytest.mark.parametrize("answer", ["err_403_blocked", "err_403_deactivated", "err_400_chat_not_found"])
async def test_who_cannot_be_reached_is_left_alone(answer: str, stage: Any, sample: Any) -> None:
    stage.api.answer("sendMessage", answer)
    for _ in range(2):
        assert (await stage.post(sample("text"))).status_code == 200
    assert len(stage.api.texts) == 1


async def test_a_wrong_token_loses_no_reply(stage: Any, sample: Any) -> None:
    stage.api.answer("sendMessage", "err_401")
    assert (await stage.post(sample("text"))).status_code == 503
    assert len(stage.core.released) == 1
    assert (await stage.post(sample("text"))).status_code == 200


async def test_a_reply_that_was_sent_is_acknowledged_even_if_nobody_can_write_it_down(
    stage: Any, sample: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stage.core.away = True
    assert (await stage.post(sample("text"))).status_code == 200
    assert "is not written" in caplog.text


# Groups


def group_text(sample: Any, text: str, update_id: int, **more: Any) -> Any:
    update = sample("group_command")
    update["update_id"] = update_id
    update["message"].update(text=text, entities=[], **more)
    return update


async def test_a_group_is_pointed_to_the_private_chat(stage: Any, sample: Any) -> None:
    for _ in range(2):  # a copy changes nothing
        assert (await stage.post(sample("group_command"))).status_code == 200
    assert stage.api.named("sendMessage") == [
        {
            "chat_id": -1001234567890,
            "message_thread_id": 5,
            "text": "telegram.group in zh https://t.me/events_bot",
            "link_preview_options": {"is_disabled": True},
        }
    ]
    assert (stage.core.messages, stage.core.kept) == ([], [])


async def test_the_sentence_for_groups_may_say_where_its_link_stands(stage: Any, sample: Any) -> None:
    adapter = stage.adapter()
    adapter._say = lambda key, language: f"{language}: {{link}}!"
    update = sample("group_command")
    update["message"]["from"]["language_code"] = "en-US"
    await stage.post(update, adapter)
    assert stage.api.texts == ["en: https://t.me/events_bot!"]


async def test_in_a_group_only_those_who_call_us_are_answered(stage: Any, sample: Any) -> None:
    mention = [{"type": "mention", "offset": 3, "length": 11}]
    calls = [
        group_text(sample, "/help", 1),
        group_text(sample, "/help@EVENTS_BOT", 2),
        {**group_text(sample, "🙂 @events_bot?", 3), "update_id": 3},
    ]
    calls[2]["message"]["entities"] = mention
    others = [group_text(sample, "/help@other_bot", 4), group_text(sample, "hello", 5), sample("group_migrated")]
    for update in (*others, *calls):
        assert (await stage.post(update)).status_code == 200
    assert len(stage.api.texts) == 3


async def test_a_group_gets_at_most_twenty_sentences_a_minute(stage: Any, sample: Any) -> None:
    for number in range(30):
        await stage.post(group_text(sample, "/help", number))
    await stage.post(group_text(sample, "/help", 31, chat={"id": -5, "type": "group", "title": "Other"}))
    assert len(stage.api.texts) == 21


@pytest.mark.parametrize("fault", ["err_403_kicked", "err_429", CUT])
async def test_a_group_that_cannot_be_told_is_left_alone(fault: Any, stage: Any, sample: Any) -> None:
    stage.api.answer("sendMessage", fault)
    assert (await stage.post(sample("group_command"))).status_code == 200
    assert len(stage.api.texts) == 1


async def test_a_group_that_moved_is_told_at_its_new_place(stage: Any, sample: Any) -> None:
    stage.api.answer("sendMessage", "err_400_migrated")
    assert (await stage.post(group_text(sample, "/help", 1, chat={"id": -5, "type": "group"}))).status_code == 200
    assert [call["chat_id"] for call in stage.api.named("sendMessage")] == [-5, -1001234567890]


async def test_nothing_is_said_before_we_know_our_own_name(stage: Any, sample: Any) -> None:
    stage.api.answer("getMe", CUT)
    assert (await stage.post(sample("group_command"))).status_code == 200
    assert stage.api.texts == []
