"""The menu under the chat: three buttons, whose taps say the words that people may as well type.

https://developers.weixin.qq.com/doc/offiaccount/Custom_Menus/Creating_Custom-Defined_Menu.html
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.errors import TryLater, Unconfirmed, UsherError

logger = logging.getLogger(__name__)
_WAITS = (5.0, 30.0, 120.0, 600.0)  # seconds before it is tried again
Say = Callable[[str, str], str]
"""A sentence of content/texts.toml by its key and language."""


@dataclass(frozen=True, slots=True)
class Button:
    """One button: its tap says a word, opens a page, or opens the buttons under it."""

    label: str  # at most 16 bytes; 60 under another button
    word: str = ""  # what a tap says, as if typed
    page: str = ""  # the address that a tap opens
    under: tuple[Button, ...] = ()  # at most five


def shipped(say: Say) -> tuple[Button, ...]:
    """The menu that we ship. An account has one menu for all who follow it, so its labels are Chinese."""
    about = (
        Button(say("menu.agenda", "zh"), "议程"),
        Button(say("menu.venue", "zh"), "地点"),
        Button(say("menu.me", "zh"), "我的报名"),
    )
    return (
        Button(say("menu.register", "zh"), "报名"),
        Button(say("menu.information", "zh"), under=about),
        Button(say("menu.help", "zh"), "帮助"),
    )


def body(buttons: Sequence[Button]) -> dict[str, Any]:
    """What menu/create takes."""
    return {"button": [_button(button) for button in buttons]}


async def put_up(show: Callable[[], Awaitable[None]], sleep: Callable[[float], Awaitable[object]]) -> None:
    """Shows the menu, a few times if need be: twice does no harm. Never raises, for all else works without one."""
    for wait in (*_WAITS, None):
        try:
            return await show()
        except (TryLater, Unconfirmed) as fault:
            logger.warning("wechat: the menu has to wait: %s", fault)
        except UsherError as fault:
            return logger.error("wechat: there is no menu: %s", fault)
        if wait is not None:
            await sleep(wait)
    return logger.error("wechat: there is no menu: it was tried %d times", len(_WAITS) + 1)


def _button(button: Button) -> dict[str, Any]:
    if button.under:
        return {"name": button.label, "sub_button": [_button(one) for one in button.under]}
    if button.page:
        return {"type": "view", "name": button.label, "url": button.page}
    return {"type": "click", "name": button.label, "key": button.word}
