"""Commands about the people who registered: export, decide, erase."""

from __future__ import annotations

import sys
from contextlib import closing
from itertools import chain
from pathlib import Path

import click

from bot.cli.group import read_settings, show, usher, write
from bot.clock import Clock


@usher.command()
@click.option("--format", "form", default="jsonl", type=click.Choice(["jsonl", "csv", "xlsx"]), show_default=True)
@click.option(
    "-o", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of standard output."
)
@click.option("--where", default="", help="A filter such as 'status=confirmed category=factory'.")
def registrations(form: str, file: Path | None, where: str) -> None:
    """Exports the registrations."""
    from bot.commands import people

    if form == "xlsx" and file is None and sys.stdout.isatty():
        raise click.UsageError("expected -o FILE for xlsx")
    with closing(people.registrations(read_settings(), form, where)) as pieces:
        first = next(pieces, b"")  # what is wrong with settings or filter shows before a file is opened
        write(chain((first,), pieces), file)


@usher.command()
@click.argument("references", nargs=-1, metavar="REF...")
@click.option("--all-pending", is_flag=True, help="Everybody who waits for a decision, in order of registration.")
def confirm(references: tuple[str, ...], all_pending: bool) -> None:
    """Gives people a seat; they are told."""
    from bot.commands import deciding

    if bool(references) == all_pending:
        raise click.UsageError("expected references or --all-pending, one of them")
    settings = read_settings()
    clock = Clock(settings.now)
    if references:
        show(deciding.confirm(settings, clock, references))
    else:
        decided = list(deciding.confirm_all_pending(settings, clock))
        show(decided or ["nobody waits for a decision"])


@usher.command()
@click.argument("references", nargs=-1, required=True, metavar="REF...")
def decline(references: tuple[str, ...]) -> None:
    """Says no to people; they are told."""
    from bot.commands import deciding

    settings = read_settings()
    show(deciding.decline(settings, Clock(settings.now), references))


@usher.command()
@click.argument("reference")
def forget(reference: str) -> None:
    """Erases one person's data and prints a receipt."""
    from bot.commands import people

    settings = read_settings()
    receipt, when = people.forget(settings, Clock(settings.now), reference)
    erased = ", ".join(f"{count} {name}" for name, count in receipt.rows.items())
    click.echo(f"erased: {erased}\nreceipt {receipt.id}, {when}")
