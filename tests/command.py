"""Runs `usher` as people and scripts do, as a process of its own, or in this one, which is quicker."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import cli
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.trained import trained

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Here = Callable[..., Ended]


def outside() -> dict[str, str]:
    """The environment of a process in which nothing of ours is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("USHER_")}
    return {**kept, "PYTHONPATH": str(ROOT)}


def usher(folder: Path, *words: str, stdin: bytes = b"", **settings: str) -> Ended:
    """Runs a command as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", *words],
        input=stdin,
        capture_output=True,
        cwd=folder,
        env=outside() | {f"USHER_{name}": value for name, value in settings.items()},
        timeout=60,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def in_this_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str, **settings: str
) -> Ended:
    """Runs a command here. Not for `serve` and `demo`: they start the log."""
    for place in ("bot.answers.cache", "bot.commands.content"):
        monkeypatch.setattr(f"{place}.matcher_of", trained)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["usher", *words])
    for name, value in settings.items():
        monkeypatch.setenv(f"USHER_{name}", value)
    code = 0
    try:
        cli.main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    return Ended(code, *capsys.readouterr())


def new_database(folder: Path, name: str = "usher.db") -> None:
    """The database that `serve` makes, empty: commands make none."""
    database = Database(f"sqlite:///{folder / name}")
    migrate(database)
    database.close()


@contextlib.contextmanager
def writing(file: Path) -> Iterator[sqlite3.Connection]:
    """Somebody in the middle of a write, who holds the database."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        yield writer
        if writer.in_transaction:
            writer.execute("ROLLBACK")
