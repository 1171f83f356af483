"""What an answer of the Bot API means to whoever sends.

The wording of refusals is the server's own: https://core.telegram.org/bots/api#making-requests promises none, so it is
used only to tell known refusals from new ones.
"""

from __future__ import annotations

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    TelegramError,
    TimedOut,
)

from bot.errors import Misconfigured, Moved, NoConnection, Paused, Refused, Unconfirmed, Unreachable, UsherError

_SOON = 1.0  # seconds
_NOTHING_LEFT_TO_DO = ("message is not modified", "query is too old")
_NOBODY_THERE = ("chat not found", "user not found", "peer_id_invalid")
_FORBIDDEN = {
    "bot was blocked by the user": "the person blocked the bot",
    "user is deactivated": "the person's account is gone",
    "bot can't initiate conversation with a user": "the person never started the bot",
    "bot was kicked from the supergroup chat": "the bot was removed from the group",
    "bot was kicked from the group chat": "the bot was removed from the group",
}


class Flooded(TelegramError):
    """429: Telegram takes nothing more for a while."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too many requests")
        self.seconds = seconds


class TwoPollers(Misconfigured):
    """Somebody else takes this bot's updates."""


def meaning(error: Exception, *, written: bool = True) -> UsherError | None:
    """What an answer means to a sender; None: there was nothing left to do. `written`: the request began to leave.

    What is not known to have stayed unsent counts as unconfirmed, for the Bot API has no idempotency key.
    """
    match error:
        case Flooded():
            return Paused("Telegram 429: too many messages for now", error.seconds)
        case ChatMigrated():
            return Moved(str(error.new_chat_id))
        case Forbidden():
            reason = _reason(error)
            return Unreachable(f"Telegram 403: {_FORBIDDEN.get(reason, reason)}")
        case InvalidToken():
            return Misconfigured("Telegram: the token is not valid; see USHER_TELEGRAM_TOKEN")
        case Conflict():
            return TwoPollers("Telegram 409: another program takes the updates of this bot")
        case BadRequest():  # before NetworkError, whose child it is
            return _refused(_reason(error))
        case _ if not written:
            return NoConnection("Telegram: no connection", _SOON)
        case TimedOut() | TimeoutError():
            return Unconfirmed("Telegram: no answer in time")
        case _:
            return Unconfirmed(f"Telegram: no clear answer ({type(error).__name__})")


def _refused(reason: str) -> UsherError | None:
    if reason.startswith(_NOTHING_LEFT_TO_DO):
        return None
    if reason.startswith(_NOBODY_THERE):
        return Unreachable("Telegram 400: it finds no such chat")
    return Refused(f"Telegram 400: {reason}")


def _reason(error: TelegramError) -> str:
    """The platform's words up to the first colon: what follows can quote what we sent."""
    words = error.message.removeprefix("Forbidden: ").partition(":")[0].strip()
    return words[:1].lower() + words[1:80]
