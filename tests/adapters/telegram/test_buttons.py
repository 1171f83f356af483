"""What is said by a button."""

from __future__ import annotations

from typing import Any

import pytest

from bot.adapters.telegram.convert import Skipped
from tests.adapters.telegram.updates import came, skipped


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
