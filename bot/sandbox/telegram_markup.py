"""Keyboards as the Bot API checks them: inline ones under a message, and the one with the contact button."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BUTTONS, IN_A_ROW, DATA_BYTES = 100, 8, 64
_ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)
_REQUESTS = ("request_contact", "request_location", "request_poll", "request_users", "request_chat", "web_app")


class WrongMarkup(Exception):
    """A keyboard that the Bot API refuses, in its words."""


@dataclass(frozen=True, slots=True)
class Keyboard:
    """The keyboard in place of the letters; the contact button shares the person's own number."""

    rows: tuple[tuple[str, ...], ...]
    contact: str = ""  # the label of the contact button
    once: bool = False


@dataclass(frozen=True, slots=True)
class Markup:
    """What a reply_markup does. `inline` None: no buttons under the message."""

    inline: list[list[dict[str, Any]]] | None = None
    keyboard: Keyboard | None = None
    removes: bool = False


def read_markup(markup: Any) -> Markup:
    """Reads any reply_markup. Raises WrongMarkup."""
    if markup is None:
        return Markup()
    if not isinstance(markup, dict):
        raise WrongMarkup("object expected as reply markup")
    if "inline_keyboard" in markup:
        return Markup(inline=_inline(markup["inline_keyboard"]))
    if "keyboard" in markup:
        return Markup(keyboard=_keyboard(markup))
    if markup.get("remove_keyboard") is True:
        return Markup(removes=True)
    if markup.get("force_reply") is True or not markup:
        return Markup()
    raise WrongMarkup("can't parse reply keyboard markup JSON object")


def _rows(rows: Any) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise WrongMarkup("can't parse reply keyboard markup: Field must be an Array of Arrays")
    # The server says only that the markup is too long; which bound was hit is for the reader of the test.
    if sum(map(len, rows)) > BUTTONS:
        raise WrongMarkup("REPLY_MARKUP_TOO_LONG")
    if any(len(row) > IN_A_ROW for row in rows):
        raise WrongMarkup("REPLY_MARKUP_TOO_LONG")
    return [row for row in rows if row]


def _inline(rows: Any) -> list[list[dict[str, Any]]]:
    return [[_button(button) for button in row] for row in _rows(rows)]


def _button(button: Any) -> dict[str, Any]:
    _labelled(button, "inline keyboard button")
    actions = [name for name in _ACTIONS if name in button and button[name] not in (None, "", False)]
    if not actions:
        raise WrongMarkup("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        # The server takes one and drops the others in silence; a bot must use exactly one.
        raise WrongMarkup("can't parse inline keyboard button: exactly one action must be used")
    data = button.get("callback_data")
    if data is not None and (not isinstance(data, str) or not 1 <= len(data.encode()) <= DATA_BYTES):
        raise WrongMarkup("BUTTON_DATA_INVALID")
    url = button.get("url")
    if url is not None and not (isinstance(url, str) and url.startswith(("http://", "https://", "tg://"))):
        raise WrongMarkup(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    return {"text": button["text"], actions[0]: button[actions[0]]}


def _labelled(button: Any, what: str) -> None:
    if not isinstance(button, dict):
        raise WrongMarkup(f"can't parse {what}: {what.capitalize()} must be an Object")
    text = button.get("text")
    if text is None:
        raise WrongMarkup(f"can't parse {what}: Can't find field \"text\"")
    if not isinstance(text, str):
        raise WrongMarkup(f'can\'t parse {what}: Field "text" must be of type String')
    if not text.strip():
        raise WrongMarkup("BUTTON_TEXT_EMPTY" if what.startswith("inline") else "keyboard button text is empty")


def _keyboard(markup: dict[str, Any]) -> Keyboard:
    rows, contact = [], ""
    for row in _rows(markup["keyboard"]):
        buttons = [{"text": button} if isinstance(button, str) else button for button in row]
        for button in buttons:
            _labelled(button, "keyboard button")
            if sum(bool(button.get(name)) for name in _REQUESTS) > 1:
                raise WrongMarkup("can't parse keyboard button: at most one request must be used")
            if button.get("request_contact") is True:
                contact = button["text"]
        rows.append(tuple(button["text"] for button in buttons))
    if not rows:
        raise WrongMarkup("reply markup is empty")
    return Keyboard(tuple(rows), contact, markup.get("one_time_keyboard") is True)
