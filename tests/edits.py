"""The shipped content as it is said, and as an organizer might change it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from bot.content.event import Event
from bot.content.facts import facts, fill
from bot.content.load import load
from bot.content.records import Content
from bot.content.words import LANGUAGES, Language

SHIPPED = Path(__file__).parent.parent / "content"


def sentence(content: Content, key: str, language: Language = "zh", **values: object) -> str:
    """A sentence of texts.toml as the bot says it."""
    filled = {name: str(value) for name, value in values.items()}
    return fill(content.texts[key].of(language), {**content.known[language], **filled})


def with_event(content: Content, **changed: Any) -> Content:
    """The content with other facts in event.toml."""
    event = Event.model_validate({**content.event.model_dump(), **changed})
    known = {language: facts(event, content.texts, None, language, content.agenda.items) for language in LANGUAGES}
    return content.model_copy(update={"event": event, "known": known})


def edited(folder: Path, name: str, *replacements: tuple[str, str]) -> Content:
    """A copy of the content folder in which one file was edited, loaded."""
    copy = folder / "content"
    if not copy.exists():
        shutil.copytree(SHIPPED, copy)
    text = (copy / name).read_text(encoding="utf-8")
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (copy / name).write_text(text, encoding="utf-8")
    return load(copy)
