"""Alembic's entry: the connection and the metadata are handed in by the program."""

from alembic import context
from sqlalchemy import text

from exchange.app import import_models
from exchange.core.db import db


def include_name(name: str | None, type_: str, _parents: object) -> bool:
    """Partitions of the event log belong to the log."""
    return type_ != "table" or not (name or "").startswith("event_")


import_models()
connection = context.config.attributes["connection"]
connection.execute(text("SET lock_timeout = '5s'"))
connection.commit()
context.configure(
    connection=connection,
    target_metadata=db.metadata,
    include_name=include_name,
    transaction_per_migration=True,
)
context.run_migrations()
connection.commit()
