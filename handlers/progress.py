"""进度: how far broadcasts are, each with its own buttons: hold it, go on, stop it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.conversation.prompt import short
from bot.conversation.router import Router
from bot.conversation.turn import Turn
from bot.delivery import announcements, report
from bot.delivery.report import Progress
from bot.message import Choice, Reply
from bot.store.outbox import DeliveryStatus, Kind, State

router = Router()


@router.on("进度", "progress", organizers=True)
def progress(turn: Turn) -> Reply:
    """Everything that is not over, whoever began it and from wherever; else the last one."""
    found = report.under_way(turn.session)
    if not found:
        last = report.last_broadcast(turn.session)
        if last is None:
            return Reply(turn.say("broadcast.none"))
        found = [last]
    return Reply(described(turn, found), choices=steering(turn, found))


@router.tag("sent", organizers=True)
def steered(turn: Turn) -> Reply:
    """Holds, goes on or stops: all of it in this turn, so that what the organizer reads is so.

    The button names its broadcast, so that it works whatever was said since. It comes from outside: what it names is
    looked up.
    """
    _, what, name = (*turn.tag, "", "")[:3]
    try:
        before = report.progress(turn.session, name)
    except announcements.NoSuchAnnouncement:
        return Reply(turn.say("stale"))
    if before.kind != Kind.BROADCAST:
        return Reply(turn.say("stale"))
    if not before.is_over or (what == "stop" and before.counts[DeliveryStatus.WAITING]):
        _steer(turn, name, what)
    seen = report.progress(turn.session, name)
    goes_on = what == "resume" and before.state == State.PAUSED
    note = turn.say("broadcast.goes_on", id=name) if goes_on else ""
    return Reply("\n".join(filter(None, (note, described(turn, [seen])))), choices=steering(turn, [seen], alone=True))


def described(turn: Turn, found: Sequence[Progress]) -> str:
    """How far each of them is."""
    return "\n".join(line for seen in found for line in _lines(turn, seen))


def steering(turn: Turn, found: Sequence[Progress], *, alone: bool = False) -> tuple[Choice, ...]:
    """What an organizer may do with each of them now. `alone`: the others are not on the screen."""
    alone = alone or len(found) == 1
    rows = [(seen, name) for seen in found for name in _possible(turn, seen)]
    choices = [_choice(turn, name, seen.id, named=not alone) for seen, name in rows]
    look = Choice(turn.say("broadcast.progress"), "progress" if turn.language == "en" else "进度")
    return (look, *choices) if alone else tuple(choices)


def _lines(turn: Turn, seen: Progress) -> Iterator[str]:
    texts = seen.texts.get(turn.language) or next(iter(seen.texts.values()), {})
    beginning = short(" ".join(texts.get("text", "").split()))
    if seen.scheduled(turn.now):
        at = seen.due_at.astimezone(turn.content.event.zone)
        yield turn.say("broadcast.state.scheduled", id=seen.id, text=beginning, at=f"{at:%m-%d %H:%M}")
    else:
        key = f"broadcast.state.{seen.state}"
        yield turn.say(key, id=seen.id, text=beginning, done=seen.done, total=seen.total)
    for status, count in seen.counts.items():
        if count:
            yield turn.say("broadcast.count", status=turn.say(f"broadcast.status.{status}"), count=count)


def _possible(turn: Turn, seen: Progress) -> tuple[str, ...]:
    if seen.is_over:
        return ()
    if seen.scheduled(turn.now):
        return ("stop",)
    return ("resume", "stop") if seen.state == State.PAUSED else ("pause", "stop")


def _choice(turn: Turn, what: str, name: str, *, named: bool = False) -> Choice:
    label = turn.say(f"broadcast.{what}")
    label = f"{label} {name}" if named else label
    return Choice(label, label, f"sent.{what}.{name}")


def _steer(turn: Turn, name: str, what: str) -> None:
    if what in ("pause", "stop"):
        step = announcements.pause if what == "pause" else announcements.stop
        while step(turn.connection, name):
            pass
    elif what == "resume":
        while announcements.resume(turn.connection, name, turn.now):
            pass
