"""Rows in the binary form of COPY: what the database reads is what was written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from exchange.core.db import db
from exchange.leads.rows import copy_values

COLUMNS = ("place", "moment", "name", "data", "secret", "is_good", "id")
TABLE = """CREATE TEMPORARY TABLE copied (place integer, moment timestamptz, name text, data jsonb,
  secret bytea, is_good boolean, id uuid) ON COMMIT DROP"""
ROWS = [
    (1, datetime(2026, 11, 21, 12, 5, 7, 123456, tzinfo=UTC), "plain", {"a": [1, 2.5, True]},
     b"\x00\xff\\", True, UUID(int=7)),
    (-2_147_483_648, datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=5))), "Ёлка \t\n\\N 🎄",
     {'клю"ч': None}, b"", False, UUID(int=(1 << 128) - 1)),
    (2_147_483_647, None, "", [], None, None, None),
]  # fmt: skip


@pytest.fixture
def table(app: Flask) -> None:
    db.session.execute(text(TABLE))


@pytest.mark.usefixtures("table")
def test_the_database_reads_what_was_written() -> None:
    copy_values("copied", COLUMNS, ROWS)
    found = db.session.execute(text("SELECT * FROM copied ORDER BY place = -2147483648, place"))
    read = {row.place: tuple(row) for row in found}
    assert [read[row[0]] for row in ROWS] == ROWS


@pytest.mark.usefixtures("table")
def test_no_rows_are_no_statement() -> None:
    copy_values("copied", COLUMNS, [])
    assert db.session.scalar(text("SELECT count(*) FROM copied")) == 0
