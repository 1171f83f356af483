"""What the commands do, over the services: read, print, write; each a few lines."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from bot.content.event import Event
from bot.content.load import load_event
from bot.errors import BrokenContent, UsherError
from bot.settings import Settings
from bot.store.database import Database
from bot.store.migrate import migrate


def opened(settings: Settings) -> Database:
    """The database of the settings, with the newest tables. Raises UsherError where there is none: `serve` makes it."""
    database = Database(settings.database_url)
    if database.sqlite and not Path(database.url.database or "").exists():
        raise UsherError(
            f"{database.url.database} does not exist; expected the database that serve uses: USHER_DATABASE_URL"
        )
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def zone_of(settings: Settings) -> ZoneInfo:
    """The event's zone, in which times are shown; UTC while event.toml has faults. As `event_of`."""
    event = event_of(settings)
    return event.zone if event else ZoneInfo("UTC")


def event_of(settings: Settings) -> Event | None:
    """event.toml; None while it has faults: what acts on the database alone goes on.

    Raises BrokenContent if the folder is not there at all: then the setting is wrong.
    """
    folder = settings.content_folder()
    try:
        return load_event(folder)
    except BrokenContent:
        if not folder.is_dir():
            raise
        return None
