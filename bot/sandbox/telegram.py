"""The Telegram platform with one bot: its chats, its messages, the updates for it, and the Bot API."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import Sequence
from typing import Any

import httpx
from starlette.routing import BaseRoute

from bot.clock import Clock, seconds
from bot.sandbox.door import Door
from bot.sandbox.telegram_api import BotApi
from bot.sandbox.telegram_chat import Chat, Press
from bot.sandbox.telegram_limits import Limits
from bot.sandbox.telegram_phone import Phone
from bot.sandbox.telegram_updates import RESENDS, Update, Updates
from bot.sandbox.transcript import NotPossible
from bot.sandbox.trouble import SLOW, Kind, Trouble


class TelegramPlatform:
    """`patience`: seconds a phone waits for the bot; `quiet`: how long after a taken update still for its reply.

    `resends` and `attempts`: as in Updates. `slow`: as in Trouble. While it is "busy" whatever is sent gets a 429.
    """

    def __init__(
        self,
        token: str,
        clock: Clock,
        *,
        username: str = "usher_demo_bot",
        name: str = "Usher",
        patience: float = 30.0,
        quiet: float = 1.0,
        resends: Sequence[float] = RESENDS,
        attempts: int | None = None,
        slow: float = SLOW,
    ) -> None:
        self.token = token
        self.clock = clock
        self.bot = {"id": int(token.partition(":")[0]), "is_bot": True, "first_name": name, "username": username}
        self.patience, self.quiet = patience, quiet
        self.violations: list[str] = []  # what the bot did wrong, in words
        self.chats: dict[int, Chat] = {}
        self.phones: dict[int, Phone] = {}
        self.presses: dict[str, Press] = {}
        self.files: dict[str, dict[str, Any]] = {}  # uploaded, by file_id
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}  # by scope and language
        self.trouble = Trouble(slow)
        self.door: Door | None = None  # in front of the Bot API, where there is one
        self.limits = Limits()
        self.api = BotApi(self)
        self.updates = Updates(clock, self.api.call_in_answer, resends, attempts)
        self._message_ids = itertools.count(10)

    def phone(self, user_id: int, *, language_code: str = "", first_name: str = "Ann", last_name: str = "Lee") -> Phone:
        """The phone of that person; the same one each time. An empty language_code is left out, as it may be."""
        if user_id not in self.phones:
            self.phones[user_id] = Phone(self, user_id, first_name, last_name, language_code)
        return self.phones[user_id]

    def group(self, chat_id: int, title: str = "Team") -> Chat:
        """A group in which the bot is a member; chat_id is negative."""
        shape = {"id": chat_id, "title": title, "type": "supergroup"}
        return self.chats.setdefault(chat_id, Chat(chat_id, shape, known=True))

    def upgrade(self, group: Chat) -> Chat:
        """Makes a group a supergroup, which has another id; a message to the old one is told the new."""
        group.moved_to = -(10**12) - abs(group.id) % 10**12
        return self.group(group.moved_to, str(group.shape["title"]))

    def routes(self) -> list[BaseRoute]:
        """The Bot API."""
        return self.api.routes()

    @property
    def ordered(self) -> frozenset[Kind]:
        """What is wrong with the Bot API: down, slow, busy."""
        return self.trouble.ordered

    def order(self, kind: Kind, on: bool) -> None:
        """Switches a trouble of the Bot API on or off. With a door, down means that connections are refused."""
        self.trouble.order(kind, on)
        if self.door:
            self.door.shut() if "down" in self.ordered else self.door.open()

    @property
    def unanswered(self) -> list[str]:
        """Button presses for which the person still sees the wheel turn."""
        return [number for number, press in self.presses.items() if not press.answered]

    async def deliver(self, update: Update, copies: int = 1, secret: str | None = None) -> list[int]:
        """Posts so many copies at once, beside all queues; the HTTP statuses. Gives an id where there is none."""
        self._note_writer(update)
        body = json.dumps({"update_id": self.updates.next_id(), **update}).encode()
        answers = await asyncio.gather(*(self.post(body, secret) for _ in range(copies)))
        return [answer.status_code for answer in answers]

    def _note_writer(self, update: Update) -> None:
        """Whoever's private chat an update came from may be answered."""
        for part in update.values():
            whose = part.get("from") if isinstance(part, dict) else None
            chat = self.chats.get(whose["id"]) if isinstance(whose, dict) and isinstance(whose.get("id"), int) else None
            if chat:
                self.limits.wrote(chat)

    async def post(self, body: bytes, secret: str | None = None) -> httpx.Response:
        """One request to the webhook with any body; `secret`: another one than was set, "" for none."""
        if self.updates.webhook is None:
            raise NotPossible("no webhook is set")
        return await self.updates.post(self.updates.webhook, body, secret)

    async def close(self) -> None:
        """Ends deliveries and lets go of connections."""
        await self.updates.close()
        if self.door:
            await self.door.close()

    def now(self) -> int:
        """The product's time, as Telegram writes it."""
        return int(self.clock.now().timestamp())

    def next_message_id(self) -> int:
        """A message id, never given before."""
        return next(self._message_ids)

    def pressed(self, chat: Chat) -> str:
        """The id of a new button press."""
        number = str(30_000_000_000_000_000 + secrets.randbelow(10**15))
        self.presses[number] = Press(chat, seconds())
        return number
