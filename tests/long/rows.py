"""One row of a platform's table: a request, how it is answered, what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.long.forge import Request

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
