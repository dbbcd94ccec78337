"""Migrations: one head, the tables are what the models say, and down is the way back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from exchange.config import ROOT
from exchange.core import schema
from exchange.core.db import db, sqlalchemy_url
from tests.conftest import fresh_database, worker_number

FOLDER = ROOT / "migrations" / "versions"
SHAPES = (
    """SELECT table_name, column_name, data_type, is_nullable, coalesce(column_default, '')
       FROM information_schema.columns WHERE table_schema = 'public'""",
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    """SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
       FROM pg_trigger WHERE NOT tgisinternal""",
    """SELECT proname, pg_get_functiondef(oid)
       FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'""",
    """SELECT table_name, grantee, privilege_type FROM information_schema.table_privileges
       WHERE table_schema = 'public'""",
)


def test_there_is_one_head_and_numbers_have_no_gap() -> None:
    assert len(schema.heads()) == 1
    numbers = sorted(int(path.name[:4]) for path in FOLDER.glob("*.py"))
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", path.name) for path in FOLDER.glob("*.py"))


@pytest.fixture
def connection(worker_id: str) -> Iterator[Connection]:
    """The owner of a migrated database of this test's own."""
    with fresh_database(f"migrations_{worker_number(worker_id)}") as url:
        engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
        with engine.connect() as opened:
            yield opened


def test_the_tables_are_what_the_models_say(connection: Connection) -> None:
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or not (name or "").startswith("event_")

    context = MigrationContext.configure(connection, opts={"include_name": ours})
    assert compare_metadata(context, db.metadata) == []


def test_up_down_up_leaves_nothing_and_brings_all_back(connection: Connection) -> None:
    before = shape(connection)
    connection.commit()
    move(connection, "base")
    left = set(inspect(connection).get_table_names()) - {"alembic_version"}
    assert left == set()
    connection.commit()
    move(connection, "head")
    assert shape(connection) == before


def move(connection: Connection, target: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    (command.downgrade if target == "base" else command.upgrade)(config, target)


def shape(connection: Connection) -> list[tuple[str, ...]]:
    """Tables with columns, constraints, indexes, triggers, functions and rights, as text."""
    rows = (tuple(map(str, row)) for query in SHAPES for row in connection.execute(text(query)))
    return sorted(rows)
