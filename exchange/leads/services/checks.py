"""The check of a whole draft: every row is looked at, those that need their seller are kept.

One step a chunk. A run that was killed begins again; two at once do no harm: a chunk is written
only by the run that finds the draft where it left it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, text

from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, lock, unit_of_work
from exchange.core.errors import Conflict
from exchange.leads import crew
from exchange.leads.confined_child import BLOCK_ROWS
from exchange.leads.draft_models import ImportRow, RowEnd
from exchange.leads.examining import Examined, Examiner
from exchange.leads.findings import FileReject
from exchange.leads.locking import lock_cells
from exchange.leads.models import Import, ImportStatus
from exchange.leads.rows import copy_values
from exchange.leads.services import files, forecasts
from exchange.leads.services.forecasts import DryRun, End

ROW_COLUMNS: Final = (
    "import_id", "row_number", "line_number", "outcome", "findings", "locked", "edited",
    "is_dropped",
)  # fmt: skip
UPDATE: Final = text(
    """
    UPDATE import_row SET outcome = found.outcome, findings = CAST(found.findings AS jsonb)
      FROM unnest(CAST(:numbers AS int[]), CAST(:outcomes AS text[]), CAST(:findings AS text[]))
           AS found (row_number, outcome, findings)
     WHERE import_row.import_id = :import_id AND import_row.row_number = found.row_number
    """
)


@dataclass(frozen=True, slots=True)
class Work:
    """What a run needs to know of its draft, read once."""

    draft: Import
    revision: int
    run: DryRun
    kept: frozenset[int]  # rows that the seller has edited or dropped


def ask_check(draft: Import, *, actor: Actor) -> None:
    """Something changed what is found in the rows: look at the first now, at all of them soon."""
    draft.revision += 1
    draft.check_rows = 0
    draft.check_started_at = None
    draft.refusal = None
    db.session.flush()
    draft.forecast = forecasts.first_look(draft)
    events.record("import.check_asked", subject=draft, actor=actor, revision=draft.revision)


def check_draft(import_id: UUID, *, block_rows: int = BLOCK_ROWS) -> None:
    """Check a draft's file to its end. Safe to repeat, safe to kill."""
    with unit_of_work():
        work = _begin(import_id)
    if work is None:
        return
    try:
        with files.blocks(work.draft, size=block_rows) as blocks:
            found = crew.work_through(Examiner, work.run.recipe, blocks=blocks)
            done = _check_all(work, found)
    except FileReject as error:
        with unit_of_work():
            _refuse(work, error)
        return
    if done is not None:
        with unit_of_work():
            _finish(work, done=done)


def _check_all(work: Work, found: Iterable[Examined]) -> int | None:
    """How many rows the file has; None where the draft was changed meanwhile."""
    done = 0
    for part in found:
        with unit_of_work():
            if not _check_part(work, part, done=done):
                return None
        done += part.size
    return done


def _begin(import_id: UUID) -> Work | None:
    draft = lock(Import, import_id)
    if draft.status is not ImportStatus.CHECKED or draft.is_checked_whole:
        return None
    draft.check_rows = 0
    draft.check_started_at = clock.now()
    mine = ImportRow.import_id == draft.id
    found_before = ImportRow.edited.is_(None) & ~ImportRow.is_dropped
    db.session.execute(delete(ImportRow).where(mine, found_before))
    kept = frozenset(db.session.scalars(select(ImportRow.row_number).where(mine)))
    return Work(draft, draft.revision, DryRun(draft), kept)


def _is_current(work: Work, draft: Import, *, done: int) -> bool:
    is_same = (draft.revision, draft.check_rows) == (work.revision, done)
    return is_same and draft.status is ImportStatus.CHECKED and not draft.is_checked_whole


def _check_part(work: Work, part: Examined, *, done: int) -> bool:
    draft = lock(Import, work.draft.id)
    if not _is_current(work, draft, done=done):
        return False
    ends = work.run.take(part)
    _write_new(work, part, ends)
    _write_again(work, part, ends)
    draft.check_rows += part.size
    return True


def _write_new(work: Work, part: Examined, ends: Mapping[int, End]) -> None:
    draft, secret = work.draft, work.run.recipe.secret
    new = [
        end for _, end in sorted(ends.items())
        if end.state is not RowEnd.VALID and end.number not in work.kept
    ]  # fmt: skip
    cells = part.cells if new else []
    copy_values(
        "import_row",
        ROW_COLUMNS,
        (
            (
                draft.id, end.number, part.lines[end.place], end.state.value, findings_of(end),
                lock_cells(secret, cells[end.place], batch_id=draft.id, row=end.number), None,
                False,
            )
            for end in new
        ),
    )  # fmt: skip


def _write_again(work: Work, part: Examined, ends: Mapping[int, End]) -> None:
    """What became of the rows that the seller has edited or dropped."""
    kept = [
        ends.get(place) or End(place, number, RowEnd.VALID)
        for place, number in enumerate(part.numbers)
        if number in work.kept
    ]  # fmt: skip
    if kept:
        values = {
            "import_id": work.draft.id,
            "numbers": [end.number for end in kept],
            "outcomes": [end.state.value for end in kept],
            "findings": [json.dumps(findings_of(end)) for end in kept],
        }
        db.session.execute(UPDATE, values)


def findings_of(end: End) -> list[list[str]]:
    """What was found, as it is kept: pairs of field and code."""
    return [list(finding) for finding in dict.fromkeys(end.findings)]


def require_all_right(draft: Import) -> None:
    """Raise Conflict while a row is refused, or not all of them were checked."""
    found = draft.forecast
    if not draft.is_checked_whole or found.get("mended"):
        raise Conflict("Not every row is checked yet.", code="check_running")
    refused = found["invalid"] - found["dropped"]
    if refused:
        text = f"{refused} rows are refused. Correct or drop them, or import the others alone."
        raise Conflict(text, code="rows_refused", rows=refused)


def _refuse(work: Work, error: FileReject) -> None:
    """A file that cannot be read to its end becomes no batch; the draft says why."""
    draft = lock(Import, work.draft.id)
    if draft.revision == work.revision:
        draft.refusal = {"code": error.code, "sentence": error.sentence, "facts": error.facts}
        draft.checked_revision = draft.revision
        events.record("import.unreadable", subject=draft, actor=SYSTEM, code=error.code)


def _finish(work: Work, *, done: int) -> None:
    draft = lock(Import, work.draft.id)
    if not _is_current(work, draft, done=done):
        return
    tally = work.run.tally
    counts = tally.summary(whole=True)
    draft.forecast = {**counts, **tally.details(draft), "rows_about": done}
    draft.refusal = None
    draft.checked_revision = draft.revision
    events.record("import.rows_checked", subject=draft, actor=SYSTEM, rows=done)
