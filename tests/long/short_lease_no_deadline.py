"""The same with a fault put in: what was taken up leaves, whoever holds the lane by then."""

from __future__ import annotations

import tests.long.short_lease
import tests.long.without_deadline  # noqa: F401
