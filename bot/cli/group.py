"""The group of commands, and what they share: settings, lines to standard output, pieces to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from bot.errors import UsherError
from bot.settings import Settings, read

_ENV_FILE = Path(".env")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="usher-bot")
def usher() -> None:
    """Usher: registration and questions for an event, inside WeChat and Telegram."""


def read_settings() -> Settings:
    """The settings of the environment and of `.env`. Raises WrongSetting."""
    return read(env_file=_ENV_FILE)


def show(lines: Iterable[Any], *, flush: bool = False) -> None:
    """Prints lines as they come."""
    for line in lines:
        click.echo(line)
        if flush:
            sys.stdout.flush()


def private(path: str, flags: int) -> int:
    """Opens a file which, if it is new, nobody else on this machine may read: it holds names and phones."""
    return os.open(path, flags, 0o600)


def write(pieces: Iterable[bytes], file: Path | None) -> None:
    """Writes to a file, or to standard output. Raises UsherError if it cannot be written."""
    if file is None:
        sys.stdout.buffer.writelines(pieces)
        sys.stdout.buffer.flush()
        return
    try:
        with open(file, "wb", opener=private) as out:
            out.writelines(pieces)
    except OSError as error:
        raise UsherError(f"{file}: cannot be written ({error.strerror})") from None
