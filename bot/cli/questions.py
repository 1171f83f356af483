"""Commands about what people asked: what waits for an organizer, and the answer to it."""

from __future__ import annotations

import json

import click

from bot.cli.group import read_settings, show, usher
from bot.clock import Clock


@usher.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def questions(context: click.Context, as_json: bool) -> None:
    """What could not be answered, in groups that ask the same, and notes left for a person."""
    from bot.commands import questions as asked

    if context.invoked_subcommand:
        return
    rows = asked.listed(read_settings())
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
    else:
        show(asked.in_words(rows) if rows else ["nothing is waiting"])


@questions.command()
@click.argument("group")
@click.option("--entry", default="", help="Answer with an entry of the content.")
@click.option("--zh", default="", help="The answer for who reads Chinese.")
@click.option("--en", default="", help="The answer for who reads English.")
@click.option("--id", "entry_id", default="", help="The id of the new entry that --zh and --en become.")
@click.option("--dry-run", is_flag=True, help="Show who is reached and what is written; send and write nothing.")
def answer(group: str, entry: str, zh: str, en: str, entry_id: str, dry_run: bool) -> None:
    """Answers everybody of a group who can be reached, and adds their wordings to the content."""
    from bot.commands import questions as asked

    texts = bool(zh.strip()), bool(en.strip())
    if bool(entry) == any(texts) or (any(texts) and not all(texts)):
        raise click.UsageError("expected --entry ID, or both --zh TEXT and --en TEXT")
    if entry and entry_id:
        raise click.UsageError("expected --id only with --zh and --en: it names a new entry")
    settings = read_settings()
    said = asked.Answer(entry, zh.strip(), en.strip(), entry_id)
    show((asked.look_ahead if dry_run else asked.answer)(settings, Clock(settings.now), group, said))
