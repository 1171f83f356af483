"""Turns the bytes of one Telegram update into what the core understands, or into the reason why not; pure.

Field names and their meaning: https://core.telegram.org/bots/api#update
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import telegram
from telegram.constants import ChatMemberStatus, ChatType
from telegram.warnings import PTBDeprecationWarning

from bot.adapters.telegram import buttons, fields, groups
from bot.adapters.telegram.words import COMMAND, clean
from bot.message import Address, Kind, Message

CHANNEL = "telegram"
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")  # https://core.telegram.org/bots/features#deep-linking
_GROUPS = (ChatType.GROUP, ChatType.SUPERGROUP)
# Notes that Telegram itself writes into a private chat: nobody said anything, so nothing is said in return.
_NOTES = (
    "pinned_message",
    "message_auto_delete_timer_changed",
    "write_access_allowed",
    "connected_website",
    "chat_background_set",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
)


@dataclass(frozen=True, slots=True)
class Came:
    """A person did something in their private chat with us."""

    message: Message
    query: str = ""  # the button press that waits to be answered


@dataclass(frozen=True, slots=True)
class Called:
    """Somebody in a group spoke to a bot, perhaps to us."""

    id: str  # the same for every copy
    chat: int
    thread: int | None  # the topic of a forum, where there is one
    names: frozenset[str]  # user names that were addressed, in small letters; empty: certainly us
    language: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing for the core."""

    reason: str
    keep: bool  # worth keeping, for somebody to look at
    user_id: str = ""  # whose it is, so that it goes when this person is forgotten
    query: str = ""


Read = Came | Called | Skipped


def read(body: bytes, account: str, now: datetime) -> Read:
    """Reads one update that came for the bot with the id `account`. Never raises.

    `now` dates button presses, which carry no time of their own.
    """
    raw: Any = None
    try:
        raw = json.loads(body)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PTBDeprecationWarning)  # about durations, which we do not read
            update = telegram.Update.de_json(raw)
        return _Reader(account, now, fields.number(update.update_id, least=0)).read(update, raw)
    except Exception as fault:  # the library checks nothing, so a wrong shape can end in any exception
        return Skipped(f"no update: {type(fault).__name__}", keep=True, user_id=fields.whose(raw))


@dataclass(frozen=True, slots=True)
class _Reader:
    """One update being read: what all its parts have in common."""

    account: str
    now: datetime
    update_id: int

    @property
    def id(self) -> str:
        """Unique for a bot and an update: Telegram's ids alone restart at random after a quiet week."""
        return hashlib.sha256(f"{CHANNEL}:{self.account}:{self.update_id}".encode()).hexdigest()

    def read(self, update: telegram.Update, raw: dict[str, Any]) -> Read:
        if update.message:
            return self._message(update.message)
        if update.callback_query:
            return self._press(update.callback_query)
        if update.edited_message:
            return self._edit(update.edited_message)
        if update.my_chat_member:
            return self._membership(update.my_chat_member)
        if update.channel_post or update.edited_channel_post:
            return Skipped("channel", keep=False)
        return Skipped(f"not handled: {fields.name(raw)}", keep=True, user_id=fields.whose(raw))

    def _message(self, message: telegram.Message) -> Read:
        if message.chat.type in _GROUPS:
            return self._group(message)
        if message.chat.type != ChatType.PRIVATE:
            return Skipped("neither private chat nor group", keep=False)
        if any(getattr(message, note, None) is not None for note in _NOTES):
            return Skipped("a note by Telegram itself", keep=False)
        if message.from_user and message.from_user.is_bot:
            return Skipped("from a bot", keep=False)
        if message.contact:
            return self._came(message, Kind.PHONE, phone=fields.own_number(message))
        if message.text:
            return self._text(message, clean(message.text))
        return self._came(message, Kind.MEDIA, text=clean(message.caption or ""))

    def _text(self, message: telegram.Message, text: str) -> Came:
        command = COMMAND.fullmatch(text)
        if not command:
            return self._came(message, Kind.TEXT, text=text)
        word, _, rest = command.groups()
        if word.lower() != "start":
            return self._came(message, Kind.TEXT, text=f"/{word.lower()}")
        payload = (rest or "").strip()
        return self._came(message, Kind.START, source=payload if _PAYLOAD.fullmatch(payload) else "")

    def _edit(self, message: telegram.Message) -> Read:
        if message.chat.type != ChatType.PRIVATE:
            return Skipped("edited outside a private chat", keep=False)
        if message.location:  # a place shared live is edited every few seconds
            return Skipped("a moving place", keep=False)
        return self._came(message, Kind.EDITED, text=clean(message.text or message.caption or ""))

    def _press(self, query: telegram.CallbackQuery) -> Read:
        query_id = clean(query.id)
        if query.message is None or query.message.chat.type != ChatType.PRIVATE:
            return Skipped("a button outside a private chat", keep=False, query=query_id)
        tapped, text = buttons.read_data(query.data, clean(fields.label(query)))
        message = Message(
            id=self.id,
            sender=self._address(query.message.chat.id),
            sent_at=self.now,
            text=clean(text),
            tapped=clean(tapped),
            language=fields.language(query.from_user),
            reply_to=_named(query.message.message_id),
        )
        return Came(message, query_id)

    def _membership(self, change: telegram.ChatMemberUpdated) -> Read:
        if change.chat.type != ChatType.PRIVATE:
            return Skipped("member of a group", keep=False)
        kinds = {ChatMemberStatus.BANNED: Kind.BLOCK, ChatMemberStatus.MEMBER: Kind.UNBLOCK}
        kind = kinds.get(ChatMemberStatus(change.new_chat_member.status))
        if kind is None:
            return Skipped("a membership that changes nothing", keep=False)
        sender, language = self._address(change.chat.id), fields.language(change.from_user)
        return Came(
            Message(id=self.id, sender=sender, sent_at=fields.moment(change.date), kind=kind, language=language)
        )

    def _group(self, message: telegram.Message) -> Read:
        # An anonymous administrator writes as a bot, in the name of the group itself.
        anonymous = message.sender_chat is not None and message.sender_chat.id == message.chat.id
        if message.from_user and message.from_user.is_bot and not anonymous:
            return Skipped("a bot in a group", keep=False)
        names = groups.addressed(message, self.account)
        if names is None:
            return Skipped("talk in a group", keep=False)
        thread = fields.number(message.message_thread_id) if message.is_topic_message else None
        return Called(self.id, fields.number(message.chat.id), thread, names, fields.language(message.from_user))

    def _came(
        self, message: telegram.Message, kind: Kind, *, text: str = "", source: str = "", phone: str = ""
    ) -> Came:
        answered = self._answered(message)
        return Came(
            Message(
                id=self.id,
                sender=self._address(message.chat.id),
                sent_at=fields.moment(message.edit_date or message.date),
                kind=kind,
                text=text,
                source=source,
                language=fields.language(message.from_user),
                phone=phone,
                reply_to=_named(answered.message_id) if answered else "",
                reply_tag=_tag(answered) if answered else "",
            )
        )

    def _answered(self, message: telegram.Message) -> telegram.Message | None:
        """The message which this one answers, if that is one of ours."""
        answered = message.reply_to_message
        ours = answered and answered.from_user and str(answered.from_user.id) == self.account
        return answered if ours else None

    def _address(self, chat_id: int) -> Address:
        return Address(CHANNEL, self.account, str(fields.number(chat_id)))


def _named(message_id: object) -> str:
    """A message's id as text; "" for what is none, which is no reason to lose what was said."""
    try:
        return str(fields.number(message_id, least=1))
    except ValueError:
        return ""


def _tag(message: telegram.Message) -> str:
    """What the first button below a message of ours remembers."""
    rows = message.reply_markup.inline_keyboard if message.reply_markup else ()
    button = next((button for row in rows for button in row), None)
    return clean(buttons.read_data(button.callback_data, "")[0]) if button else ""
