"""Runs migrations on the connection which bot.store.migrate hands over."""

from alembic import context
from sqlmodel import SQLModel

from bot.store import outbox, tables

assert tables.Contact.metadata is outbox.Lane.metadata is SQLModel.metadata
context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
with context.begin_transaction():
    context.run_migrations()
