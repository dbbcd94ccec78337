"""Jobs of the inventory: take a confirmed file in, and find the ones that were interrupted."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from exchange.core.db import db
from exchange.core.jobs import enqueue, job, sweep
from exchange.leads.models import Batch, BatchStatus
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
