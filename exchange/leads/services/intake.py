"""Verbs of intake: the rows of a confirmed file become leads, a chunk and a transaction at a time.

Where a run was killed the next one goes on: `rows_done` says how far the file is done, and a
chunk is written together with it or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from exchange.catalog import queries as catalog
from exchange.catalog.definition import Terms
from exchange.core import events
from exchange.core.actors import SYSTEM
from exchange.core.db import get, lock, unit_of_work
from exchange.leads import queries
from exchange.leads.checking import CheckedRow, Outcome
from exchange.leads.mending import Mending
from exchange.leads.models import Batch, BatchStatus, Import, LeadStatus
from exchange.leads.patterns import SequentialRuns
from exchange.leads.reading import Row
from exchange.leads.services import files
from exchange.leads.services.batches import seal_batch
from exchange.leads.services.mending import files_mending
from exchange.leads.services.writing import Candidate, Refused, write_chunk
from exchange.leads.vault import blind_index

CHUNK_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Work:
    """What a run needs to know of its batch, read once."""

    batch_id: UUID
    draft: Import
    terms: Terms  # of the vertical
    rows_done: int
    runs: SequentialRuns
    mending: Mending  # of the file, by its seller


def take_in(batch_id: UUID, *, chunk_rows: int = CHUNK_ROWS) -> None:
    """Read the batch's file to its end and seal the batch. Safe to repeat, safe to kill.

    Two runs at once do no harm: a chunk is written only by the run that finds `rows_done` where
    it left it, the other one stops.
    """
    with unit_of_work():
        work = _begin(batch_id)
    if work is None:
        return
    done = work.rows_done
    with files.reading(work.draft) as found:
        waiting = islice(found, done, None)
        while chunk := list(islice(waiting, chunk_rows)):
            with unit_of_work():
                if not _take_in_chunk(work, chunk, done=done):
                    return
            done += len(chunk)
    with unit_of_work():
        _finish(batch_id, rows_total=done, runs=work.runs)


def _begin(batch_id: UUID) -> Work | None:
    batch = get(Batch, batch_id)
    if batch.status is not BatchStatus.VALIDATING or batch.import_id is None:
        return None
    draft = get(Import, batch.import_id)
    terms = catalog.get_terms(queries.vertical_of(batch.vertical_id))
    mending = files_mending(draft)
    return Work(batch_id, draft, terms, batch.rows_done, SequentialRuns(), mending)


def _take_in_chunk(work: Work, chunk: Sequence[Row], *, done: int) -> bool:
    batch = lock(Batch, work.batch_id)
    if batch.rows_done != done or batch.status is not BatchStatus.VALIDATING:
        return False
    checker = files.checker(work.draft)
    chunk = [work.mending.edited(row) for row in chunk]
    checked = [checker.check(work.mending.mended(row)) for row in chunk]
    _watch(work.runs, checked)
    cells = {row.number: row.cells for row in chunk}
    candidates, refused = _sort_out(batch, checked)
    counts = write_chunk(
        batch,
        candidates,
        refused,
        terms=work.terms,
        cells=cells,
        secret=files.secret_of(work.draft),
    )
    _count(batch, counts, rows=len(chunk))
    return True


def _sort_out(batch: Batch, checked: Sequence[CheckedRow]) -> tuple[list[Candidate], list[Refused]]:
    """Invalid rows, suppressed people and repeats inside the chunk apart from the candidates."""
    candidates = [
        Candidate.of(row, hashes=_hashes(row))
        for row in checked
        if row.outcome is not Outcome.INVALID
    ]
    refused = [
        Refused(row.number, row.line, LeadStatus.INVALID, row.codes)
        for row in checked
        if row.outcome is Outcome.INVALID
    ]
    banned = queries.suppressed_hashes({value for c in candidates for value in c.hashes})
    kept: list[Candidate] = []
    seen: set[bytes] = set()
    for candidate in candidates:
        if not banned.isdisjoint(candidate.hashes):
            refused.append(candidate.refused(LeadStatus.SUPPRESSED, "suppressed"))
        elif not seen.isdisjoint(candidate.hashes):
            refused.append(candidate.refused(LeadStatus.DUPLICATE, "duplicate_in_file"))
        else:
            kept.append(candidate)
            seen.update(candidate.hashes)
    assert len(kept) + len(refused) == len(checked), f"batch {batch.id} lost a row"
    return kept, refused


def _hashes(row: CheckedRow) -> tuple[bytes, ...]:
    found = (blind_index(key.kind, key.value) for key in row.identities)
    return tuple(value for value in found if value)


def _count(batch: Batch, counts: Counter[LeadStatus], *, rows: int) -> None:
    assert counts.total() == rows
    batch.rows_done += rows
    batch.valid += counts[LeadStatus.VALID]
    batch.in_review += counts[LeadStatus.IN_REVIEW]
    batch.invalid += counts[LeadStatus.INVALID]
    batch.duplicate += counts[LeadStatus.DUPLICATE]
    batch.suppressed += counts[LeadStatus.SUPPRESSED]


def _watch(runs: SequentialRuns, checked: Sequence[CheckedRow]) -> None:
    for row in checked:
        for key in row.identities:
            if key.kind == "phone":
                runs.see(key.value)


def _finish(batch_id: UUID, *, rows_total: int, runs: SequentialRuns) -> None:
    batch = lock(Batch, batch_id)
    if batch.status is not BatchStatus.VALIDATING or batch.rows_done != rows_total:
        return
    batch.rows_total = rows_total
    events.record(
        "batch.validated",
        subject=batch,
        actor=SYSTEM,
        rows=rows_total,
        sequential_phones=runs.rows,  # counted up, not collected: for whoever looks at the source
    )
    seal_batch(batch, actor=SYSTEM)
