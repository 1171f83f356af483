"""Sends what leaves later: the words, and behind them a place on the map where there is one.

The words are the message. Once they are taken it counts as sent: if the pin fails, that is logged, and the words never
go out twice.
"""

from __future__ import annotations

import logging
import re

from bot.adapters.base import Outgoing, Pin
from bot.adapters.telegram import render
from bot.adapters.telegram.client import LATER, BotApi
from bot.adapters.telegram.patience import Sleep
from bot.clock import seconds
from bot.errors import Refused, TryLater, UsherError
from bot.message import Address

log = logging.getLogger(__name__)
ROUTE = "telegram"
_LEAST = 0.5  # seconds that a call needs; with less it is not begun
_PIN_AFTER = 1.0  # seconds: one chat gets a message a second, https://core.telegram.org/bots/faq
_ID = re.compile(r"-?[0-9]{1,16}")


async def send(api: BotApi, address: Address, outgoing: Outgoing, route: str, sleep: Sleep) -> str:
    """Sends one message, all in all within LATER seconds; the id of its words. Raises as Adapter.send.

    To Telegram's limits a pin is a second message: who counts them sends the words alone, and in its turn the pin
    alone, as an outgoing whose reply says nothing.
    """
    if route != ROUTE:
        raise Refused(f"Telegram sends nothing by {route}")
    chat, words, ends = _chat(address), render.whole(outgoing.reply), seconds() + LATER
    if words:
        receipt = await api.send_later(chat, words)
        if outgoing.pin:
            await _send_behind(api, chat, outgoing.pin, ends, sleep)
        return receipt
    if outgoing.pin:
        await api.send_pin(chat, outgoing.pin, LATER)
        return ""
    raise Refused("Telegram: there is nothing to say")


async def _send_behind(api: BotApi, chat: int, pin: Pin, ends: float, sleep: Sleep) -> None:
    within = ends - seconds() - _PIN_AFTER
    try:
        if within < _LEAST:
            raise TryLater("Telegram: too slow just now", 0)
        await sleep(_PIN_AFTER)
        await api.send_pin(chat, pin, within)
    except UsherError as fault:
        log.warning("telegram: the words were sent, the pin behind them was not: %s", fault)


def _chat(address: Address) -> int:
    """The chat's id. Raises Refused for what is none."""
    if not _ID.fullmatch(address.user_id):
        raise Refused("Telegram: the person's id is not a number")
    return int(address.user_id)
