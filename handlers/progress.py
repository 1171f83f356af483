"""进度: how far the organizer's last letter is; hold it, go on, stop it."""

from __future__ import annotations

from bot.conversation.router import Router
from bot.conversation.turn import Turn
from bot.delivery import announcements, report
from bot.message import Choice, Reply
from bot.store.outbox import State

router = Router()


@router.on("进度", "progress", organizers=True)
def progress(turn: Turn) -> Reply:
    """How far the last one is."""
    letter = turn.state.letter
    if letter is None or not letter.announcement:
        return Reply(turn.say("broadcast.none"))
    return _progress(turn, letter.announcement)


def steered(turn: Turn, announcement: str, what: str) -> Reply:
    """Holds, goes on or stops: all of it in this turn, so that what the organizer reads is so."""
    if what in ("pause", "stop"):
        step = announcements.pause if what == "pause" else announcements.stop
        while step(turn.connection, announcement):
            pass
    elif what == "resume":
        while announcements.resume(turn.connection, announcement, turn.now):
            pass
    return _progress(turn, announcement)


def _progress(turn: Turn, announcement: str) -> Reply:
    seen = report.progress(turn.session, announcement)
    head = turn.say(f"broadcast.state.{seen.state}", id=seen.id, done=seen.done, total=seen.total)
    counts = (
        turn.say("broadcast.count", status=turn.say(f"broadcast.status.{status}"), count=count)
        for status, count in seen.counts.items()
        if count
    )
    return Reply("\n".join((head, *counts)), choices=steer(turn, State(seen.state), seen.done < seen.total))


def steer(turn: Turn, state: State, unfinished: bool = True) -> tuple[Choice, ...]:
    """What an organizer may do with an announcement now; broadcast.py hands the taps on to `steered`."""
    names = ["progress"]
    if state is State.PAUSED:
        names += ["resume", "stop"]
    elif unfinished and state in (State.PLANNING, State.PLANNED):
        names += ["pause", "stop"]
    return tuple(Choice(turn.say(f"broadcast.{name}"), name, f"letter.{name}") for name in names)
