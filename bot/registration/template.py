"""The fields of a WeChat template message."""

from __future__ import annotations

from bot.registration.voice import Voice

FIELD = 20  # characters of a field; the platform cuts the rest silently


def fields(say: Voice, short: str) -> dict[str, str]:
    """For a template with the fields thing1, time2, thing3, thing4: the event, its time, its place, what is new.

    The platform names a field by its kind, and takes a time in this form alone, also from those who read English.
    """
    event = say.content.event
    when = f"{event.date.year}年{event.date.month}月{event.date.day}日 {event.starts.hour}:{event.starts.minute:02}"
    where = say.venue.name.of(say.language) if say.venue else event.city.of(say.language)
    return {"thing1": _line(say("ticket.event")), "time2": when, "thing3": _line(where), "thing4": _line(short)}


def _line(text: str) -> str:
    """On one line, and cut where it can be seen."""
    line = " ".join(text.split())
    return line if len(line) <= FIELD else f"{line[: FIELD - 1]}…"
