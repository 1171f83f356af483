"""A chat as the platform keeps it, and the button presses in it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.telegram_markup import Keyboard
from bot.sandbox.transcript import Transcript

_KEPT = 1000  # messages of one chat


@dataclass(slots=True)
class Chat:
    """One chat of the bot: with a person, or a group."""

    id: int
    shape: dict[str, Any]  # as it stands in updates
    known: bool = False  # whether the bot may write: the person wrote first
    blocked: bool = False
    gone: bool = False  # the person's account was deleted
    moved_to: int = 0  # the id of the supergroup that this group became
    owed: int = 0  # replies that the bot owes, for the limits
    owed_until: float = 0.0  # by seconds()
    keyboard: Keyboard | None = None
    asked: dict[str, Any] | None = None  # the message that brought the keyboard
    transcript: Transcript = field(default_factory=Transcript)
    messages: OrderedDict[int, dict[str, Any]] = field(default_factory=OrderedDict)

    def keep(self, message: dict[str, Any]) -> None:
        """Remembers a message for edits and button presses."""
        self.messages[message["message_id"]] = message
        if len(self.messages) > _KEPT:
            self.messages.popitem(last=False)


@dataclass(slots=True)
class Press:
    """One press of an inline button, waiting for answerCallbackQuery."""

    chat: Chat
    at: float  # by seconds()
    answered: bool = False
