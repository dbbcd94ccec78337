"""All invariants after every test in one question: which of them could say something at all?

On a database as it was migrated no invariant says anything, and nearly all their queries find no
row. Where they find none again, the invariant says again nothing: it sees what it saw. So their
queries are noted once, and asked together by a function of the test process's own database, whose
plan PostgreSQL keeps from test to test; an invariant of which any query finds a row is asked
itself, and it alone decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import Connection, event, text

from exchange.core.db import db
from exchange.core.invariants import INVARIANTS, Check

SUSPECTS: Final = sql.SQL("""
CREATE FUNCTION suspects() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN
  RETURN QUERY SELECT name FROM (VALUES {}) AS asked (name, is_possible) WHERE is_possible;
END $$
""")


class Watch:
    """The queries of all invariants, noted on a database as it was migrated."""

    def __init__(self, owner_url: str) -> None:
        rows = [
            sql.SQL("({}, {})").format(name, _possible(INVARIANTS[name])) for name in INVARIANTS
        ]
        with psycopg.connect(owner_url) as connection:
            connection.execute(SUSPECTS.format(sql.SQL(", ").join(rows)))

    def suspects(self) -> list[str]:
        """The invariants of which a query finds something, in the order of their registration."""
        return list(db.session.scalars(text("SELECT suspects()")))

    def violations(self) -> list[str]:
        """What `exchange.core.invariants.violations` finds now."""
        return [f"{name}: {found}" for name in self.suspects() for found in INVARIANTS[name]()]


def _possible(check: Check) -> sql.SQL:
    """A condition that is false only while the invariant sees what it sees now: no rows."""
    with _queries() as queries:
        assert check() == []
    if not all(queries):
        return sql.SQL("true")
    return sql.SQL(" OR ".join(f"EXISTS ({query})" for query in queries) or "true")


@contextmanager
def _queries() -> Iterator[list[str]]:
    """The queries that are sent inside the block; "" for one that asks about a moment.

    A moment passes, so the same tables may answer it otherwise later.
    """
    seen: list[str] = []

    # Any: what is bound in the query, of whatever type.
    def note(connection: Connection, _cursor: object, query: str, given: Any, *_: object) -> None:
        is_of_a_moment = any(isinstance(value, date) for value in given.values())
        asked = psycopg.ClientCursor(_driver(connection)).mogrify(query, given)
        seen.append("" if is_of_a_moment else asked)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def _driver(connection: Connection) -> psycopg.Connection:
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found
