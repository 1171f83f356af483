"""What an organizer reads when somebody asked for a person: who it is, what they said, how to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.message import Choice, Reply
from bot.registration.voice import Voice
from bot.store.outbox import CLOSE


def passed_on(say: Voice, note: str, about: Mapping[str, Any], text: str) -> Reply:
    """The message in the organizer's language. `about`: {"who", "channel", "language"}, without phone and e-mail."""
    who = about.get("who") or say("handoff.somebody")
    channel = say("handoff.on_wechat" if about.get("channel") == "wechat" else "handoff.on_telegram")
    language = say("handoff.reads_en" if about.get("language") == "en" else "handoff.reads_zh")
    words = say("handoff.note", who=who, channel=channel, language=language, text=text)
    close = say("handoff.close")
    return Reply(words, choices=(Choice(close, close, f"{CLOSE}{note}"),))
