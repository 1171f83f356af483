"""The Telegram platform as a person and a bot see it, over HTTP, by webhook and by getUpdates."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from telegram import Update

from bot.sandbox.page import platform_app
from bot.sandbox.transcript import NoAnswer, NotPossible

SAMPLES = Path(__file__).parent.parent / "samples" / "telegram"


async def test_a_person_writes_taps_and_reads(telegram: Any) -> None:
    platform, bot = await telegram()
    phone = platform.phone(7000001, language_code="en")
    assert await phone.starts("brand-mail") == "you said /start brand-mail"
    assert await phone.says("hello") == "you said hello"
    assert await phone.taps("No") == "pressed n"
    assert await phone.taps(1) == "pressed y"
    assert platform.unanswered == []
    assert set(bot.secrets) == {"s3cret"}
    assert platform.violations == []
    assert [line.who for line in phone.transcript.lines] == ["person", "bot"] * 2 + ["bot", "bot"]
    with pytest.raises(NotPossible):
        await phone.taps("Perhaps")


async def _keyboard(platform: Any, bot: Any, phone: Any, **changed: Any) -> None:
    button = {"text": "Share my number", "request_contact": True}
    markup = {"keyboard": [[button]], "resize_keyboard": True, **changed}
    answer = await bot.call("sendMessage", chat_id=phone.user_id, text="Your number?", reply_markup=markup)
    assert answer["ok"]


def _shape(value: Any) -> Any:
    """Names and types, all the way down; entities by their types."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return [_shape(inner) for inner in value]
    return type(value).__name__


@pytest.mark.parametrize(
    ("sample", "act"),
    [
        ("start_deeplink", lambda phone: phone.starts("ev_42-src_poster")),
        ("text", lambda phone: phone.says("When does it start? 🙂")),
        ("text_entities_utf16", lambda phone: phone.says("🙂 mail me ann@example.org or +49 30 123456")),
        ("location", lambda phone: phone.sends_location()),
        ("photo", lambda phone: phone.sends_photo("my ticket")),
        ("edited_message", lambda phone: phone.edits("When does it end?")),
        ("my_chat_member_blocked", lambda phone: phone.blocks()),
    ],
)
async def test_updates_have_the_shape_of_the_samples(telegram: Any, sample: str, act: Any) -> None:
    platform, bot = await telegram()
    phone = platform.phone(7000001, language_code="de")
    phone.user["username"] = phone.chat.shape["username"] = "ann_lee"
    if sample == "edited_message":
        await phone.says("When?")
    await act(phone)
    expected = json.loads((SAMPLES / f"{sample}.json").read_text())
    assert _shape(bot.seen[-1]) == _shape(expected)
    if "entities" in expected.get("message", {}):
        marks = [{**one, "length": 0} if sample == "start_deeplink" else one for one in expected["message"]["entities"]]
        seen = bot.seen[-1]["message"]["entities"]
        assert [{**one, "length": 0} if sample == "start_deeplink" else one for one in seen] == marks


async def test_every_update_is_read_by_a_library_that_knows_the_platform(telegram: Any) -> None:
    platform, bot = await telegram()
    phone = platform.phone(7000001)
    await phone.starts()
    await _keyboard(platform, bot, phone)
    for verb in ("sends_photo", "sends_voice", "sends_sticker", "sends_document", "sends_location", "shares_contact"):
        await getattr(phone, verb)()
    await phone.says("hi")
    await phone.taps("Yes")
    await phone.blocks()
    await phone.unblocks()
    assert len(bot.seen) == 11
    for raw in bot.seen:
        update = Update.de_json(raw, None)
        assert update is not None
        assert update.effective_user is not None
        assert update.effective_user.id == 7000001
        assert not update.api_kwargs, raw
        assert not (update.message and update.message.api_kwargs), raw


async def test_the_contact_button_shares_the_own_number_only_when_it_is_shown(telegram: Any) -> None:
    platform, bot = await telegram()
    phone = platform.phone(7000001, last_name="")
    await phone.starts()
    with pytest.raises(NotPossible):
        await phone.shares_contact()
    await _keyboard(platform, bot, phone, one_time_keyboard=True)
    assert phone.contact_button == "Share my number"
    await phone.shares_contact()
    shared = bot.seen[-1]["message"]
    assert shared["contact"]["user_id"] == shared["from"]["id"] == 7000001
    assert shared["reply_to_message"]["text"] == "Your number?"
    assert phone.contact_button == ""
    await phone.shares_contact(own=False)
    assert bot.seen[-1]["message"]["contact"]["user_id"] != 7000001


async def test_a_failed_delivery_comes_again_until_it_is_taken(telegram: Any) -> None:
    platform, bot = await telegram()
    phone = platform.phone(7000001)
    bot.status = 500
    waiting = asyncio.create_task(phone.says("hello"))
    while len(bot.seen) < 3:
        await asyncio.sleep(0.01)
    info = (await bot.call("getWebhookInfo"))["result"]
    assert (info["pending_update_count"], "500" in info["last_error_message"]) == (1, True)
    bot.status = 200
    assert await waiting == "you said hello"
    assert len({update["update_id"] for update in bot.seen}) == 1


async def test_resends_can_be_bounded(telegram: Any) -> None:
    platform, bot = await telegram(attempts=3)
    bot.status = 503
    with pytest.raises(NoAnswer, match="503"):
        await platform.phone(7000001).says("hello")
    assert len(bot.seen) == 3


async def test_texts_keep_their_order_and_a_press_overtakes_them(telegram: Any) -> None:
    platform, bot = await telegram()
    phone = platform.phone(7000001)
    await phone.says("hello")
    gate = asyncio.Event()
    usual = bot.act

    async def slow(update: dict[str, Any]) -> None:
        if "message" in update:
            await gate.wait()
        await usual(update)

    bot.act = slow
    first, second = asyncio.create_task(phone.says("one")), asyncio.create_task(phone.says("two"))
    while len(platform.updates.pending) < 2 or len(bot.seen) < 2:
        await asyncio.sleep(0.01)
    press = asyncio.create_task(phone.taps("Yes"))
    while not any("callback_query" in update for update in bot.seen):
        await asyncio.sleep(0.01)
    assert [update["message"]["text"] for update in bot.seen if "message" in update] == ["hello", "one"]
    gate.set()
    await asyncio.gather(first, second, press)
    assert [update["message"]["text"] for update in bot.seen if "message" in update] == ["hello", "one", "two"]


async def test_copies_of_one_update_arrive_together(telegram: Any) -> None:
    platform, bot = await telegram()
    phone = platform.phone(7000001)
    await phone.says("hello")
    again = bot.seen[-1]
    assert await platform.deliver(again, copies=5) == [200] * 5
    assert len({update["update_id"] for update in bot.seen}) == 1
    assert await platform.deliver({"some_future_update": {"id": 1}}, secret="wrong") == [200]
    assert bot.secrets[-1] == "wrong"


async def test_only_the_kinds_asked_for_arrive(telegram: Any) -> None:
    platform, bot = await telegram()
    url = platform.updates.webhook.url
    await bot.call("setWebhook", url=url, allowed_updates=["message"])
    phone = platform.phone(7000001)
    await phone.says("hello")
    assert await phone.taps("Yes") == ""
    assert all("message" in update for update in bot.seen)
    assert bot.secrets[-1] is None


async def _poll(bot: Any, **given: Any) -> list[dict[str, Any]]:
    answer = await bot.call("getUpdates", **given)
    assert answer["ok"], answer
    return list(answer["result"])


async def _polled(platform: Any, by_somebody: bool = True) -> None:
    """Waits until somebody polls, or nobody any more."""
    while (platform.updates._poll is not None) != by_somebody:
        await asyncio.sleep(0.01)


async def test_updates_wait_until_a_higher_offset_confirms_them(telegram: Any) -> None:
    platform, bot = await telegram(webhook=False)
    phone = platform.phone(7000001)
    said = [asyncio.create_task(phone.says(text)) for text in ("one", "two", "three")]
    while len(platform.updates.pending) < 3:
        await asyncio.sleep(0.01)
    first = await _poll(bot, limit=2)
    assert first == (await _poll(bot))[:2]
    rest = await _poll(bot, offset=first[-1]["update_id"] + 1)
    assert [update["message"]["text"] for update in rest] == ["three"]
    assert said[0].done() is False or await said[0] == ""
    assert [update["message"]["text"] for update in await _poll(bot, offset=-1)] == ["three"]
    await _poll(bot, offset=rest[-1]["update_id"] + 1)
    await asyncio.gather(*said)
    assert await _poll(bot) == []


async def test_a_long_poll_ends_with_the_first_update(telegram: Any) -> None:
    platform, bot = await telegram(webhook=False)
    poll = asyncio.create_task(_poll(bot, timeout=50))
    await _polled(platform)
    said = asyncio.create_task(platform.phone(7000001).says("hello"))
    (update,) = await asyncio.wait_for(poll, 20)
    await bot.echo(update)
    confirm = asyncio.create_task(_poll(bot, timeout=20, offset=update["update_id"] + 1))
    assert await said == "you said hello"
    platform.updates.put("message", {}, "x")
    await confirm


async def test_a_second_poller_and_a_webhook_are_conflicts(telegram: Any) -> None:
    platform, bot = await telegram(webhook=False)
    first = asyncio.create_task(bot.call("getUpdates", timeout=50))
    await _polled(platform)
    second = asyncio.create_task(bot.call("getUpdates", timeout=50))
    expected = json.loads((SAMPLES / "err_409_conflict.json").read_text())
    assert await asyncio.wait_for(first, 20) == expected
    platform.updates.put("message", {"text": "x"}, "x")
    assert (await asyncio.wait_for(second, 20))["ok"]
    await bot.call("setWebhook", url="http://127.0.0.1:9/x")
    assert (await bot.call("getUpdates"))["error_code"] == 409
    assert len(platform.violations) == 2


async def test_a_poller_that_hung_up_is_no_second_one(telegram: Any, serve: Any) -> None:
    platform, bot = await telegram(webhook=False)
    url = await serve(platform_app(None, platform))
    path = f"{url}/bot{platform.token}/getUpdates"
    async with httpx.AsyncClient(trust_env=False) as client:
        gone = asyncio.create_task(client.get(path, params={"timeout": 20}))
        await _polled(platform)
        gone.cancel()
        await _polled(platform, False)
        said = asyncio.create_task(platform.phone(7000001).says("hello"))
        update = (await client.get(path, params={"timeout": 20})).json()["result"][0]
        await bot.echo(update)
        await client.get(path, params={"offset": update["update_id"] + 1})
    assert await said == "you said hello"
    assert platform.violations == []


async def test_in_a_group_a_bot_sees_only_what_is_meant_for_it(telegram: Any) -> None:
    platform, bot = await telegram()
    group = platform.group(-1001234567890)
    phone = platform.phone(7000001)
    assert await phone.says("hello all", group) == ""
    assert await phone.says("/events@other_bot", group) == ""
    assert bot.seen == []
    assert await phone.says("/events@usher_demo_bot", group) == "you said /events@usher_demo_bot"
    assert bot.seen[0]["message"]["chat"]["type"] == "supergroup"
    assert not phone.chat.known


async def test_who_blocked_the_bot_writes_nothing_and_hears_nothing(telegram: Any) -> None:
    platform, bot = await telegram()
    phone = platform.phone(7000001)
    await phone.says("hello")
    await phone.blocks()
    with pytest.raises(NotPossible):
        await phone.says("hello")
    answer = await bot.call("sendMessage", chat_id=7000001, text="hi")
    assert answer == json.loads((SAMPLES / "err_403_blocked.json").read_text())
    await phone.unblocks()
    assert (await bot.call("sendMessage", chat_id=7000001, text="hi"))["ok"]


async def test_a_call_in_the_answer_is_done_and_its_fault_is_remembered(telegram: Any) -> None:
    platform, _ = await telegram()
    platform.phone(7000001).chat.known = True
    platform.api.call_in_answer(b'{"method": "sendMessage", "chat_id": 7000001, "text": "hi"}')
    assert platform.phone(7000001).transcript.lines[-1].text == "hi"
    platform.api.call_in_answer(b'{"method": "sendMessage", "chat_id": 7000001, "text": ""}')
    platform.api.call_in_answer(b"")
    platform.api.call_in_answer(b"[1]")
    assert len(platform.violations) == 1
