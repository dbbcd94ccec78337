"""The file of problem rows: original columns, what is wrong with each row, nothing that fires.

A cell that a spreadsheet would run gets an apostrophe in front, and reading takes off exactly
that one: a round trip loses nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

# Signs that start a formula in spreadsheets, in ASCII and full width, and the apostrophe itself,
# without which a cell that begins with one could not be told from a defused cell.
_DANGEROUS: Final = frozenset("=+-@\t\r\n＝＋－＠'")
COLUMNS: Final = ("_row", "_errors", "_warnings")


class ProblemRow(NamedTuple):
    """A row with its number, its cells as they were, its refusals and its warnings as codes."""

    number: int
    cells: Sequence[str]
    errors: Sequence[str]
    warnings: Sequence[str] = ()


def defused(cell: str) -> str:
    """The cell as text that no spreadsheet runs."""
    return f"'{cell}" if cell[:1] in _DANGEROUS else cell


def undefused(cell: str) -> str:
    """What `defused` was given; other cells as they are."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _DANGEROUS else cell


def write_problems(
    header: Sequence[str], rows: Iterable[ProblemRow], *, delimiter: str = ","
) -> Iterator[bytes]:
    """The file in pieces, as UTF-8 with a mark so that spreadsheets read it right.

    Rows have all columns of the header: a short one is filled up, cells beyond it stand behind.
    """
    line = io.StringIO()
    writer = csv.writer(line, delimiter=delimiter, lineterminator="\r\n")
    yield b"\xef\xbb\xbf"
    writer.writerow([*map(defused, header), *COLUMNS])
    yield _taken(line)
    for row in rows:
        cells = [*row.cells, *[""] * (len(header) - len(row.cells))]
        width = len(header)
        findings = (str(row.number), " ".join(row.errors), " ".join(row.warnings))
        writer.writerow(map(defused, (*cells[:width], *findings, *cells[width:])))
        yield _taken(line)


def _taken(line: io.StringIO) -> bytes:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text.encode("utf-8", "replace")
