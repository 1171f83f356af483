"""One row of a platform's table: a request, how it is answered, what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.long.forge import Request
from tests.long.ground import Ground, Picture
from tests.long.wire import Wire

NOTHING, KEPT, ANSWERED = "nothing", "one kept body", "one answered message"


@dataclass(frozen=True)
class Row:
    """One request of the table."""

    name: str
    make: Callable[[], Request]
    status: int
    leaves: str = NOTHING


def refused(name: str, make: Callable[[], Request]) -> Row:
    """A push that must look like every other refused one."""
    return Row(name, make, 403)


def kept(name: str, make: Callable[[], Request]) -> Row:
    """Rightly signed and not understood."""
    return Row(name, make, 200, KEPT)


def answered(name: str, make: Callable[[], Request]) -> Row:
    """A person's message, however odd."""
    return Row(name, make, 200, ANSWERED)


async def look(ground: Ground, wire: Wire, row: Row) -> None:
    """Sends the request of a row, and looks at the answer and at every table."""
    before, alarms = ground.picture(), ground.alarms()
    answer = await row.make().over(wire)
    assert answer.status == row.status, (row.name, answer)
    assert answer.status == 200 or not answer.body, (row.name, answer)
    assert left(before, ground.picture()) == row.leaves, (row.name, answer)
    assert ground.alarms() == alarms, row.name


def left(before: Picture, after: Picture) -> str:
    """What a request left behind."""
    if before == after:
        return NOTHING
    more = {name: after[name][0] - before[name][0] for name in before if after[name][0] != before[name][0]}
    if more == {"kept": 1}:
        return KEPT
    return ANSWERED if more.get("message") == 1 and "kept" not in more else f"other changes: {more}"
