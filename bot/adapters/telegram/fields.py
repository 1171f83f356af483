"""Single fields of an update: each is checked here, for the library checks nothing."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import telegram

from bot.adapters.telegram.words import clean

_LARGEST_ID = 2**53  # ids have at most 52 significant bits: https://core.telegram.org/bots/api#chat


def number(value: object, least: int = -_LARGEST_ID) -> int:
    """An id. Raises ValueError for what cannot be one."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _LARGEST_ID:
        raise ValueError("not an id")
    return value


def moment(value: object) -> datetime:
    """An aware time. Raises ValueError for anything else."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("not a time")
    return value


def language(user: telegram.User | None) -> str:
    """The word en or zh where Telegram says so; the code is optional and an IETF tag such as zh-hans."""
    code = clean(user.language_code or "").lower() if user else ""
    return next((known for known in ("en", "zh") if re.match(rf"{known}(?![a-z])", code)), "")


def own_number(message: telegram.Message) -> str:
    """The number if it is verified: Telegram vouches only for a contact that is the sender's own. Else "".

    Some clients leave out the +, yet the number is always an international one.
    """
    contact, sender = message.contact, message.from_user
    if contact is None or sender is None or contact.user_id != sender.id:
        return ""
    digits = re.sub(r"[^0-9]", "", clean(contact.phone_number))[:20]
    return f"+{digits}" if digits else ""


def label(query: telegram.CallbackQuery) -> str:
    """What is printed on the button that was pressed; "" where Telegram no longer shows us the message."""
    markup = getattr(query.message, "reply_markup", None)
    if markup is None:
        return ""
    pressed = (button for row in markup.inline_keyboard for button in row if button.callback_data == query.data)
    return next((button.text for button in pressed), "")


def name(raw: dict[str, Any]) -> str:
    """What kind of update it is, as a word that may stand in a log."""
    names = (str(key) for key in raw if key != "update_id")
    return next((name for name in names if re.fullmatch(r"[a-z_]{1,40}", name)), "empty")


def whose(raw: object) -> str:
    """The id of the person behind an update that we could not read, as far as it can be found."""
    parts = [part for part in raw.values() if isinstance(part, dict)] if isinstance(raw, dict) else []
    people = (part.get(key) for part in parts for key in ("from", "user", "chat"))
    ids = (person.get("id") for person in people if isinstance(person, dict))
    return next((str(found) for found in ids if type(found) is int and 0 < found <= _LARGEST_ID), "")
