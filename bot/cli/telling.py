"""Commands that tell people something, and show what became of it: plan, venue, broadcast, deliveries, calls."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import click

from bot.cli.group import read_settings, show, usher, write
from bot.clock import Clock


class Moment(click.ParamType[datetime]):
    """An ISO time with its offset."""

    name = "ISO time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware time that was typed."""
        expected = f"{value!r}: expected a time with its offset such as 2019-10-20T10:00:00+08:00"
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(expected, param, ctx)
        if moment.tzinfo is None:
            self.fail(expected, param, ctx)
        return moment


@usher.command()
@click.option("--json", "as_json", is_flag=True)
def plan(as_json: bool) -> None:
    """Every reminder: when, to how many, and where it stands."""
    from bot.commands import telling

    settings = read_settings()
    rows = telling.plan(settings, Clock(settings.now))
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['id']}: {row['due_at'] or 'after each draft'}, {row['audience']} people now, {row['state']}")


@usher.group()
def venue() -> None:
    """Where the event takes place."""


@venue.command("set")
@click.option("--name-zh", required=True)
@click.option("--name-en", required=True)
@click.option("--address-zh", required=True)
@click.option("--address-en", required=True)
@click.option("--lat", "latitude", required=True, type=float, help="Degrees, north is positive.")
@click.option("--lon", "longitude", required=True, type=float, help="Degrees, east is positive.")
@click.option("--directions-zh", default="")
@click.option("--directions-en", default="")
def set_venue(**details: Any) -> None:
    """Publishes the venue: every answer uses it from then on."""
    from bot.commands import telling
    from bot.registration.venue import Details

    settings = read_settings()
    published = telling.publish_venue(settings, Clock(settings.now), Details(**details))
    click.echo(f"published: {published.name.zh} / {published.name.en}")
    click.echo("to tell the confirmed: usher broadcast --venue --zh TEXT --en TEXT")


@usher.command()
@click.option("--zh", required=True, help="The text for who reads Chinese.")
@click.option("--en", required=True, help="The text for who reads English.")
@click.option(
    "--venue", "with_venue", is_flag=True, help="With the venue; to the confirmed if --where names no status."
)
@click.option("--where", default="", help="A filter such as 'status=confirmed category=factory'.")
@click.option(
    "--at", type=Moment(), help="Not before this time, such as 2019-10-20T10:00:00+08:00; at most 400 days ahead."
)
@click.option("--dry-run", is_flag=True, help="Show who is reached by which route, and who is not; send nothing.")
@click.option("--again", is_flag=True, help="Also if the same was announced within 10 minutes.")
def broadcast(zh: str, en: str, with_venue: bool, where: str, at: datetime | None, dry_run: bool, again: bool) -> None:
    """Announces something to everybody a filter means; prints the announcement's id."""
    from bot.commands import telling

    settings = read_settings()
    said = telling.Broadcast(zh, en, where, with_venue, at)
    if dry_run:
        show(telling.look_ahead(settings, Clock(settings.now), said))
    else:
        click.echo(telling.broadcast(settings, Clock(settings.now), said, again=again))


@usher.command()
@click.option("--format", "form", default="jsonl", type=click.Choice(["jsonl"]), show_default=True)
@click.option("--announcement", help="Only those of one announcement.")
def deliveries(form: str, announcement: str | None) -> None:
    """What became of each message: one line a recipient and way."""
    from bot.commands import telling

    settings = read_settings()
    with closing(telling.deliveries(settings, announcement)) as lines:
        show(lines)
    if announcement and (note := telling.scheduled(settings, Clock(settings.now), announcement)):
        click.echo(note, err=True)


@usher.command()
@click.option(
    "-o", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of standard output."
)
def calls(file: Path | None) -> None:
    """The call list, as CSV: everybody whom no route reaches for what is due."""
    from bot.commands import telling

    settings = read_settings()
    lines = telling.calls(settings, Clock(settings.now))
    first = next(lines, b"")  # what is wrong with the settings shows before a file is opened
    write(chain((first,), lines), file)
