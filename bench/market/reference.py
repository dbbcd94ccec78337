"""The reference: one SQL query over an index on (vertical, bid) that stops at the first match.

Every condition has a column of its own, NULL where a contract does not ask; the statement is
prepared. What somebody would write who knows PostgreSQL and has no index over criteria.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from bench.market.crowd import CHOICES, FLAGS, NUMBERS
from exchange.catalog.criteria import All, AnyOf, Between, Criteria, In, Is
from exchange.market.contract_index import Entry
from exchange.market.fitting import LeadFacts

SETS: Final = ("regions", "postal_codes", "kinds", "quality_classes")
VERTICAL: Final = 1
# Name, type, and the condition by which a lead meets the column.
COLUMNS: Final = (
    ("regions", "text[]", "%(region)s = ANY (regions)"),
    ("postal_codes", "text[]", "%(postal_code)s = ANY (postal_codes)"),
    ("kinds", "text[]", "%(kind)s = ANY (kinds)"),
    ("quality_classes", "text[]", "%(quality_class)s = ANY (quality_classes)"),
    ("age_max", "float8", "%(age)s <= age_max"),
    ("bad_max", "float8", "%(bad)s <= bad_max"),
    *((name, "text[]", f"%({name})s = ANY ({name})") for name in CHOICES),
    *((f"{name}_low", "int8", f"%({name})s >= {name}_low") for name in NUMBERS),
    *((f"{name}_high", "int8", f"%({name})s <= {name}_high") for name in NUMBERS),
    *((name, "bool", f"%({name})s = {name}") for name in FLAGS),
)
# The one kind of "or" that these contracts have; a range that is open above ends at infinity.
OR: Final = (
    "or_credit IS NULL OR %(credit_rating)s = ANY (or_credit)"
    " OR %(budget)s BETWEEN or_low AND or_high"
)
ENDLESS: Final = 2**62


class Reference:
    """The table of contracts and the query, over a connection of its own."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        columns = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
        self.connection.execute(
            "CREATE TABLE standing (id uuid, vertical int, bid bigint, ranked_at timestamptz,"
            f" or_credit text[], or_low int8, or_high int8, {columns})"
        )
        met = " AND ".join(f"({name} IS NULL OR {condition})" for name, _, condition in COLUMNS)
        self.query = (
            f"SELECT id FROM standing WHERE vertical = {VERTICAL} AND bid >= %(price_min)s"
            f" AND {met} AND ({OR}) ORDER BY bid DESC, ranked_at, id LIMIT 1"
        )

    def add(self, entries: Iterable[Entry]) -> None:
        """Write these contracts and let the planner know of them."""
        names = ["id", "vertical", "bid", "ranked_at", "or_credit", "or_low", "or_high"]
        names += [name for name, _, _ in COLUMNS]
        copy = sql.SQL("COPY standing ({}) FROM STDIN").format(
            sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with self.connection.cursor() as cursor, cursor.copy(copy) as writer:
            for entry in entries:
                row = _row(entry)
                writer.write_row([row.get(name) for name in names])
        self.connection.execute(
            "CREATE INDEX IF NOT EXISTS standing_rank ON standing"
            " (vertical, bid DESC, ranked_at, id)"
        )
        self.connection.execute("VACUUM ANALYZE standing")

    def best(self, facts: LeadFacts, now: datetime) -> UUID | None:
        """The first contract by rank that the lead fits."""
        asked = _asked(facts, now)
        row = self.connection.execute(self.query, asked, prepare=True).fetchone()
        return None if row is None else row[0]


def _row(entry: Entry) -> dict[str, Any]:  # Any: values of many columns
    terms = entry.terms
    row: dict[str, Any] = {
        "id": entry.id, "vertical": VERTICAL, "bid": entry.price, "ranked_at": entry.ranked_at,
        "age_max": terms.age_hours_max and terms.age_hours_max * 3_600.0,
        "bad_max": terms.bad_upper_max_bps,
        **{name: list(map(str, getattr(terms, name))) or None for name in SETS},
    }  # fmt: skip
    for part in _parts(terms.criteria):
        row |= _columns_of(part)
    return row


def _parts(criteria: Criteria) -> Iterator[Criteria]:
    assert isinstance(criteria, All)
    yield from criteria.parts


def _columns_of(part: Criteria) -> dict[str, Any]:  # Any: see _row
    match part:
        case Is(name, value):
            return {name: value}
        case In(name, values):
            return {name: list(values)}
        case Between(name, low, high):
            return {f"{name}_low": low, f"{name}_high": high}
        case AnyOf((Between(_, low, high), In(_, values))):
            end = ENDLESS if high is None else high
            return {"or_low": low, "or_high": end, "or_credit": list(values)}
    raise AssertionError(part)


def _asked(facts: LeadFacts, now: datetime) -> dict[str, Any]:  # Any: see _row
    names = (*CHOICES, *NUMBERS, *FLAGS)
    return {
        "region": facts.region, "postal_code": facts.postal_code, "kind": str(facts.kind),
        "quality_class": str(facts.quality_class), "price_min": facts.price_min,
        "age": (now - facts.requested_at).total_seconds(), "bad": facts.bad_upper * 10_000,
        **{name: facts.attributes.get(name) for name in names},
    }  # fmt: skip
