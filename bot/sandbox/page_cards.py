"""What the platforms draw as cards instead of text: WeChat's template messages, Telegram's places."""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox.telegram_chat import Chat
from bot.sandbox.transcript import Line
from bot.sandbox.wechat_phone import Phone

_ROW = re.compile(r"([^：:]{1,20})[：:]\s*(.+)")
Card = dict[str, Any]


def of_templates(phone: Phone) -> dict[int, Card]:
    """The cards of a follower's chat, by the number of their line: what came as a template message."""
    texts = {one.text for one in phone.platform.api.accepted if _is_template(one.call) and one.to == phone.openid}
    return {line.number: _template(line) for line in phone.transcript.lines if line.who == "bot" and line.text in texts}


def of_places(chat: Chat) -> dict[int, Card]:
    """The cards of a chat, by the number of their line: the places that the bot sent."""
    messages = ((line.number, chat.messages.get(line.message_id, {})) for line in chat.transcript.lines)
    return {number: _place(message["venue"]) for number, message in messages if "venue" in message}


def _is_template(call: str) -> bool:
    return call == "message/template/send"


def _template(line: Line) -> Card:
    """The template's own text names its fields: 地点：深圳. What names nothing, such as the first line, is a title."""
    titles, rows = [], []
    for text in line.text.splitlines():
        found = _ROW.fullmatch(text)
        if found:
            rows.append([found[1], found[2]])
        elif text:
            titles.append(text)
    return {"title": " ".join(titles), "rows": rows, "link": line.parts[0].link, "place": None}


def _place(venue: dict[str, Any]) -> Card:
    where = venue["location"]
    return {
        "title": venue["title"],
        "rows": [["", venue["address"]]],
        "link": "",
        "place": [where["latitude"], where["longitude"]],
    }
