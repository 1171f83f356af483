"""Commands that run Usher or look at it: demo, serve, check, ask, status, backup."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from bot import logs
from bot.cli.group import read_settings, show, usher
from bot.errors import UsherError

_CONTENT = click.option("--content", type=click.Path(path_type=Path), help="The content folder.")


@usher.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def demo(port: int) -> None:
    """Everything on this machine, with two phones to try it: prints one address to open."""
    _starting()
    from bot.demo import demo as demonstrate
    from bot.serve import run

    logs.start("text")
    run(demonstrate(os.environ, port))


@usher.command()
def serve() -> None:
    """Production: channels, health, metrics. SIGTERM drains."""
    _starting()
    from bot.app import Usher
    from bot.clock import Clock
    from bot.serve import run
    from bot.serve import serve as serving

    settings = read_settings()
    logs.start(settings.log)

    async def main() -> None:
        await serving(Usher(settings, Clock(settings.now)))

    run(main())


@usher.command()
@_CONTENT
@click.option("--answers", is_flag=True, help="Report how well each entry is found.")
def check(content: Path | None, answers: bool) -> None:
    """Lints the content: one line a fault."""
    from bot.commands import content as contents

    settings = read_settings()
    faults = contents.check(settings, content)
    for fault in faults:
        click.echo(str(fault))
    if faults:
        raise UsherError(f"{len(faults)} fault(s) in the content")
    if answers:
        show(contents.answers_report(settings, content))
    else:
        click.echo("the content is sound")


@usher.command()
@click.argument("text", required=False)
@click.option("--lang", type=click.Choice(["zh", "en"]), help="The language of the answer.")
@click.option("--jsonl", is_flag=True, help="Questions as JSON lines on standard input.")
def ask(text: str | None, lang: str | None, jsonl: bool) -> None:
    """What would the bot answer?"""
    from bot.answers.cache import matcher_of
    from bot.commands import content as contents
    from bot.content.load import load

    if bool(text) == jsonl:
        raise click.UsageError("expected TEXT or --jsonl, one of them")
    settings = read_settings()
    content = load(settings.content_folder())
    matcher = matcher_of(content, settings.cache_folder())
    if jsonl:
        show(contents.asked_lines(contents.Asker(content, matcher), iter(sys.stdin)), flush=True)
    else:
        asker = contents.Asker(content, matcher, contents.published_venue(settings))
        click.echo(asker.sentence(text or "", lang))


@usher.command()
@click.option("--json", "as_json", is_flag=True)
def status(as_json: bool) -> None:
    """How things stand: registrations, deliveries, lanes, content."""
    from bot.commands import state

    facts = state.status(read_settings())
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for name, value in facts.items():
        rows = value if isinstance(value, list) else [value]
        shown = ("; " if name in ("lanes", "broadcasts") else ", ").join(_in_words(row) for row in rows)
        click.echo(f"{name}: {shown or 'none'}")


def _in_words(value: Any) -> str:
    """What is not zero and not empty of it."""
    if not isinstance(value, dict):
        return str(value) if value else ""
    parts = {name: "; ".join(map(str, part)) if isinstance(part, list) else part for name, part in value.items()}
    return ", ".join(f"{name} {part}" for name, part in parts.items() if part or part == 0)


@usher.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """A consistent copy of the SQLite database, also while it is served."""
    from bot.commands import state

    state.backup(read_settings(), file)
    click.echo(f"copied to {file}")


def _starting() -> None:
    """Until it serves, SIGTERM ends it at once: nothing was acknowledged yet.

    And nobody looks for garbage until then: there is none among modules, and it takes a fifth of the start.
    """
    gc.disable()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
