"""What the commands do, over the services: read, print, write; each a few lines."""

from __future__ import annotations

from bot.settings import Settings
from bot.store.database import Database
from bot.store.migrate import migrate


def opened(settings: Settings) -> Database:
    """The database of the settings, with the newest tables."""
    database = Database(settings.database_url)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return database
