"""Jobs of the inventory: take a confirmed file in, seal lots whose day is over, find the rest."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from exchange.core import clock
from exchange.core.db import db
from exchange.core.jobs import enqueue, job, sweep
from exchange.leads import post_queries
from exchange.leads.models import Batch, BatchStatus
from exchange.leads.services import lots
from exchange.leads.services.intake import take_in

BATCHES_PER_SWEEP = 20
LOTS_PER_SWEEP = 100


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


@job("leads.seal_lot")
def seal_lot(batch_id: UUID) -> None:
    """Seal a lot of single leads whose time is over."""
    lots.seal_due(batch_id=batch_id)


@sweep("leads.seal_lots", seconds=10)
def ring_for_lots() -> None:
    """Ring for lots that have been open for a day."""
    for batch_id in post_queries.lots_to_seal(clock.now(), limit=LOTS_PER_SWEEP):
        enqueue("leads.seal_lot", batch_id)
