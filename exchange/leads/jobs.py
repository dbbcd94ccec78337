"""Jobs of the inventory: check a draft, take a confirmed file in, find what was interrupted."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from exchange.core.db import db
from exchange.core.jobs import enqueue, job, sweep
from exchange.leads.models import Batch, BatchStatus, Import, ImportStatus
from exchange.leads.services.checks import check_draft
from exchange.leads.services.intake import take_in

BATCHES_PER_SWEEP = 20


@job("leads.take_in", queue="bulk", steps=True)
def run(batch_id: UUID) -> None:
    """Turn a confirmed file into leads."""
    take_in(batch_id)


@sweep("leads.take_in", seconds=10)
def resume() -> None:
    """Ring again for batches whose intake nobody is at."""
    waiting = select(Batch.id).where(Batch.status == BatchStatus.VALIDATING)
    for batch_id in db.session.scalars(waiting.order_by(Batch.id).limit(BATCHES_PER_SWEEP)):
        enqueue("leads.take_in", batch_id)


@job("leads.check_draft", queue="bulk", steps=True)
def check(import_id: UUID) -> None:
    """Look at every row of a mapped draft."""
    check_draft(import_id)


@sweep("leads.check_draft", seconds=10)
def resume_checks() -> None:
    """Ring again for drafts whose check nobody is at."""
    waiting = select(Import.id).where(
        Import.status == ImportStatus.CHECKED,
        Import.file_key.is_not(None),
        Import.checked_revision.is_distinct_from(Import.revision),
    )
    for import_id in db.session.scalars(waiting.order_by(Import.id).limit(BATCHES_PER_SWEEP)):
        enqueue("leads.check_draft", import_id)
