"""A house of the bench's own, and copies of its rows by the thousand.

Rows are copied by the database from rows that the verbs wrote, so a copy has every column as the
product fills it, whatever columns a table has.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
from flask import Flask
from psycopg import sql

from bench.harness import servers, settings
from exchange.app import create_app
from exchange.config import Settings
from exchange.core import schema
from exchange.core.db import db
from tests.cast import Cast, make_cast


@dataclass(frozen=True, slots=True)
class Stage:
    """An instance with everybody that the stories need, its application at hand."""

    settings: Settings
    app: Flask
    cast: Cast

    @property
    def owner(self) -> str:
        """The address of its database as the owner of the tables."""
        return self.settings.database_url


@contextmanager
def stage() -> Iterator[Stage]:
    """A new instance for the length of the block, with its servers."""
    with servers() as running, tempfile.TemporaryDirectory() as folder:
        wanted = settings(running.database_url, running.redis_url, Path(folder))
        schema.migrate(wanted.database_url, instance="sandbox")
        app = create_app(wanted)
        with app.app_context():
            yield Stage(wanted, app, make_cast())
            close(app)


def close(app: Flask) -> None:
    """Give back what an application holds of the servers."""
    db.session.remove()
    db.engine.dispose()
    app.extensions["redis"].close()


def copy(
    connection: psycopg.Connection, table: str, *, of: UUID, times: int, changed: dict[str, str]
) -> None:
    """Copy a row so often; `changed` are columns as SQL over the copy's number `n`, from 1."""
    pairs = [
        sql.SQL("{}, {}").format(sql.Literal(column), sql.SQL(value))
        for column, value in changed.items()
    ]
    statement = sql.SQL(
        "INSERT INTO {table} SELECT made.* FROM {table} AS original, generate_series(1, {times})"
        " AS n, LATERAL jsonb_populate_record(original, jsonb_build_object({pairs})) AS made"
        " WHERE original.id = {of}"
    )
    parts = {
        "table": sql.Identifier(table),
        "times": sql.Literal(times),
        "pairs": sql.SQL(", ").join(pairs),
        "of": sql.Literal(of),
    }
    connection.execute(statement.format(**parts))


@contextmanager
def owned(address: str) -> Iterator[psycopg.Connection]:
    """The owner's connection for copying: without triggers and checks of foreign keys."""
    with psycopg.connect(address) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def numbered(kind: int, number: str = "n") -> str:
    """SQL of the id of a numbered copy, rising as the product's ids do; `kind` keeps them apart."""
    return f"('0199{kind:04x}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"
