"""What many tests begin with is made once by the verbs; later tests get the same rows again.

A recording holds every row that was written, as JSON by table. It is played only into a database
that stands as the first one stood, so it never hides what a verb does: the first test of each
process runs them.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Table, text

from exchange.core.db import db

Rows = dict[str, str]  # JSON arrays by table

_recordings: dict[str, Rows] = {}


def play(name: str, make: Callable[[], object]) -> None:
    """Write what `make` writes, by its verbs the first time and as rows from then on."""
    db.session.flush()
    if name in _recordings:
        _insert(_recordings[name])
        return
    before = {table.name: _identities(table) for table in _tables()}
    make()
    db.session.flush()
    _recordings[name] = _written_since(before)
    assert _recordings[name], f"{name} writes nothing"


def _tables() -> list[Table]:
    """Parents before children."""
    return list(db.metadata.sorted_tables)


def _identities(table: Table) -> set[str]:
    return set(db.session.scalars(text(f'SELECT t::text FROM "{table.name}" t')))


def _written_since(before: dict[str, set[str]]) -> Rows:
    rows: Rows = {}
    for table in _tables():
        # A row that was there and was changed would be lost: recordings only add.
        assert before[table.name] <= _identities(table), f"{table.name} was changed"
        written = db.session.scalar(
            text(
                f'SELECT json_agg(t)::text FROM "{table.name}" t WHERE NOT t::text = ANY(:before)'
            ),
            {"before": list(before[table.name])},
        )
        if written:
            rows[table.name] = written
    return rows


def _insert(rows: Rows) -> None:
    """All tables in one statement, at whose end their references are looked at."""
    parts = ", ".join(
        f'"of_{table}" AS (INSERT INTO "{table}" SELECT * FROM json_populate_recordset('
        f'NULL::"{table}", CAST(:{table} AS json)))'
        for table in rows
    )
    db.session.execute(text(f"WITH {parts} SELECT 1"), rows)
