"""The file of problem rows: what was refused, in the seller's own words, with the reasons."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from exchange.core.db import get
from exchange.core.errors import NotFound
from exchange.leads import locking, queries
from exchange.leads.models import Batch, Import
from exchange.leads.problems import ProblemRow, write_problems
from exchange.leads.services import files


def problem_file(batch_id: UUID) -> Iterator[bytes]:
    """The refused rows of a batch as CSV, in pieces.

    Raises NotFound for a batch that came without a file, Gone once the file was destroyed.
    """
    batch = get(Batch, batch_id)
    if batch.import_id is None:
        raise NotFound
    draft = get(Import, batch.import_id)
    secret = files.secret_of(draft)
    rows = (
        ProblemRow(
            row.row_number,
            locking.open_cells(secret, row.locked, batch_id=batch.id, row=row.row_number),
            row.codes,
        )
        for row in queries.problem_rows(batch.id)
    )
    return write_problems(files.recognition(draft).header, rows)
