"""Customer-service messages: which ones the platform takes, and what the person sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.transcript import Option, Part
from bot.sandbox.wechat_refusal import Refused
from bot.sandbox.wechat_reply import Shown, read_text
from bot.sandbox.wechat_xml import WrongReply


def read_custom(fields: Mapping[str, Any]) -> Shown:
    """A message of the kinds played here, text and msgmenu. Raises Refused."""
    kind = fields.get("msgtype")
    if kind not in ("text", "msgmenu"):
        raise Refused(40008, "invalid message type")
    try:
        return _text(fields) if kind == "text" else _menu_message(fields)
    except WrongReply as error:
        raise Refused(45002 if "bytes" in str(error) else 47001, str(error)) from None


def _text(fields: Mapping[str, Any]) -> Shown:
    text = fields.get("text")
    content = text.get("content") if isinstance(text, dict) else None
    if not isinstance(content, str) or not content.strip():
        raise Refused(44004, "empty content")
    return read_text(content)


def _menu_message(fields: Mapping[str, Any]) -> Shown:
    menu = fields.get("msgmenu")
    rows = menu.get("list") if isinstance(menu, dict) else None
    if not isinstance(menu, dict) or not isinstance(rows, list) or not rows:
        raise Refused(44004, "empty content")
    parts, choices = [Part(str(menu.get("head_content", "")))], []
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not row.get("id") or not row.get("content"):
            raise Refused(47001, "data format error: msgmenu.list")
        choices.append(Option(str(row["content"]), says=str(row["content"]), tag=str(row["id"])))
        parts += [Part("\n"), Part(str(row["content"]), choice=number)]
    tail = str(menu.get("tail_content", ""))
    return Shown((*parts, Part(f"\n{tail}")) if tail else tuple(parts), tuple(choices))
