"""A matcher is trained once for each content: that takes longer than a talk."""

from __future__ import annotations

from bot.answers.matcher import Matcher
from bot.app import matcher_of
from bot.content.records import Content

_TRAINED: dict[str, Matcher] = {}  # by version of the content


def trained(content: Content) -> Matcher:
    """The matcher of a content; the same one each time."""
    if content.version not in _TRAINED:
        _TRAINED[content.version] = matcher_of(content)
    return _TRAINED[content.version]
