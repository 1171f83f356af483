"""What a lane knows about what is due: whether there is anything, and behind which place."""

from __future__ import annotations

from bot.clock import seconds
from bot.delivery.due import START, Floor
from bot.delivery.flight import Flown, Orders

_WHOLE = 1.0  # seconds between two looks for what was queued behind our back, at an earlier place


def found_nothing(orders: Orders, flown: Flown) -> bool:
    """Whether everything was looked at, and nothing was due."""
    return orders.room > 0 and orders.floor is START and not flown.found


class Search:
    """Begins each time behind what it found before; see `due.following` for why.

    What is queued again keeps its old place; as does what another lane hands over, and what a process announces whose
    clock is behind. So everything is looked at again each second, and whenever nothing more is found.
    """

    def __init__(self) -> None:
        self.more = False  # whether something may be due
        self._floor = START
        self._whole_at = 0.0

    @property
    def floor(self) -> Floor:
        """Behind which to look now."""
        return self._floor if seconds() < self._whole_at + _WHOLE else START

    def anew(self) -> None:
        """Something was queued, or the lane was taken: everything has to be looked at."""
        self.more, self._floor = True, START

    def note(self, orders: Orders, flown: Flown) -> None:
        """What one flight found."""
        is_whole, is_all = orders.floor is START, flown.found < orders.room
        if is_whole:
            self._whole_at = seconds()
        if orders.known is not None or any(result.keeps_place for result in orders.results):
            self.anew()
            return
        self._floor = START if is_all else flown.floor
        self.more = not (is_whole and is_all)
