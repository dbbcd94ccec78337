"""Verbs of intake: the rows of a confirmed file become leads, a block and a transaction at a time.

Where a run was killed the next one goes on: `rows_done` says how far the file is done, and a
block is written together with it or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from exchange.core import events
from exchange.core.actors import SYSTEM
from exchange.core.db import get, lock, unit_of_work
from exchange.leads import cards, crew
from exchange.leads.confined_child import BLOCK_ROWS
from exchange.leads.findings import FileReject
from exchange.leads.models import Batch, BatchStatus, Import, LeadStatus
from exchange.leads.preparing import Prepared, Preparer, Recipe
from exchange.leads.services import files, recipes
from exchange.leads.services.batches import refuse_file, seal_batch
from exchange.leads.services.writing import Marks, write_block
from exchange.leads.suspicion import Watch


@dataclass(frozen=True, slots=True)
class Run:
    """What a run needs to know of its batch, read once."""

    batch_id: UUID
    draft: Import
    recipe: Recipe
    rows_done: int
    watch: Watch


def take_in(batch_id: UUID, *, block_rows: int = BLOCK_ROWS, processes: int | None = None) -> None:
    """Read the batch's file to its end and seal the batch. Safe to repeat, safe to kill.

    Two runs at once do no harm: a block is written only by the run that finds `rows_done` where
    it left it, the other one stops. `processes` prepare the rows (see `crew`). A file that cannot
    be read to its end becomes no batch.
    """
    with unit_of_work():
        run = _begin(batch_id)
    if run is None:
        return
    try:
        with files.blocks(run.draft, size=block_rows) as blocks, crew.without_collector():
            found = crew.work_through(Preparer, run.recipe, blocks=blocks, processes=processes)
            rows_total = _take_in_all(run, crew.ahead(_looked_at(run, found)))
    except FileReject as error:
        with unit_of_work():
            refuse_file(batch_id=batch_id, error=error)
        return
    if rows_total is not None:
        with unit_of_work():
            _finish(run, rows_total=rows_total)


class Part(NamedTuple):
    """The rows of a block that no earlier run has written, and how many rows there are by now."""

    rows: Prepared
    marks: Marks
    seen: int


def _looked_at(run: Run, found: Iterable[Prepared]) -> Generator[Part, None, None]:
    """The blocks with what looks odd about their rows.

    What only many rows show needs those too that are written already.
    """
    seen = 0
    for prepared in found:
        marks = {row.number: run.watch.see(row.facts, row.marks) for row in prepared.candidates}
        left = prepared.without_first(max(0, run.rows_done - seen))
        seen += prepared.size
        yield Part(left, marks, seen)


def _take_in_all(run: Run, parts: Iterable[Part]) -> int | None:
    """How many rows the file has; None where another run is at it."""
    seen = 0
    for rows, marks, seen in parts:
        if rows.size:
            with unit_of_work():
                if not _take_in(run, rows, done=seen - rows.size, marks=marks):
                    return None
    return seen


def _begin(batch_id: UUID) -> Run | None:
    batch = get(Batch, batch_id)
    if batch.status is not BatchStatus.VALIDATING or batch.import_id is None:
        return None
    draft = get(Import, batch.import_id)
    return Run(batch_id, draft, recipes.for_batch(draft, batch), batch.rows_done, Watch())


def _take_in(run: Run, prepared: Prepared, *, done: int, marks: Marks) -> bool:
    batch = lock(Batch, run.batch_id)
    if batch.rows_done != done or batch.status is not BatchStatus.VALIDATING:
        return False
    written = write_block(batch, prepared, recipe=run.recipe, marks=marks)
    _count(batch, written.counts)
    return True


def _count(batch: Batch, counts: Counter[LeadStatus]) -> None:
    batch.rows_done += counts.total()
    batch.valid += counts[LeadStatus.VALID]
    batch.in_review += counts[LeadStatus.IN_REVIEW]
    batch.invalid += counts[LeadStatus.INVALID]
    batch.duplicate += counts[LeadStatus.DUPLICATE]
    batch.suppressed += counts[LeadStatus.SUPPRESSED]


def _finish(run: Run, *, rows_total: int) -> None:
    batch = lock(Batch, run.batch_id)
    if batch.status is not BatchStatus.VALIDATING or batch.rows_done != rows_total:
        return
    batch.rows_total = rows_total
    rejected, decided = cards.rejected_lately(batch.source_id)
    batch.suspicion = run.watch.summary(rejected=rejected, decided=decided)
    events.record(
        "batch.validated",
        subject=batch,
        actor=SYSTEM,
        rows=rows_total,
        sequential_phones=run.watch.runs.rows,  # counted up, not collected
        suspicion=batch.suspicion["score"],
    )
    seal_batch(batch, actor=SYSTEM)
