"""The page of charts of quality, and each of its tables as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from flask import Response

from exchange.admin import queries
from exchange.admin.queries import Narrowed
from exchange.admin.schemas import ChartQuery
from exchange.admin.views.blueprint import blueprint
from exchange.catalog import queries as catalog
from exchange.core.db import get, parse_id
from exchange.core.errors import NotFound
from exchange.core.web import download, load_query, render
from exchange.identity.access import requires
from exchange.identity.permissions import Permission
from exchange.leads.models import Source
from exchange.leads.problems import defused
from exchange.verification.models import OutcomeClass

ROWS_OF_FILE: Final = 5_000
Row = Sequence[Any]  # Any: what a cell is written from


@blueprint.get("/quality/charts")
@requires(Permission.BATCH_REVIEW)
def charts() -> Response:
    asked = load_query(ChartQuery())
    narrowed, source = _narrowed(asked)
    return render(
        "admin/quality/charts.html",
        block="results",
        asked={name: value for name, value in asked.items() if value},
        verticals=catalog.verticals(with_paused=True),
        source=source,
        classes=list(OutcomeClass),
        control=queries.control(narrowed),
        compared=queries.compared(narrowed),
        agreement=queries.agreement(narrowed),
        bad_reasons=queries.bad_reasons(narrowed),
        return_reasons=queries.return_reasons(narrowed),
        ranked=queries.ranked(narrowed),
    )


@blueprint.get("/quality/charts/<table>.csv")
@requires(Permission.BATCH_REVIEW)
def chart_file(table: str) -> Response:
    if table not in TABLES:
        raise NotFound
    head, rows = TABLES[table]
    narrowed, _ = _narrowed(load_query(ChartQuery()))
    return download(_lines([head, *rows(narrowed)]), name=f"quality-{table}.csv")


def _narrowed(asked: dict[str, Any]) -> tuple[Narrowed, Source | None]:  # Any: as loaded
    """What was asked for by its names in the address. Raises NotFound."""
    vertical = catalog.get_vertical(asked["vertical"]) if asked["vertical"] else None
    source = get(Source, parse_id(asked["source"], Source)) if asked["source"] else None
    ids = (vertical.id if vertical else None, source.id if source else None)
    return Narrowed(*ids), source


def _control(narrowed: Narrowed) -> Iterator[Row]:
    found = queries.control(narrowed)
    for lot in found.lots if found else ():
        band = (lot.limits.lower, lot.limits.upper)
        decided = lot.decided_at.isoformat()
        yield lot.name, lot.seller, decided, lot.n, lot.bad, *band, not lot.is_ordinary


def _compared(narrowed: Narrowed) -> Iterator[Row]:
    for one in queries.compared(narrowed, limit=ROWS_OF_FILE):
        band = (one.bounds.lower, one.bounds.upper) if one.bounds else ("", "")
        yield (
            *(one.seller, one.source, one.checked, one.bad, *band),
            *(one.sold, one.returned, one.p_value, one.is_diverging),
        )


def _agreement(narrowed: Narrowed) -> Iterator[Row]:
    counts = queries.agreement(narrowed).counts
    for first in OutcomeClass:
        yield first.value, *(counts.get((first, second), 0) for second in OutcomeClass)


def _ranked(narrowed: Narrowed) -> Iterator[Row]:
    for one in queries.ranked(narrowed, limit=ROWS_OF_FILE):
        found = one.standing
        yield (
            *(one.seller, one.source, found.mean, found.lower, found.upper),
            *(found.n_effective, found.is_new, found.reserve_bps, found.reserve_days),
        )


def _lines(rows: Iterable[Row]) -> Iterator[bytes]:
    for row in rows:
        text = io.StringIO()
        csv.writer(text).writerow([defused(str(cell)) for cell in row])
        yield text.getvalue().encode()


# Names of columns are for programs: they stay as they are in every language.
TABLES: Final[dict[str, tuple[Row, Callable[[Narrowed], Iterable[Row]]]]] = {
    "control": (
        ("lot", "seller", "decided_at", "n", "bad", "bad_least", "bad_most", "outside"),
        _control,
    ),
    "compared": (
        (
            *("seller", "source", "checked", "bad", "bad_lower", "bad_upper"),
            *("sold", "returned", "p_value", "diverging"),
        ),
        _compared,
    ),
    "agreement": (("first", *(f"second_{found}" for found in OutcomeClass)), _agreement),
    "bad-reasons": (("outcome", "people"), queries.bad_reasons),
    "return-reasons": (("reason", "returns"), queries.return_reasons),
    "sources": (
        (
            *("seller", "source", "mean", "lower", "upper"),
            *("n_effective", "new", "reserve_bps", "reserve_days"),
        ),
        _ranked,
    ),
}
