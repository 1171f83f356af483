"""What a button remembers: its callback data, at most 64 bytes, with the version of this format first.

`1:TAG` is a choice that answers a certain question, `1=TEXT` plain words, and `1#DIGEST` stands for what is too long:
then the label on the button says it.
"""

from __future__ import annotations

import hashlib
import re

from bot.message import Choice

MOST_BYTES = 64  # https://core.telegram.org/bots/api#inlinekeyboardbutton
STALE = "?"  # the tag of a button that nobody knows any more: the core answers that it is an old one
_DIGEST = re.compile(r"[0-9a-f]{16}")


def write_data(choice: Choice) -> str:
    """The callback data of a choice."""
    text = choice.text or choice.label
    data = f"1:{choice.tag}" if choice.tag else f"1={text}"
    if len(data.encode()) <= MOST_BYTES:
        return data
    whole = "\0".join((choice.tag, text))
    return f"1#{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


def read_data(data: object, label: str) -> tuple[str, str]:
    """The tag and the text of a pressed button, given what is printed on it ("" where that is not known)."""
    if not isinstance(data, str) or len(data.encode("utf-8", "replace")) > MOST_BYTES:
        return STALE, label
    form, rest = data[:2], data[2:]
    if form == "1:" and rest:
        return rest, label or rest
    if form == "1=" and rest:
        return "", rest
    if form == "1#" and _DIGEST.fullmatch(rest) and label:
        return "", label
    return STALE, label
