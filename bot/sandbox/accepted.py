"""What a platform took from the bot, for whoever wants to know when it came and whether it came twice."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

KEPT = 200_000  # messages; the newest


@dataclass(frozen=True, slots=True)
class Accepted:
    """One message that a platform took."""

    at: float  # when the request came, by seconds()
    to: str  # openid, chat id
    call: str  # message/custom/send, sendmessage ...
    text: str  # as the person sees it
    key: str = ""  # client_msg_id (WeChat), message_id (Telegram)
    reply: bool = False  # Telegram: an answer to what the person had just done


def log() -> deque[Accepted]:
    """A log, the oldest first."""
    return deque(maxlen=KEPT)
