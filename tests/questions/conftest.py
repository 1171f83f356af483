"""Talks share one database of each kind."""

from tests.emptied import database, kept_open

__all__ = ["database", "kept_open"]
