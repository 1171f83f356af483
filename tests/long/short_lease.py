"""A lease of two seconds instead of ten, so that a test of takeovers is short, and bad luck for whoever is thawed."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import bot.lanes
import tests.long.slow_thaw  # noqa: F401
from bot.delivery.lane import Lane

SECONDS = 2.0
bot.lanes.Lane = partial(Lane, lease=timedelta(seconds=SECONDS))  # type: ignore[assignment,misc]
