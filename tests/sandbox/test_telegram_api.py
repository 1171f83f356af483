"""The Bot API: what is taken, what is refused and in which words, through a well-known client too."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, InputFile
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken

from bot.clock import Clock
from bot.sandbox import telegram_sends
from bot.sandbox.page import platform_app

SAMPLES = Path(__file__).parent.parent / "samples" / "telegram"
TOKEN = "123456789:AAtest_token"
YES = {"text": "Yes", "callback_data": "y"}


def rows(*sizes: int, **button: Any) -> dict[str, Any]:
    return {"inline_keyboard": [[{**YES, **button}] * size for size in sizes]}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": "x" * 4096}, ""),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "🙂" * 2049}, "message is too long"),
        ({"text": "<b>" + "x" * 4096 + "</b>", "parse_mode": "HTML"}, ""),
        ({"text": ""}, "message text is empty"),
        ({"text": " \n"}, "message text is empty"),
        ({"text": "hi", "chat_id": 5}, "chat not found"),
        ({"text": "hi", "chat_id": "@nobody"}, "chat not found"),
        ({"text": "hi", "chat_id": None}, "chat_id is empty"),
        ({"text": "a < b", "parse_mode": "HTML"}, "can't parse entities"),
        ({"text": "<b>open", "parse_mode": "HTML"}, "Can't find end tag"),
        ({"text": "<blink>a</blink>", "parse_mode": "HTML"}, "Unsupported start tag"),
        ({"text": "<b>a</i>", "parse_mode": "HTML"}, "Unexpected end tag"),
        ({"text": "hi", "parse_mode": "LaTeX"}, "unsupported parse_mode"),
        ({"text": "🙂hi", "entities": [{"type": "bold", "offset": 2, "length": 2}]}, ""),
        ({"text": "🙂hi", "entities": [{"type": "bold", "offset": 2, "length": 3}]}, "can't parse entities"),
        ({"text": "hi", "link_preview_options": {"is_disabled": True}}, ""),
        ({"text": "hi", "link_preview_options": {"disabled": True}}, "link preview"),
        ({"text": "hi", "reply_markup": rows(8, 8)}, ""),
        ({"text": "hi", "reply_markup": rows(9)}, "REPLY_MARKUP_TOO_LONG"),
        ({"text": "hi", "reply_markup": rows(*[5] * 20)}, ""),
        ({"text": "hi", "reply_markup": rows(*[5] * 20, 1)}, "REPLY_MARKUP_TOO_LONG"),
        ({"text": "hi", "reply_markup": rows(1, callback_data="x" * 64)}, ""),
        ({"text": "hi", "reply_markup": rows(1, callback_data="x" * 65)}, "BUTTON_DATA_INVALID"),
        ({"text": "hi", "reply_markup": rows(1, callback_data="好" * 22)}, "BUTTON_DATA_INVALID"),
        ({"text": "hi", "reply_markup": rows(1, callback_data="")}, "Text buttons are unallowed"),
        ({"text": "hi", "reply_markup": rows(1, url="https://example.org")}, "exactly one action"),
        ({"text": "hi", "reply_markup": {"inline_keyboard": [[{"text": "a", "url": "javascript:1"}]]}}, "invalid"),
        ({"text": "hi", "reply_markup": rows(1, text="")}, "BUTTON_TEXT_EMPTY"),
        ({"text": "hi", "reply_markup": {"inline_keyboard": [YES]}}, "Array of Arrays"),
        ({"text": "hi", "reply_markup": "{broken"}, "can't parse reply_markup JSON"),
        ({"text": "hi", "reply_markup": {"remove_keyboard": True}}, ""),
        ({"text": "hi", "reply_markup": {"keyboard": []}}, "reply markup is empty"),
    ],
)
async def test_what_a_message_may_be(telegram: Any, fields: dict[str, Any], words: str) -> None:
    platform, bot = await telegram(webhook=False)
    platform.phone(7000001).chat.known = True
    answer = await bot.call("sendMessage", **{"chat_id": 7000001, **fields})
    assert answer["ok"] == (words == ""), answer
    assert words in answer.get("description", "")
    assert len(platform.violations) == (words != "")


async def test_the_words_of_the_samples(telegram: Any) -> None:
    platform, bot = await telegram(webhook=False)
    phone = platform.phone(7000001)

    def sample(name: str) -> Any:
        return json.loads((SAMPLES / f"err_{name}.json").read_text())

    assert await bot.call("sendMessage", chat_id=7000001, text="hi") == sample("400_chat_not_found")
    phone.chat.known = True
    sent = await bot.call("sendMessage", chat_id=7000001, text="hi", reply_markup=rows(1))
    same = {"chat_id": 7000001, "message_id": sent["result"]["message_id"], "reply_markup": rows(1)}
    assert await bot.call("editMessageText", text="hi", **same) == sample("400_not_modified")
    assert await bot.call("editMessageReplyMarkup", **same) == sample("400_not_modified")
    assert await bot.call("answerCallbackQuery", callback_query_id="1") == sample("400_query_too_old")
    platform.api.refuse("sendMessage", 429, "Too Many Requests: retry after 5", retry_after=5)
    assert await bot.call("sendMessage", chat_id=7000001, text="hi") == sample("429")
    assert (await bot.call("sendMessage", chat_id=7000001, text="hi"))["ok"]
    other = str(bot.client.base_url).replace("AAtest", "AAother")
    answer = await bot.client.post(f"{other}getMe")
    assert (answer.status_code, answer.json()) == (401, sample("401"))
    unknown = await bot.call("sendPoem", text="hi")
    assert (unknown["error_code"], unknown["description"]) == (404, "Not Found: method not found")


async def test_a_press_is_answered_once_and_in_time(telegram: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    platform, bot = await telegram()
    phone = platform.phone(7000001)
    await phone.says("hi")

    async def no_answer(_update: dict[str, Any]) -> None:
        return

    bot.act = no_answer
    await phone.taps("Yes")
    await phone.taps("No")
    first, second = platform.unanswered
    assert (await bot.call("answerCallbackQuery", callback_query_id=first, text="x" * 201))["error_code"] == 400
    assert (await bot.call("answerCallbackQuery", callback_query_id=first, text="done"))["ok"]
    assert phone.transcript.lines[-1].text == "done"
    assert (await bot.call("answerCallbackQuery", callback_query_id=first))["error_code"] == 400
    monkeypatch.setattr(telegram_sends, "ANSWER_WITHIN", -1)
    assert (await bot.call("answerCallbackQuery", callback_query_id=second))["error_code"] == 400


async def test_edits_change_what_the_person_sees(telegram: Any) -> None:
    platform, bot = await telegram()
    phone = platform.phone(7000001)
    await phone.says("hi")
    number = phone.transcript.lines[-1].message_id
    given = {"chat_id": 7000001, "message_id": number}
    assert (await bot.call("editMessageReplyMarkup", **given))["ok"]
    assert phone.transcript.lines[-1].choices == ()
    with pytest.raises(Exception, match="no button"):
        await phone.taps("Yes")
    assert (await bot.call("editMessageText", text="new", reply_markup=rows(1), **given))["ok"]
    assert (phone.transcript.lines[-1].text, len(phone.transcript.lines[-1].choices)) == ("new", 1)
    assert (await bot.call("editMessageText", text="new", chat_id=7000001, message_id=1))["error_code"] == 400


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "https://usher.example.org/telegram/webhook"}, ""),
        ({"url": "https://usher.example.org:8443/telegram/webhook"}, ""),
        ({"url": "http://127.0.0.1:8000/telegram/webhook"}, ""),
        ({"url": "http://usher.example.org/telegram/webhook"}, "HTTPS URL"),
        ({"url": "https://usher.example.org:9000/"}, "ports"),
        ({"url": "nonsense"}, "invalid webhook URL"),
        ({"url": "https://usher.example.org/", "secret_token": "a:b"}, "unallowed characters"),
        ({"url": "https://usher.example.org/", "secret_token": "a" * 257}, "too long"),
        ({"url": "https://usher.example.org/", "allowed_updates": "message"}, "allowed_updates"),
    ],
)
async def test_where_updates_may_be_sent(telegram: Any, fields: dict[str, Any], words: str) -> None:
    platform, bot = await telegram(webhook=False)
    answer = await bot.call("setWebhook", **fields)
    assert answer["ok"] == (words == ""), answer
    assert words in answer.get("description", "")
    assert (platform.updates.webhook is not None) == (words == "")


@pytest.mark.parametrize(
    ("command", "description", "words"),
    [
        ("register", "报名", ""),
        ("Register", "x", "BOT_COMMAND_INVALID"),
        ("my-data", "x", "BOT_COMMAND_INVALID"),
        ("a" * 33, "x", "BOT_COMMAND_INVALID"),
        ("register", "", "DESCRIPTION_INVALID"),
        ("register", "x" * 257, "DESCRIPTION_INVALID"),
    ],
)
async def test_commands(telegram: Any, command: str, description: str, words: str) -> None:
    _, bot = await telegram(webhook=False)
    commands = [{"command": command, "description": description}]
    answer = await bot.call("setMyCommands", commands=commands, language_code="zh")
    assert words in answer.get("description", "")
    stored = (await bot.call("getMyCommands", language_code="zh"))["result"]
    assert stored == ([] if words else commands)
    assert (await bot.call("getMyCommands"))["result"] == []
    assert (await bot.call("setMyCommands", commands=commands, language_code="zh-CN"))["error_code"] == 400


async def test_a_form_says_the_same_as_json(telegram: Any) -> None:
    platform, bot = await telegram(webhook=False)
    platform.phone(7000001).chat.known = True
    fields = {"chat_id": "7000001", "text": "好 & <b>", "reply_markup": json.dumps(rows(1))}
    as_form = (await bot.client.post("sendMessage", data=fields)).json()
    as_parts = (
        await bot.client.post("sendMessage", files={key: (None, value) for key, value in fields.items()})
    ).json()
    as_query = (await bot.client.get("SENDMESSAGE", params=fields)).json()
    as_json = (await bot.client.post("sendMessage", json=fields)).json()
    texts = [answer["result"]["text"] for answer in (as_form, as_parts, as_query, as_json)]
    assert texts == ["好 & <b>"] * 4
    assert all(answer["result"]["reply_markup"] for answer in (as_form, as_parts, as_query, as_json))


async def test_a_well_known_client_gets_along(telegram: Any, serve: Any, clock: Clock) -> None:
    platform, _ = await telegram()
    phone = platform.phone(7000001)
    await phone.says("hi")
    url = await serve(platform_app(None, platform))
    async with Bot(TOKEN, base_url=f"{url}/bot") as bot:
        assert bot.username == "usher_demo_bot"
        clock.wind(timedelta(days=1))
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Register", callback_data="v1:register")]])
        sent = await bot.send_message(7000001, "<b>好</b>", parse_mode="HTML", reply_markup=keyboard)
        assert (sent.text, sent.entities[0].type, int(sent.date.timestamp())) == ("好", "bold", platform.now())
        await bot.send_venue(7000001, 22.5, 113.9, "Hall", "Nanshan")
        first = await bot.send_document(7000001, InputFile(b"BEGIN:VCALENDAR\r\n", "event.ics"), caption="日历")
        assert first.document is not None
        assert first.document.file_name == "event.ics"
        again = await bot.send_document(7000001, first.document.file_id)
        assert again.document == first.document
        assert await bot.set_my_commands([BotCommand("register", "报名")], language_code="zh")
        assert await bot.send_chat_action(7000001, "typing")
        assert (await bot.get_webhook_info()).pending_update_count == 0
        with pytest.raises(BadRequest):
            await bot.send_document(7000001, "BQACunknown")
        with pytest.raises(Conflict):
            await bot.get_updates()
        await phone.blocks()
        with pytest.raises(Forbidden):
            await bot.send_message(7000001, "hi")
    assert [line.text for line in phone.transcript.lines][2:6] == [
        "好",
        "📍 Hall\nNanshan",
        "📎 event.ics\n日历",
        "📎 event.ics",
    ]
    with pytest.raises(InvalidToken):
        async with Bot("123456789:AAwrong", base_url=f"{url}/bot"):
            pass
