"""What is said by a button."""

from __future__ import annotations

from typing import Any

import pytest

from bot.adapters.telegram.convert import Skipped
from tests.adapters.telegram.updates import BOT, came, skipped


def press(sample: Any, data: str | None, label: str = "看议程") -> dict[str, Any]:
    update: dict[str, Any] = sample("callback_query")
    update["callback_query"]["data"] = data
    keyboard = [[{"text": "other", "callback_data": "1=other"}], [{"text": label, "callback_data": data}]]
    update["callback_query"]["message"]["reply_markup"]["inline_keyboard"] = keyboard
    return update


@pytest.mark.parametrize(
    ("data", "tapped", "text"),
    [
        ("1:form.category.factory", "form.category.factory", "看议程"),
        ("1=议程", "", "议程"),
        ("1#0123456789abcdef", "", "看议程"),
        ("1#0123456789ABCDEF", "?", "看议程"),
        ("1:", "?", "看议程"),
        ("1=", "?", "看议程"),
        ("2:form.category.factory", "?", "看议程"),
        ("reg:42:y", "?", "看议程"),
        ("x" * 65, "?", "看议程"),
        ("", "?", "看议程"),
        ("1=a\x00\ud800", "", "a\ufffd"),
    ],
)
def test_what_a_button_says(data: str, tapped: str, text: str, sample: Any) -> None:
    found = came(press(sample, data))
    assert (found.message.tapped, found.message.text) == (tapped, text)
    assert found.query == "30064771072000001"


@pytest.mark.parametrize(
    ("data", "tapped", "text"),
    [
        ("1:form.category.factory", "form.category.factory", "form.category.factory"),
        ("1=议程", "", "议程"),
        ("1#0123456789abcdef", "?", ""),
        ("garbage", "?", ""),
    ],
)
def test_a_button_whose_message_telegram_no_longer_shows(data: str, tapped: str, text: str, sample: Any) -> None:
    update = sample("callback_inaccessible")
    update["callback_query"]["data"] = data
    found = came(update)
    assert (found.message.tapped, found.message.text, found.query) == (tapped, text, "30064771072000002")


def test_a_button_without_data_is_an_unknown_one(sample: Any) -> None:
    update = press(sample, "1=a")
    del update["callback_query"]["data"]
    assert came(update).message.tapped == "?"


def test_a_button_outside_a_private_chat_is_only_acknowledged(sample: Any) -> None:
    update = press(sample, "1=a")
    update["callback_query"]["message"]["chat"] = {"id": -100, "type": "supergroup", "title": "Team"}
    assert skipped(update) == Skipped("a button outside a private chat", keep=False, query="30064771072000001")
    del update["callback_query"]["message"]
    assert skipped(update).query == "30064771072000001"


@pytest.mark.parametrize(
    ("answered", "to", "tag"),
    [
        ({}, "7", ""),
        ({"reply_markup": {"inline_keyboard": [[{"text": "结束", "callback_data": "1:handoff.close.N-1"}]]}}, "7",
         "handoff.close.N-1"),
        ({"reply_markup": {"inline_keyboard": [[{"text": "?", "url": "https://example.org"}]]}}, "7", "?"),
        ({"reply_markup": {"inline_keyboard": []}}, "7", ""),
        ({"from": {"id": 7000001, "is_bot": False, "first_name": "Ann"}}, "", ""),
        ({"from": {"id": 987, "is_bot": True, "first_name": "Another bot"}}, "", ""),
        ({"from": None}, "", ""),
        ({"message_id": 2**60}, "", ""),
        ({"message_id": 0}, "", ""),
    ],
)  # fmt: skip
def test_which_of_our_messages_is_answered(answered: dict[str, Any], to: str, tag: str, text_update: Any) -> None:
    update = text_update("好的")
    head = {"message_id": 7, "date": 1790000000, "chat": update["message"]["chat"], "text": "想问"}
    ours = {"from": {"id": int(BOT), "is_bot": True, "first_name": "Usher"}}
    update["message"]["reply_to_message"] = {**head, **ours, **answered}
    message = came(update).message
    assert (message.text, message.reply_to, message.reply_tag) == ("好的", to, tag)


def test_a_pressed_button_says_on_which_message_it_stands(sample: Any) -> None:
    update = press(sample, "1=议程")
    update["callback_query"]["message"]["message_id"] = 77
    assert came(update).message.reply_to == "77"
    update["callback_query"]["message"]["message_id"] = "odd"
    assert came(update).message.text == "议程"
