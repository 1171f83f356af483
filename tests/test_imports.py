"""What `usher serve` does not load before it needs it: each of these is memory for as long as it runs."""

from __future__ import annotations

import subprocess
import sys

from tests.command import outside

# Measured together: 9 MiB of a new installation's memory, 14 of one whose tables are there already.
LATER = ("aiosmtplib", "alembic", "icalendar", "jinja2", "segno", "xlsxwriter")


def test_serve_loads_only_what_every_message_needs() -> None:
    asked = "import sys, bot.app, bot.cli, bot.serve; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, env=outside())
    loaded = done.stdout.decode().split()
    assert "sqlalchemy" in loaded
    assert [name for name in LATER if name in loaded] == []
