"""Shows an organizer's letter before it leaves: as one person of each language reads it, by which routes, who is not
reached."""

from __future__ import annotations

from collections.abc import Iterator

from bot.content.words import LANGUAGES, Language
from bot.conversation.state import Letter
from bot.conversation.turn import Turn
from bot.delivery.preview import Preview
from bot.registration.voice import Voice
from bot.store.outbox import DeliveryStatus
from bot.store.tables import Status

_REFERENCE = "7K2M9Q"  # of the person who stands for all where nobody reads a language
_SHOWN = 5  # reasons in a preview: the commands show all


def shown(turn: Turn, letter: Letter, seen: Preview) -> Iterator[str]:
    """The lines of a preview."""
    for language in LANGUAGES:
        if language in letter.texts:
            yield from _read(turn, letter, seen, language)
    yield turn.say("broadcast.people", people=seen.people)
    for route, count in seen.routes.most_common():
        yield turn.say("broadcast.by_route", route=turn.say(f"broadcast.route.{route}"), count=count)
        if rest := seen.rests.get(route):
            until = rest.until.astimezone(turn.content.event.zone)
            yield turn.say("broadcast.rests", until=f"{until:%m-%d %H:%M}", reason=rest.reason)
    for name, why in seen.off.items():
        yield turn.say("broadcast.off", name=name, reason=why)
    if seen.windows:
        until = seen.windows[0].astimezone(turn.content.event.zone)
        yield turn.say("broadcast.windows", until=f"{until:%m-%d %H:%M}")
    for (status, reason), count in seen.reasons.most_common(_SHOWN):
        key = "broadcast.waits" if status == DeliveryStatus.WAITING else "broadcast.not_reached"
        yield turn.say(key, count=count, reason=reason)


def _read(turn: Turn, letter: Letter, seen: Preview, language: Language) -> Iterator[str]:
    """One text as somebody who gets it will read it: their name, and what is known of the event by now."""
    person = seen.samples.get(language)
    name = person.name if person else turn.content.texts["broadcast.example_name"].of(language)
    reference = (person and person.reference) or f"{turn.content.event.reference_prefix}-{_REFERENCE}"
    seated = person is not None and person.status == Status.CONFIRMED
    voice = Voice(turn.content, turn.venue, language, name, reference, seated)
    yield turn.say("broadcast.preview", language=turn.say(f"broadcast.language.{language}"), name=name)
    left, right = '""' if turn.language == "en" else "「」"
    yield f"{left}{voice.fill(letter.texts[language]['text'])}{right}"
