"""Turns a reply into one Telegram message: text, buttons, and what has to be cut; pure.

Limits: https://core.telegram.org/bots/api#sendmessage. They count characters "after entities parsing"; UTF-16 units are
never fewer, so counting those is safe. Nothing is ever sent with a parse mode: what people wrote stays what they wrote.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from bot.adapters.telegram import buttons
from bot.errors import Refused
from bot.message import Choice, Reply

MOST_UNITS = 4096
MOST_BUTTONS = 100
SHORT = 16  # columns of a label which leaves room for another one in its row on a small phone
_LINE = "\n——\n"
_NOTHING = "…"  # Telegram takes no buttons without a text
_SENTENCE_END = re.compile(r"[。！？；…]+[”’」』）]*|[.!?]+[\"')]*(?=\s)")

Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove


@dataclass(frozen=True, slots=True)
class Rendered:
    """One message as Telegram takes it."""

    text: str
    markup: Markup | None = None


def render(reply: Reply, *, in_turn: bool = True) -> Rendered | None:
    """The message that carries a reply; None where there is nothing to say.

    In a turn a reply without choices takes the contact keyboard away. It does so always, for it cannot know whether one
    is there, and taking away what is not there changes nothing. Outside of a turn it leaves things as they are.
    """
    text = _join(_sendable(reply.text), _sendable(reply.ask))
    markup = _markup(reply, in_turn)
    if not text and not reply.choices and not reply.contact_button:
        return None
    return Rendered(text or _NOTHING, markup)


def whole(reply: Reply) -> Rendered | None:
    """The message that leaves later, in one piece. Raises Refused for one that Telegram would not take."""
    message = render(reply, in_turn=False)
    if message and (length := units(message.text)) > MOST_UNITS:
        raise Refused(f"Telegram: the text has {length} characters, at most {MOST_UNITS} are sent")
    if len(reply.choices) > MOST_BUTTONS:
        raise Refused(f"Telegram: {len(reply.choices)} buttons, at most {MOST_BUTTONS} are shown")
    return message


def fit(reply: Reply, more: Choice | None = None) -> tuple[Reply, str]:
    """The reply as one message can carry it, and the text that has to wait ("" if none).

    Only `reply.text` is cut, and then `more` is the last choice. Raises ValueError where the rest alone is too much.
    """
    room = MOST_UNITS - units(_join("x", _sendable(reply.ask))) + 1
    count = len(reply.choices) + bool(reply.contact_button)
    if units(_sendable(reply.ask)) > MOST_UNITS or count > MOST_BUTTONS:
        raise ValueError(f"one Telegram message takes {MOST_UNITS} characters and {MOST_BUTTONS} buttons")
    if not reply.text.strip() or units(_sendable(reply.text)) <= room:
        return reply, ""
    if count + bool(more) > MOST_BUTTONS:
        raise ValueError(f"no room for one more button beside {MOST_BUTTONS}")
    head, rest = _cut(_sendable(reply.text), room)
    return replace(reply, text=head, choices=(*reply.choices, more) if more else reply.choices), rest


def units(text: str) -> int:
    """The length as Telegram counts it at most, in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def _join(text: str, ask: str) -> str:
    return _LINE.join(part for part in (text, ask) if part)


def _sendable(text: str) -> str:
    """Without what UTF-8 cannot carry, and without the space around that Telegram takes off anyway."""
    return text.encode("utf-8", "replace").decode().strip()


def _cut(text: str, room: int) -> tuple[str, str]:
    """Splits where a line ends, or a sentence, or a word, in the second half of what fits; else between two signs."""
    end = _prefix(text, room)
    for found in (text.rfind("\n", 0, end), _last_sentence(text, end), text.rfind(" ", 0, end)):
        if found > end // 2:
            end = found
            break
    else:
        end = _between_signs(text, end)
    return text[:end].rstrip(), text[end:].lstrip()


def _prefix(text: str, room: int) -> int:
    """How many characters fit. A character beyond the first plane takes two units and is taken whole or not at all."""
    used = 0
    for index, char in enumerate(text):
        used += 2 if char > "\uffff" else 1
        if used > room:
            return index
    return len(text)


def _last_sentence(text: str, end: int) -> int:
    ends = [found.end() for found in _SENTENCE_END.finditer(text, 0, end)]
    return ends[-1] if ends else -1


def _between_signs(text: str, end: int) -> int:
    """Steps back from the middle of an accented letter or a joined emoji."""
    place = end
    while 0 < place < len(text) and end - place < 32 and (_clings(text[place]) or text[place - 1] == "\u200d"):
        place -= 1
    return place if 0 < end - place < 32 else end


def _clings(char: str) -> bool:
    return char == "\u200d" or unicodedata.combining(char) > 0 or unicodedata.category(char) in ("Mn", "Me", "Sk")


def _markup(reply: Reply, in_turn: bool) -> Markup | None:
    if reply.contact_button:
        return _contact_keyboard(reply)
    if reply.choices:
        return InlineKeyboardMarkup([[_button(choice) for choice in row] for row in rows(reply.choices)])
    return ReplyKeyboardRemove() if in_turn else None


def _contact_keyboard(reply: Reply) -> ReplyKeyboardMarkup:
    """A message has either buttons below it or a keyboard: beside the contact button, choices are keys that type."""
    keys = [[KeyboardButton(_printed(choice)) for choice in row] for row in rows(reply.choices)]
    contact = KeyboardButton(_sendable(reply.contact_button), request_contact=True)
    return ReplyKeyboardMarkup([[contact], *keys], resize_keyboard=True, one_time_keyboard=True)


def _button(choice: Choice) -> InlineKeyboardButton:
    return InlineKeyboardButton(_printed(choice), callback_data=buttons.write_data(choice))


def _printed(choice: Choice) -> str:
    return _sendable(choice.label) or _sendable(choice.text) or _NOTHING


def rows(choices: tuple[Choice, ...]) -> list[tuple[Choice, ...]]:
    """One choice a row, or two neighbours where both are short."""
    found: list[tuple[Choice, ...]] = []
    for choice in choices:
        if found and len(found[-1]) == 1 and _short(choice) and _short(found[-1][0]):
            found[-1] = (found[-1][0], choice)
        else:
            found.append((choice,))
    return found


def _short(choice: Choice) -> bool:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in _printed(choice)) <= SHORT
