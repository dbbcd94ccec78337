"""The rows of a draft that need their seller, opened for the seller's own page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from exchange.catalog.fields import LeadFields
from exchange.leads import queries
from exchange.leads.draft_models import ImportRow, RowEnd
from exchange.leads.mapping import ColumnMapping
from exchange.leads.mask import masked_cell
from exchange.leads.models import Import
from exchange.leads.services.fixes import open_row

ROWS_SHOWN: Final = 20
CELLS_SHOWN: Final = 40  # of a row with which no single cell is wrong


class Cell(NamedTuple):
    """One cell that can be corrected: its column, the header of that, what stands there."""

    column: int
    header: str
    text: str
    findings: tuple[str, ...]  # codes


class ProblemRow(NamedTuple):
    """A row with what was found in it and the cells in which to correct it."""

    number: int
    line: int
    outcome: RowEnd
    findings: tuple[tuple[str, str], ...]  # field and code
    cells: tuple[Cell, ...]


class Page(NamedTuple):
    """Some problem rows and the number after which the next ones stand, if there are any."""

    items: tuple[ProblemRow, ...]
    after: int | None


def problem_rows(
    draft: Import, *, field: str = "", code: str = "", after: int = -1, row: int | None = None
) -> Page:
    """The next problem rows, with this finding if one is named, or the one of this number."""
    if row is not None:
        kept = queries.problem_page(draft.id, after=row - 1, limit=1)
        found = [one for one in kept if one.row_number == row]
        return Page(tuple(_opened(draft, found)), None)
    found = list(
        queries.problem_page(draft.id, field=field, code=code, after=after, limit=ROWS_SHOWN + 1)
    )
    shown = found[:ROWS_SHOWN]
    more = shown[-1].row_number if len(found) > ROWS_SHOWN else None
    return Page(tuple(_opened(draft, shown)), more)


def examples(draft: Import, rules: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """For each rule its example's cell, masked where it could be a contact."""  # Any: JSON
    wanted = {rule["example"]: (rule["field"], rule["code"]) for rule in rules if rule["example"]}
    fields = queries.fields_of(draft.schema_id)
    columns = _columns(draft)
    found = {}
    for number, row in queries.import_rows_at(draft.id, wanted.keys()).items():
        cells = open_row(draft, row)
        name, code = wanted[number]
        texts = [cells[at] for at in columns.get(name, ()) if at < len(cells)]
        found[name, code] = " ".join(_shown(fields, name, text) for text in texts)
    return found


def _shown(fields: LeadFields, name: str, text: str) -> str:
    digits = sum(c.isdigit() for c in text)
    could_be_contact = fields.by_name[name].contact or "@" in text or digits > 6
    return masked_cell(text) if could_be_contact else text


def _opened(draft: Import, rows: Iterable[ImportRow]) -> Iterable[ProblemRow]:
    columns, header = _columns(draft), draft.recognition["header"]
    for row in rows:
        findings = tuple((name, code) for name, code in row.findings)
        cells = open_row(draft, row)
        wrong: dict[int, list[str]] = {}
        for name, code in findings:
            for column in columns.get(name, ()):
                wrong.setdefault(column, []).append(code)
        shown = sorted(wrong) or range(min(len(header), CELLS_SHOWN))
        yield ProblemRow(
            row.row_number,
            row.line_number,
            row.outcome,
            findings,
            tuple(
                Cell(at, header[at], cells[at] if at < len(cells) else "", tuple(wrong.get(at, ())))
                for at in shown
            ),
        )


def _columns(draft: Import) -> dict[str, tuple[int, ...]]:
    """The columns of the file in which each field stands."""
    mapping = ColumnMapping.from_settings(draft.mapping)
    virtual = dict(mapping.virtual)
    return {name: virtual.get(name, (index,)) for name, index in mapping.index_by_field.items()}
