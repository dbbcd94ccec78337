"""Bring a database to the newest migration, as the owner of the tables."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from exchange.config import ROOT
from exchange.core.db import sqlalchemy_url

MIGRATION_LOCK = 7_015_501  # two processes that start together migrate one after the other


def migrate(database_url: str, *, instance: str = "live") -> None:
    """Apply every migration that is missing and write down what this installation is, once."""
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.execute(
            text(
                "INSERT INTO instance (id, kind, clock_offset) VALUES (1, :kind, '0')"
                " ON CONFLICT DO NOTHING"
            ),
            {"kind": instance},
        )
        connection.commit()
    engine.dispose()


def heads() -> list[str]:
    """The newest migrations in the tree; there must be one."""
    return list(ScriptDirectory.from_config(_config()).get_heads())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config
