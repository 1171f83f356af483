"""What an answer of the Bot API means to whoever sends.

The wording of refusals is the server's own: https://core.telegram.org/bots/api#making-requests promises none, so it is
used only to tell known refusals from new ones.
"""

from __future__ import annotations

import logging

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    TelegramError,
    TimedOut,
)

from bot.errors import Misconfigured, TryLater, Unconfirmed, Unreachable, UsherError

log = logging.getLogger(__name__)
_NEVER_WENT_OUT = (httpx.PoolTimeout, httpx.ConnectTimeout, httpx.ConnectError, httpx.ProxyError)
_NOTHING_LEFT_TO_DO = ("message is not modified", "query is too old")
_NOBODY_THERE = ("chat not found", "user not found", "peer_id_invalid")


class Flooded(TelegramError):
    """429: Telegram takes nothing more for a while."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too many requests")
        self.seconds = seconds


class Migrated(Unreachable):
    """The group has a new id."""

    def __init__(self, chat: int) -> None:
        super().__init__("the group has a new id")
        self.chat = chat


class TwoPollers(Misconfigured):
    """Somebody else takes this bot's updates."""


def meaning(error: Exception) -> UsherError | None:
    """What an answer means to a sender; None: there was nothing left to do.

    What is not known to have stayed unsent counts as unconfirmed, for the Bot API has no idempotency key.
    """
    match error:
        case Flooded():
            return TryLater("too many messages for now", error.seconds)
        case ChatMigrated():
            return Migrated(error.new_chat_id)
        case Forbidden():
            return Unreachable(_reason(error))
        case InvalidToken():
            return Misconfigured("the token is not valid: see USHER_TELEGRAM_TOKEN")
        case Conflict():
            return TwoPollers("another program takes the updates of this bot")
        case BadRequest():  # before NetworkError, whose child it is
            return _refused(error)
        case TelegramError() if isinstance(error.__cause__, _NEVER_WENT_OUT) or _no_place(error):
            return TryLater("no connection to Telegram", 1)
        case TimedOut():
            return Unconfirmed("no answer in time")
        case _:
            return Unconfirmed(f"no clear answer: {type(error).__name__}")


def _refused(error: BadRequest) -> UsherError | None:
    reason = _reason(error)
    if reason.startswith(_NOTHING_LEFT_TO_DO):
        return None
    if not reason.startswith(_NOBODY_THERE):
        log.error("telegram refused a message of ours: %s", reason)
    return Unreachable(reason)


def _no_place(error: TelegramError) -> bool:
    """The one time-out of the library of which it is certain that nothing was sent."""
    return isinstance(error, TimedOut) and error.message.startswith("Pool timeout")


def _reason(error: TelegramError) -> str:
    """The platform's words up to the first colon: what follows can quote what we sent."""
    words = error.message.removeprefix("Forbidden: ").partition(":")[0].strip()
    return words[:1].lower() + words[1:80]
