"""Verbs that mend a draft: for all rows at once, row by row, or by a corrected problem file.

The file stays as it came; what is mended is applied whenever its rows are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select, text, update

from exchange.catalog import queries as catalog
from exchange.core import events
from exchange.core.actors import Actor
from exchange.core.db import db, get, lock
from exchange.core.errors import Conflict, FieldProblem, Invalid, NotFound
from exchange.leads import queries
from exchange.leads.draft_models import ImportRow, RowEnd
from exchange.leads.examining import Examined, Examiner
from exchange.leads.locking import lock_cells, open_cells
from exchange.leads.models import Batch, Import, ImportStatus
from exchange.leads.reading import Row
from exchange.leads.services import files, forecasts, recipes
from exchange.leads.services.checks import ask_check, findings_of
from exchange.leads.services.forecasts import End
from exchange.leads.services.mending import check_defaults, check_words, together

CELL_MAX = 8_192  # characters, as in a file
EDITS_MAX: Final = 100_000  # rows of one draft; all of them are in memory while its file is read
EDITS_PER_WRITE: Final = 5_000
# Cells travel as one string of bytes and the places in it: an array of them takes a hundred times
# as long.
EDIT: Final = text(
    """
    UPDATE import_row
       SET edited = substring(CAST(:edited AS bytea) FROM sent.start + 1 FOR sent.size),
           is_dropped = FALSE
      FROM unnest(CAST(:numbers AS int[]), CAST(:starts AS int[]), CAST(:sizes AS int[]))
           AS sent (row_number, start, size)
     WHERE import_row.import_id = :import_id AND import_row.row_number = sent.row_number
    """
)


def fill_empty(*, import_id: UUID, defaults: Mapping[str, str], actor: Actor) -> Import:
    """Give the empty cells of these fields one value; an empty value takes it back.

    Raises Invalid for a contact and for a value that is none of its field.
    """
    draft = open_checked(import_id)
    wanted = {**draft.mapping.get("defaults", {}), **defaults}
    definition = catalog.get_definition(queries.vertical_of(draft.vertical_id))
    fields, context = queries.fields_of(draft.schema_id), definition.context()
    found = check_defaults(wanted, fields=fields, context=context)
    _remap(draft, {"defaults": found}, actor=actor)
    return draft


def map_words(*, import_id: UUID, words: Mapping[str, Mapping[str, str]], actor: Actor) -> Import:
    """Say which value of a field each of these words stands for. Raises Invalid for others."""
    draft = open_checked(import_id)
    given = check_words(words, fields=queries.fields_of(draft.schema_id))
    _remap(draft, {"words": together(draft.mapping.get("words", {}), given)}, actor=actor)
    return draft


def drop_rows(*, import_id: UUID, field: str, code: str, actor: Actor) -> int:
    """Leave out every row in which this was found; returns how many. They can be taken back."""
    draft = open_checked(import_id)
    wanted = (
        ImportRow.import_id == draft.id,
        ~ImportRow.is_dropped,
        ImportRow.findings.contains([[field, code]]),
    )
    result = db.session.execute(update(ImportRow).where(*wanted).values(is_dropped=True))
    count: int = result.rowcount  # type: ignore[attr-defined]  # an UPDATE always yields a cursor
    events.record("import.rows_dropped", subject=draft, actor=actor, code=code, count=count)
    ask_check(draft, actor=actor)
    return count


def restore_rows(*, import_id: UUID, actor: Actor) -> Import:
    """Take back every row that was dropped."""
    draft = open_checked(import_id)
    mine = (ImportRow.import_id == draft.id, ImportRow.is_dropped)
    db.session.execute(update(ImportRow).where(*mine).values(is_dropped=False))
    ask_check(draft, actor=actor)
    return draft


def edit_row(
    *, import_id: UUID, row_number: int, cells: Mapping[int, str], actor: Actor
) -> ImportRow:
    """Put other cells, by column, into a problem row and say at once where it would end now.

    Whether it repeats a row further up in the file is known when all rows are checked again.
    Raises NotFound for a row without a problem and Invalid for a cell that cannot be.
    """
    draft = open_checked(import_id)
    row = db.session.get(ImportRow, (draft.id, row_number), with_for_update=True)
    if row is None:
        raise NotFound("This row has no problem.")
    before = open_row(draft, row)
    after = _with_cells(before, cells, width=len(draft.recognition["header"]))
    secret = files.secret_of(draft)
    row.edited = lock_cells(secret, after, batch_id=draft.id, row=row_number)
    row.is_dropped = False
    _judge(draft, row, before=before, after=after)
    events.record("import.row_edited", subject=draft, actor=actor, row=row_number)
    if not draft.is_checked_whole:
        ask_check(draft, actor=actor)  # the run that is under way began without it
    return row


def recheck(*, import_id: UUID, actor: Actor) -> Import:
    """Check every row of the file again, the edited ones with it."""
    draft = open_checked(import_id)
    ask_check(draft, actor=actor)
    return draft


def write_edits(draft: Import, edits: Iterable[tuple[int, Sequence[str]]], *, actor: Actor) -> int:
    """Put the cells of many rows, by number, thousands at once; returns how many.

    Raises Invalid for more than a draft may hold.
    """
    left, count = iter(edits), 0
    while part := list(islice(left, EDITS_PER_WRITE)):
        _write_edits(draft, part)
        count += len(part)
    if count:
        _require_few_edits(draft)
        events.record("import.rows_edited", subject=draft, actor=actor, count=count)
        ask_check(draft, actor=actor)
    return count


def too_many_edits() -> Invalid:
    """More corrections than one draft keeps beside its file."""
    text = f"At most {EDITS_MAX} rows can be corrected here. Correct the file and upload it again."
    return Invalid(text, code="too_many_rows")


def _require_few_edits(draft: Import) -> None:
    edited = (ImportRow.import_id == draft.id, ImportRow.edited.is_not(None))
    count = db.session.scalar(select(func.count()).select_from(ImportRow).where(*edited)) or 0
    if count > EDITS_MAX:
        raise too_many_edits()


def forget_rows(*, batch_id: UUID) -> None:
    """Drop what was mended in the file of a batch that was taken in."""
    batch = get(Batch, batch_id)
    if batch.import_id is not None:
        forget_rows_of(batch.import_id)


def forget_rows_of(import_id: UUID) -> None:
    """Drop every kept row of an import."""
    db.session.execute(delete(ImportRow).where(ImportRow.import_id == import_id))


def open_checked(import_id: UUID) -> Import:
    """The draft, locked, if it can be mended. Raises Conflict."""
    draft = lock(Import, import_id)
    if draft.status is not ImportStatus.CHECKED:
        raise Conflict("This import cannot be mended now.", code="import_not_mapped")
    return draft


def open_row(draft: Import, row: ImportRow) -> list[str]:
    """The cells of a row as the seller wants them. Raises Gone once the file was destroyed."""
    secret, locked = files.secret_of(draft), row.edited or row.locked
    return open_cells(secret, locked, batch_id=draft.id, row=row.row_number)


def _remap(draft: Import, changed: Mapping[str, Any], *, actor: Actor) -> None:  # Any: JSON
    draft.mapping = {**draft.mapping, **changed}
    ask_check(draft, actor=actor)


def _write_edits(draft: Import, edits: Sequence[tuple[int, Sequence[str]]]) -> None:
    secret = files.secret_of(draft)
    edited = [lock_cells(secret, cells, batch_id=draft.id, row=number) for number, cells in edits]
    sizes = [len(locked) for locked in edited]
    values = {
        "import_id": draft.id,
        "numbers": [number for number, _ in edits],
        "starts": [0, *accumulate(sizes[:-1])],
        "sizes": sizes,
        "edited": b"".join(edited),
    }
    db.session.execute(EDIT, values)


def _with_cells(before: Sequence[str], cells: Mapping[int, str], *, width: int) -> list[str]:
    """As many cells as the file has columns, with these in their places."""
    after = [*before[:width], *[""] * (width - len(before))]
    for column, cell in cells.items():
        if column not in range(width):
            raise Invalid("The file has no such column.", code="unknown_column")
        if len(cell) > CELL_MAX or "\0" in cell:
            detail = "This cannot stand in a cell."
            raise Invalid(errors=(FieldProblem(f"/cell-{column}", "cell_too_long", detail),))
        after[column] = cell
    return after


def _judge(draft: Import, row: ImportRow, *, before: list[str], after: list[str]) -> None:
    """Where the row would end with its new cells; the counts of the draft follow."""
    old = (row.outcome, [(name, code) for name, code in row.findings])
    now = _examined(draft, row, after)
    if row.outcome is RowEnd.DUPLICATE and _is_same_person(now, _examined(draft, row, before)):
        return
    end = forecasts.Ends(draft).of(now).get(0) or End(0, row.row_number, RowEnd.VALID)
    row.outcome, row.findings = end.state, findings_of(end)
    new = (row.outcome, [(name, code) for name, code in row.findings])
    draft.forecast = forecasts.moved(draft.forecast, old, new, row=row.row_number)
    db.session.flush()


def _is_same_person(now: Examined, before: Examined) -> bool:
    """Another name is still the same person; another number may be a new one."""
    return any(map(any, now.people)) and now.people == before.people


def _examined(draft: Import, row: ImportRow, cells: list[str]) -> Examined:
    examiner = Examiner(recipes.for_draft(draft, until=0))
    return examiner.work([Row(row.row_number, row.line_number, cells)])
