"""The `usher` commands: exit 0 on success, 1 on a fault with one line on stderr, 2 on wrong usage."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Iterable
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import click
from sqlalchemy.exc import SQLAlchemyError

from bot import logs
from bot.errors import UsherError
from bot.settings import Settings, WrongSetting, read

_ENV_FILE = Path(".env")
_CONTENT = click.option("--content", type=click.Path(path_type=Path), help="The content folder.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="usher-bot")
def usher() -> None:
    """Usher: registration and questions for an event, inside WeChat and Telegram."""


@usher.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def demo(port: int) -> None:
    """Everything on this machine, with two phones to try it: prints one address to open."""
    _stoppable()
    from bot.demo import demo as demonstrate
    from bot.serve import run

    logs.start("text")
    run(demonstrate(os.environ, port))


@usher.command()
def serve() -> None:
    """Production: channels, health, metrics. SIGTERM drains."""
    _stoppable()
    from bot.app import Usher
    from bot.clock import Clock
    from bot.serve import run
    from bot.serve import serve as serving

    settings = _settings()
    logs.start(settings.log)

    async def main() -> None:
        await serving(Usher(settings, Clock(settings.now)))

    run(main())


@usher.command()
@_CONTENT
@click.option("--answers", is_flag=True, help="Report how well each entry is found.")
def check(content: Path | None, answers: bool) -> None:
    """Lints the content: one line a fault."""
    from bot import commands

    settings = _settings()
    faults = commands.check(settings, content)
    for fault in faults:
        click.echo(str(fault))
    if faults:
        raise UsherError(f"{len(faults)} fault(s) in the content")
    if answers:
        _print(commands.answers_report(settings, content))
    else:
        click.echo("the content is sound")


@usher.command()
@click.argument("text", required=False)
@click.option("--lang", type=click.Choice(["zh", "en"]), help="The language of the answer.")
@click.option("--jsonl", is_flag=True, help="Questions as JSON lines on standard input.")
def ask(text: str | None, lang: str | None, jsonl: bool) -> None:
    """What would the bot answer?"""
    from bot import commands
    from bot.app import matcher_of
    from bot.content.load import load

    if bool(text) == jsonl:
        raise click.UsageError("expected TEXT or --jsonl, one of them")
    content = load(_settings().content_folder())
    asker = commands.Asker(content, matcher_of(content))
    if jsonl:
        _print(commands.asked_lines(asker, iter(sys.stdin)), flush=True)
    else:
        click.echo(asker.sentence(text or "", lang))


@usher.command()
@click.option("--format", "form", default="jsonl", type=click.Choice(["jsonl", "csv", "xlsx"]), show_default=True)
@click.option(
    "-o", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of standard output."
)
@click.option("--where", default="", help="A filter such as 'status=confirmed category=factory'.")
def registrations(form: str, file: Path | None, where: str) -> None:
    """Exports the registrations."""
    from bot import commands

    if form == "xlsx" and file is None and sys.stdout.isatty():
        raise click.UsageError("expected -o FILE for xlsx")
    with closing(commands.registrations(_settings(), form, where)) as pieces:
        first = next(pieces, b"")  # what is wrong with settings or filter shows before a file is opened
        _write(chain((first,), pieces), file)


def _write(pieces: Iterable[bytes], file: Path | None) -> None:
    if file is None:
        sys.stdout.buffer.writelines(pieces)
        sys.stdout.buffer.flush()
        return
    try:
        with file.open("wb") as out:
            out.writelines(pieces)
    except OSError as error:
        raise UsherError(f"{file}: cannot be written ({error.strerror})") from None


@usher.command()
@click.argument("reference")
def forget(reference: str) -> None:
    """Erases one person's data and prints a receipt."""
    from bot import commands
    from bot.clock import Clock

    settings = _settings()
    receipt, when = commands.forget(settings, Clock(settings.now), reference)
    erased = ", ".join(f"{count} {name}" for name, count in receipt.rows.items())
    click.echo(f"erased: {erased}\nreceipt {receipt.id}, {when}")


@usher.command()
@click.option("--json", "as_json", is_flag=True)
def status(as_json: bool) -> None:
    """How things stand: registrations, deliveries, lanes, content."""
    from bot import commands

    facts = commands.status(_settings())
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for name, value in facts.items():
        shown = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else value
        click.echo(f"{name}: {shown or 'none'}")


@usher.command()
@click.option("--json", "as_json", is_flag=True)
def questions(as_json: bool) -> None:
    """What could not be answered, and notes left for a person."""
    from bot import commands

    rows = commands.questions(_settings())
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
    elif rows:
        _print(f"{row['asked_at'][:16]} {row['kind']}: {row['text']}" for row in rows)
    else:
        click.echo("nothing is waiting")


@usher.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """A consistent copy of the SQLite database, also while it is served."""
    from bot import commands

    commands.backup(_settings(), file)
    click.echo(f"copied to {file}")


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
    except (UsherError, WrongSetting) as error:
        _fail("; ".join(str(error).splitlines()))
    except SQLAlchemyError as error:
        _fail(f"the database did not answer: {str(getattr(error, 'orig', error)).splitlines()[0]}")
    except OSError as error:
        _fail(f"{error.filename or ''}: {error.strerror}".lstrip(": "))
    except Exception as error:
        _fail(_unforeseen(error))


def _stoppable() -> None:
    """Until it serves, SIGTERM ends it at once: nothing was acknowledged yet."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


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


def _settings() -> Settings:
    return read(env_file=_ENV_FILE)


def _print(lines: Iterable[Any], *, flush: bool = False) -> None:
    for line in lines:
        click.echo(line)
        if flush:
            sys.stdout.flush()


if __name__ == "__main__":
    main()
