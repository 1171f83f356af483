"""The `usher` commands: exit 0 on success, 1 on a fault with one line on stderr, 2 on wrong usage."""

from __future__ import annotations

import io
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy.exc import SQLAlchemyError

from bot.cli import people, questions, running, telling
from bot.cli.group import usher
from bot.errors import BrokenContent, Unavailable, UsherError
from bot.settings import WrongSetting

_NO_TEXT = "the command line holds bytes that are no UTF-8, expected text in UTF-8"
__all__ = ["main", "people", "questions", "running", "telling", "usher"]


def main() -> None:
    """Runs one command; every fault ends as one line."""
    _speak_utf8()
    try:
        usher(prog_name="usher", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped")
    except BrokenPipeError:  # whoever read our output has enough; nothing is left to be said to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except BrokenContent as error:
        more = f" ({len(error.faults) - 1} more: usher check)" if len(error.faults) > 1 else ""
        _fail(f"{error.faults[0]}{more}")
    except Unavailable as error:
        _fail(f"USHER_DATABASE_URL: {error}")
    except (UsherError, WrongSetting) as error:
        _fail("; ".join(str(error).splitlines()))
    except SQLAlchemyError as error:
        _fail(f"USHER_DATABASE_URL: the database did not answer: {str(getattr(error, 'orig', error)).splitlines()[0]}")
    except OSError as error:
        _fail(f"{error.filename or ''}: {error.strerror}".lstrip(": "))
    except UnicodeEncodeError as error:
        _fail(_NO_TEXT if any(map(_broken, sys.argv)) else _unforeseen(error))
    except Exception as error:
        _fail(_unforeseen(error))


def _broken(word: str) -> bool:
    """Whether a word of the command line holds bytes that are no text."""
    return any("\ud800" <= sign <= "\udfff" for sign in word)


def _speak_utf8() -> None:
    """Files and pipes are UTF-8 everywhere. Half a character stays visible: as JSON writes it."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=stream.encoding if stream.isatty() else "utf-8", errors="backslashreplace")


def _unforeseen(error: Exception) -> str:
    """What happened and where; not the message of an error, which may hold what a person wrote."""
    from alembic.util import CommandError

    if isinstance(error, CommandError):
        return f"the database has the tables of another version of Usher ({error})"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"a fault of Usher itself, please report it: {type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
    )


def _fail(line: str) -> NoReturn:
    click.echo(f"usher: {line}", err=True)
    sys.exit(1)
