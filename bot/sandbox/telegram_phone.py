"""A person's phone: what one can do in Telegram, each as the true update, and what comes back."""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import TYPE_CHECKING, Any

from bot.sandbox.telegram_chat import Chat
from bot.sandbox.telegram_text import typed_entities
from bot.sandbox.transcript import Line, NoAnswer, NotPossible, Option, Part, Transcript, find_option

if TYPE_CHECKING:
    from bot.sandbox.telegram import TelegramPlatform
    from bot.sandbox.telegram_updates import Waiting


class Phone:
    """One person. Every verb waits until the bot took the update and returns the text of what it said then, or ""."""

    def __init__(
        self, platform: TelegramPlatform, user_id: int, first_name: str, last_name: str, language_code: str
    ) -> None:
        names = {"first_name": first_name, "last_name": last_name}
        names = {key: name for key, name in names.items() if name}
        self.platform = platform
        self.user_id = user_id
        self.number = f"+86138{user_id % 10**8:08d}"  # the phone number behind the contact button
        self.user: dict[str, Any] = {"id": user_id, "is_bot": False, **names}
        if language_code:
            self.user["language_code"] = language_code
        self.chat = platform.chats.setdefault(user_id, Chat(user_id, {"id": user_id, **names, "type": "private"}))
        self._instance = str(-secrets.randbelow(2**62))
        self._mine: dict[str, Any] | None = None  # the text sent last

    @property
    def transcript(self) -> Transcript:
        """The private chat with the bot."""
        return self.chat.transcript

    @property
    def contact_button(self) -> str:
        """The label of the button that shares the own number; "" when the bot does not ask."""
        return self.chat.keyboard.contact if self.chat.keyboard else ""

    async def says(self, text: str, group: Chat | None = None) -> str:
        """Types a text, to the bot or in a group; from a group a bot gets only what is meant for it."""
        entities = typed_entities(text)
        content = {"text": text, **({"entities": entities} if entities else {})}
        return await self._writes(text, content, group)

    async def replies(self, text: str, line: Line) -> str:
        """Answers one message of the bot, which travels along as it stands."""
        if line.message_id not in self.chat.messages:
            raise NotPossible("the bot did not write that")
        entities = typed_entities(text)
        content = {"text": text, **({"entities": entities} if entities else {})}
        return await self._writes(text, {**content, "reply_to_message": self.chat.messages[line.message_id]})

    async def starts(self, payload: str = "") -> str:
        """Presses Start, or opens the link with ?start=payload."""
        if payload and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", payload):
            raise NotPossible("a start payload has 1 to 64 characters of A-Za-z0-9_-")
        return await self.says(f"/start {payload}".rstrip())

    async def taps(self, wanted: int | str, line: int | None = None) -> str:
        """Presses an inline button by number or label: of the newest message that has it, or of that line."""
        self._free()
        lines = (
            [self.transcript.line(line)] if line else [one for one in reversed(self.transcript.lines) if one.choices]
        )
        for one in lines:
            try:
                option = find_option(one, wanted)
            except NotPossible:
                continue
            return await self._presses(one, option)
        raise NotPossible(f"no button {wanted!r}")

    async def _presses(self, line: Line, option: Option) -> str:
        if option.link:
            return ""
        query = {
            "id": self.platform.pressed(self.chat),
            "from": self.user,
            "message": self.chat.messages[line.message_id],
            "chat_instance": self._instance,
            "data": option.tag,
        }
        return await self._sends("callback_query", query, f"press{self.user_id}", self.chat)

    async def shares_contact(self, own: bool = True) -> str:
        """Presses the contact button (NotPossible when there is none); own=False: attaches somebody else's card."""
        contact: dict[str, Any] = {"phone_number": "+8613900139000", "first_name": "Bob", "user_id": self.user_id + 1}
        more: dict[str, Any] = {}
        if own:
            if not self.contact_button:
                raise NotPossible("the bot shows no contact button")
            contact = {"phone_number": self.number.lstrip("+"), "user_id": self.user_id}
            contact |= {key: self.user[key] for key in ("first_name", "last_name") if key in self.user}
            more = {"reply_to_message": self.chat.asked} if self.chat.asked else {}
            if self.chat.keyboard and self.chat.keyboard.once:
                self.chat.keyboard = None
        return await self._writes("[contact]", {"contact": contact, **more})

    async def sends_photo(self, caption: str = "") -> str:
        """Sends a photo."""
        sizes = [{**_file(1253), "width": 90, "height": 67}, {**_file(153_400), "width": 1280, "height": 960}]
        return await self._writes("[photo]", {"photo": sizes, **({"caption": caption} if caption else {})})

    async def sends_voice(self) -> str:
        """Sends a voice message."""
        return await self._writes("[voice]", {"voice": {**_file(8000), "duration": 3, "mime_type": "audio/ogg"}})

    async def sends_sticker(self) -> str:
        """Sends a sticker."""
        kind = {"type": "regular", "is_animated": False, "is_video": False, "emoji": "🙂"}
        return await self._writes("[sticker]", {"sticker": {**_file(20_000), "width": 512, "height": 512, **kind}})

    async def sends_document(self) -> str:
        """Sends a file."""
        kind = {"file_name": "list.pdf", "mime_type": "application/pdf"}
        return await self._writes("[file]", {"document": {**_file(50_000), **kind}})

    async def sends_location(self, latitude: float = 22.5405, longitude: float = 113.9345) -> str:
        """Sends a place."""
        return await self._writes("[location]", {"location": {"latitude": latitude, "longitude": longitude}})

    async def edits(self, text: str) -> str:
        """Changes the text sent last."""
        self._free()
        if self._mine is None:
            raise NotPossible("there is no text of one's own to change")
        edited = {**self._mine, "edit_date": self.platform.now(), "text": text}
        self.transcript.add("person", self.platform.clock.now(), (Part(f"{text} (edited)"),))
        return await self._sends("edited_message", edited, f"chat{self.chat.id}", self.chat)

    async def blocks(self) -> str:
        """Blocks the bot."""
        self._free()
        self.chat.blocked = True
        return await self._membership("member", "kicked")

    async def unblocks(self) -> str:
        """Unblocks it, and writes nothing."""
        if not self.chat.blocked:
            raise NotPossible("the bot is not blocked")
        self.chat.blocked = False
        return await self._membership("kicked", "member")

    async def _membership(self, before: str, after: str) -> str:
        def member(status: str) -> dict[str, Any]:
            until = {"until_date": 0} if status == "kicked" else {}
            return {"user": self.platform.bot, "status": status, **until}

        change = {"chat": self.chat.shape, "from": self.user, "date": self.platform.now()}
        change |= {"old_chat_member": member(before), "new_chat_member": member(after)}
        return await self._sends("my_chat_member", change, f"member{self.chat.id}", self.chat)

    async def _writes(self, said: str, content: dict[str, Any], group: Chat | None = None) -> str:
        chat = group or self.chat
        self._free()
        head = {"message_id": self.platform.next_message_id(), "from": self.user, "chat": chat.shape}
        message = {**head, "date": self.platform.now(), **content}
        chat.transcript.add("person", self.platform.clock.now(), (Part(said),), message_id=message["message_id"])
        if group:
            if not self._meant_for_bot(content.get("text", "")):
                return ""
        else:
            self.chat.known = True
            self._mine = message if "text" in content else self._mine
        return await self._sends("message", message, f"chat{chat.id}", chat)

    def _meant_for_bot(self, text: str) -> bool:
        """Privacy mode: from a group a bot gets commands, unless for another bot, and what names it."""
        mention = f"@{self.platform.bot['username']}"
        command = re.match(r"/[A-Za-z0-9_]+(@[A-Za-z0-9_]+)?", text)
        return command[1] in (None, mention) if command else mention in text

    def _free(self) -> None:
        if self.chat.blocked:
            raise NotPossible("the bot is blocked; unblock it first")

    async def _sends(self, kind: str, content: dict[str, Any], queue: str, chat: Chat) -> str:
        version = chat.transcript.version
        self.platform.limits.wrote(chat)
        waiting = self.platform.updates.put(kind, content, queue)
        if await self._taken(waiting) == "delivered":
            await chat.transcript.until(lambda: bool(chat.transcript.since(version)), self.platform.quiet)
        return "\n".join(line.text for line in chat.transcript.since(version))

    async def _taken(self, waiting: Waiting) -> str:
        try:
            async with asyncio.timeout(self.platform.patience):
                how = await asyncio.shield(waiting.settled)
        except TimeoutError:
            raise NoAnswer(f"the bot did not take the update in {self.platform.patience:g} s") from None
        if how == "expired":
            webhook = self.platform.updates.webhook
            raise NoAnswer(f"the bot did not take the update: {webhook.last_error if webhook else 'no webhook'}")
        return how


def _file(size: int) -> dict[str, Any]:
    return {"file_id": f"AgAC{secrets.token_urlsafe(24)}", "file_unique_id": secrets.token_hex(6), "file_size": size}
