"""A fault put in: a sender that does not ask whether the lane is still its own once it has taken something up."""

from __future__ import annotations

import tests.long.slow_thaw  # noqa: F401  # and it cannot hear that the lane is lost
from bot.delivery.sender import Sender

Sender._may_begin = lambda *_: True
Sender.ground = lambda _: None
