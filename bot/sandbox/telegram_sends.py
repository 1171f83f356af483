"""Bot API methods that a person sees: messages, venues, files, edits, answers to a button press."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.clock import seconds
from bot.sandbox.telegram_chat import Chat
from bot.sandbox.telegram_markup import Markup, WrongMarkup, read_markup
from bot.sandbox.telegram_params import File, Parameters, Refusal, bad
from bot.sandbox.telegram_text import Entity, WrongText, parts_of, read_entities, read_html, utf16
from bot.sandbox.transcript import Option, Part

if TYPE_CHECKING:
    from bot.sandbox.telegram import TelegramPlatform

TEXT, CAPTION, TOAST = 4096, 1024, 200  # UTF-16 units
ANSWER_WITHIN = 150.0  # seconds; a button press does not live longer, and the server's own bound is not published
_ACTIONS = frozenset(
    [
        *("typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice"),
        *("upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note"),
    ]
)
_PREVIEW = frozenset({"is_disabled", "url", "prefer_small_media", "prefer_large_media", "show_above_text"})
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


def send_message(platform: TelegramPlatform, given: Parameters) -> Any:
    """A text."""
    text, entities = _formatted(given, "text", "entities")
    if not text.strip():
        raise bad("message text is empty")
    if utf16(text) > TEXT:
        raise bad("message is too long")
    preview = given.structure("link_preview_options")
    if preview is not None and not (isinstance(preview, dict) and preview.keys() <= _PREVIEW):
        raise bad("can't parse link preview options")
    content: dict[str, Any] = {"text": text, **({"entities": entities} if entities else {})}
    return _sent(platform, given, content, parts_of(text, entities), "sendmessage")


def send_venue(platform: TelegramPlatform, given: Parameters) -> Any:
    """A place with its name."""
    latitude, longitude = given.real("latitude"), given.real("longitude")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise bad("wrong location: latitude or longitude is out of range")
    title, address = given.text("title"), given.text("address")
    if not title or not address:
        raise bad("venue title and address must be non-empty")
    where = {"latitude": latitude, "longitude": longitude}
    content = {"location": where, "venue": {"location": where, "title": title, "address": address}}
    return _sent(platform, given, content, (Part(f"📍 {title}\n{address}"),), "sendvenue")


def send_document(platform: TelegramPlatform, given: Parameters) -> Any:
    """A file: uploaded, or one that the bot sent before."""
    reference = given.text("document").removeprefix("attach://")
    file = given.files.get("document") or given.files.get(reference)
    if file is None and reference not in platform.files:
        raise bad("wrong remote file identifier specified" if reference else "there is no document in the request")
    document = _stored(platform, file) if file else platform.files[reference]
    caption, entities = _formatted(given, "caption", "caption_entities")
    if utf16(caption) > CAPTION:
        raise bad("message caption is too long")
    content: dict[str, Any] = {"document": document, **({"caption": caption} if caption else {})}
    content |= {"caption_entities": entities} if entities else {}
    shown = "\n".join(filter(None, (f"📎 {document['file_name']}", caption)))
    return _sent(platform, given, content, (Part(shown),), "senddocument")


def chat_action(platform: TelegramPlatform, given: Parameters) -> Any:
    """ "typing…"; nothing stays of it."""
    _chat(platform, given)
    if given.text("action") not in _ACTIONS:
        raise bad("wrong parameter action in request")
    return True


def answer_press(platform: TelegramPlatform, given: Parameters) -> Any:
    """Stops the wheel on a button. Once: a second answer is refused here, though the server may let it pass."""
    press = platform.presses.get(given.text("callback_query_id"))
    if press is None or press.answered or seconds() - press.at > ANSWER_WITHIN:
        raise bad(TOO_OLD, ours=True)
    text = given.text("text")
    if utf16(text) > TOAST:
        raise bad("MESSAGE_TOO_LONG")
    press.answered = True
    if text:
        press.chat.transcript.add("bot", platform.clock.now(), (Part(text),))
    return True


def edit_text(platform: TelegramPlatform, given: Parameters) -> Any:
    """Another text in a message of the bot."""
    chat, old = _mine(platform, given)
    text, entities = _formatted(given, "text", "entities")
    if "text" not in old:
        raise bad("there is no text in the message to edit")
    if not text.strip():
        raise bad("message text is empty")
    if utf16(text) > TEXT:
        raise bad("MESSAGE_TOO_LONG")
    new = {key: value for key, value in old.items() if key != "entities"}
    new |= {"text": text, **({"entities": entities} if entities else {})}
    return _edited(platform, given, chat, old, new, parts_of(text, entities))


def edit_markup(platform: TelegramPlatform, given: Parameters) -> Any:
    """Other buttons under a message of the bot, or none."""
    chat, old = _mine(platform, given)
    return _edited(platform, given, chat, old, dict(old), None)


def _stored(platform: TelegramPlatform, file: File) -> dict[str, Any]:
    if not file.content:
        raise bad("file must be non-empty")
    name = f"BQAC{secrets.token_urlsafe(30)}"
    about = {"file_name": file.name, "mime_type": file.kind, "file_size": len(file.content)}
    platform.files[name] = {"file_id": name, "file_unique_id": secrets.token_hex(8), **about}
    return platform.files[name]


def _sent(
    platform: TelegramPlatform, given: Parameters, content: dict[str, Any], parts: tuple[Part, ...], call: str
) -> Any:
    markup, chat = _markup(given), _chat(platform, given)
    head = {"message_id": platform.next_message_id(), "from": platform.bot, "chat": chat.shape}
    message = {**head, "date": platform.now(), **content}
    if markup.inline:
        message["reply_markup"] = {"inline_keyboard": markup.inline}
    chat.keep(message)
    if markup.keyboard or markup.removes:
        chat.keyboard, chat.asked = markup.keyboard, message if markup.keyboard else None
    number = message["message_id"]
    chat.transcript.add("bot", platform.clock.now(), parts, choices=_options(markup), message_id=number)
    platform.limits.take(given.came, chat, call, number, "".join(part.text for part in parts))
    return message


def _edited(
    platform: TelegramPlatform,
    given: Parameters,
    chat: Chat,
    old: dict[str, Any],
    new: dict[str, Any],
    parts: tuple[Part, ...] | None,
) -> Any:
    markup = _markup(given)
    new.pop("reply_markup", None)
    if markup.inline:
        new["reply_markup"] = {"inline_keyboard": markup.inline}
    if new == old:
        raise bad(NOT_MODIFIED, ours=True)
    new["edit_date"] = platform.now()
    chat.keep(new)
    line = next((line for line in chat.transcript.lines if line.message_id == new["message_id"]), None)
    if line:
        chat.transcript.change(line, parts, choices=_options(markup))
    return new


def _mine(platform: TelegramPlatform, given: Parameters) -> tuple[Chat, dict[str, Any]]:
    chat = _chat(platform, given)
    message = chat.messages.get(given.number("message_id"))
    if message is None:
        raise bad("message to edit not found")
    return chat, message


def _chat(platform: TelegramPlatform, given: Parameters) -> Chat:
    number = given.text("chat_id")
    if not number:
        raise bad("chat_id is empty")
    chat = platform.chats.get(int(number)) if re.fullmatch(r"-?\d{1,16}", number) else None
    if chat is None or not chat.known:
        raise bad("chat not found")
    if chat.moved_to:
        upgraded = "Bad Request: group chat was upgraded to a supergroup chat"
        raise Refusal(400, upgraded, ours=True, migrate_to_chat_id=chat.moved_to)
    if chat.gone:
        raise Refusal(403, "Forbidden: user is deactivated", ours=True)
    if chat.blocked:
        raise Refusal(403, "Forbidden: bot was blocked by the user", ours=True)
    return chat


def _formatted(given: Parameters, name: str, listed: str) -> tuple[str, list[Entity]]:
    text, mode = given.text(name), given.text("parse_mode").lower()
    if mode not in ("", "html"):
        # Markdown exists; it is not played here, and a clear no is better than text that nobody parsed.
        raise bad("unsupported parse_mode")
    try:
        return read_html(text) if mode else (text, read_entities(text, given.structure(listed)))
    except WrongText as error:
        raise bad(str(error)) from None


def _markup(given: Parameters) -> Markup:
    try:
        return read_markup(given.structure("reply_markup"))
    except WrongMarkup as error:
        raise bad(str(error)) from None


def _options(markup: Markup) -> tuple[Option, ...]:
    return tuple(
        Option(button["text"], tag=str(button.get("callback_data", "")), link=str(button.get("url", "")), row=row)
        for row, buttons in enumerate(markup.inline or [])
        for button in buttons
    )


METHODS: dict[str, Callable[[TelegramPlatform, Parameters], Any]] = {
    "sendmessage": send_message,
    "sendvenue": send_venue,
    "senddocument": send_document,
    "sendchataction": chat_action,
    "answercallbackquery": answer_press,
    "editmessagetext": edit_text,
    "editmessagereplymarkup": edit_markup,
}
