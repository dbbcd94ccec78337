"""The file of problem rows: what was refused, in the seller's own words, with the reasons.

Of a batch it is a report; of a draft it is a round trip: corrected and sent again, its rows take
the place of those with the same `_row`, in the same draft.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import BinaryIO, Final, NamedTuple
from uuid import UUID

from sqlalchemy import select

from exchange.core.actors import Actor
from exchange.core.db import db, get
from exchange.core.errors import Invalid, NotFound
from exchange.leads import confined, queries
from exchange.leads.draft_models import ImportRow, RowEnd
from exchange.leads.layout import DELIMITERS
from exchange.leads.locking import open_cells
from exchange.leads.models import Batch, Import
from exchange.leads.problems import COLUMNS, ProblemRow, write_problems
from exchange.leads.reading import Recognition, Row
from exchange.leads.services import files, fixes
from exchange.leads.services.fixes import open_checked, write_edits

NUMBER: Final = COLUMNS[0]
NUMBER_DIGITS_MAX: Final = 9
NAMED_MAX: Final = 5  # rows that an error names


class Merged(NamedTuple):
    """How many rows a corrected file had, and how many of them were changed."""

    rows: int
    changed: int


def problem_file(batch_id: UUID) -> Iterator[bytes]:
    """The refused rows of a batch as CSV, in pieces.

    Raises NotFound for a batch that came without a file, Gone once the file was destroyed.
    """
    batch = get(Batch, batch_id)
    if batch.import_id is None:
        raise NotFound
    draft = get(Import, batch.import_id)
    secret = files.secret_of(draft)
    found = (
        ProblemRow(
            row.row_number,
            open_cells(secret, row.locked, batch_id=batch.id, row=row.row_number),
            row.codes,
        )
        for row in queries.problem_rows(batch.id)
    )
    return write_problems(files.recognition(draft).header, found)


def problem_file_of_draft(draft: Import) -> Iterator[bytes]:
    """The rows of a draft that need their seller as CSV, in pieces, as they stand now.

    Separated as the file itself is. Raises Gone once the file was destroyed.
    """
    secret = files.secret_of(draft)
    delimiter = draft.recognition["delimiter"]
    return write_problems(
        files.recognition(draft).header,
        (_problem(secret, row) for row in queries.import_rows(draft.id)),
        delimiter=delimiter if delimiter in DELIMITERS else ",",
    )


def merge_problem_file(*, import_id: UUID, stream: BinaryIO, actor: Actor) -> Merged:
    """Take the rows of a corrected problem file in the place of those with the same number.

    Raises FileReject for a file that cannot be read, and Invalid for one without a column of the
    draft, or with a row that is none of its problem rows or stands there twice; then nothing is
    taken.
    """
    draft = open_checked(import_id)
    sent: dict[int, list[str]] = {}
    for number, cells in _corrected(draft, stream):
        if number in sent:
            raise Invalid(f"Row {number} stands in the file twice.", code="row_repeated")
        if len(sent) >= fixes.EDITS_MAX:
            raise fixes.too_many_edits()
        sent[number] = cells
    _require_known(draft, sent.keys())
    secret, width = files.secret_of(draft), len(draft.recognition["header"])
    changed = (
        (number, sent[number])
        for number, locked in queries.problem_cells(draft.id, sent)
        if _padded(open_cells(secret, locked, batch_id=draft.id, row=number), width) != sent[number]
    )
    return Merged(len(sent), write_edits(draft, changed, actor=actor))


def _problem(secret: bytes, row: ImportRow) -> ProblemRow:
    codes = tuple(dict.fromkeys(code for _, code in row.findings))
    locked = row.edited or row.locked
    cells = open_cells(secret, locked, batch_id=row.import_id, row=row.row_number)
    if row.outcome is RowEnd.IN_REVIEW:
        return ProblemRow(row.row_number, cells, (), codes)
    return ProblemRow(row.row_number, cells, codes)


def _corrected(draft: Import, stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """The rows of the corrected file: their numbers and their cells in the draft's columns."""
    with files.set_aside(stream) as stored:
        found = _recognised(draft, stored)
        number_at, columns = _columns(draft, found.header)
        with confined.blocks(stored, found) as blocks:
            for row in files.unpacked(blocks):
                if len(row.cells) > len(found.header):
                    continue  # cells beyond the last column: as they were, so it is no correction
                cells = _padded(row.cells, len(found.header))
                yield _number(cells[number_at], row), [cells[column] for column in columns]


def _number(cell: str, row: Row) -> int:
    number = cell.strip().removesuffix(".0")
    if not number.isdecimal() or len(number) > NUMBER_DIGITS_MAX:
        text = f"In line {row.line} the column {NUMBER} holds no number."
        raise Invalid(text, code="unknown_row")
    return int(number)


def _recognised(draft: Import, stored: confined.StoredFile) -> Recognition:
    """How to read the corrected file: its header is its first row, its encoding must be plain."""
    answers = {"header_row": "1"}
    found = confined.examine(stored, answers=answers)
    asked = next((q for q in found.questions if q.field == "encoding"), None)
    if asked is None:
        return found
    usual = draft.recognition["encoding"]
    if usual not in asked.options:
        text = "The letters of this file can be read in several ways. Save it as CSV UTF-8."
        raise Invalid(text, code="encoding")
    return confined.examine(stored, answers={**answers, "encoding": usual})


def _columns(draft: Import, header: Sequence[str]) -> tuple[int, list[int]]:
    """Where the number and each column of the draft stand. Raises Invalid for a missing one."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(header):
        places[name].append(index)
    missing = [name for name in (NUMBER,) if name not in places]
    number_at = places[NUMBER][-1] if not missing else -1
    columns = []
    for name in draft.recognition["header"]:
        if places[name]:
            columns.append(places[name].pop(0))
        else:
            missing.append(name)
    if missing:
        text = f"The file lacks the column {missing[0]}. Send all columns of the problem file."
        raise Invalid(text, code="missing_column")
    return number_at, columns


def _require_known(draft: Import, numbers: AbstractSet[int]) -> None:
    mine = select(ImportRow.row_number).where(ImportRow.import_id == draft.id)
    known = set(db.session.scalars(mine))
    unknown = sorted(numbers - known)
    if unknown:
        named = ", ".join(map(str, unknown[:NAMED_MAX]))
        text = f"These are no problem rows of this import: {named}."
        raise Invalid(text, code="unknown_row")


def _padded(cells: Sequence[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]
