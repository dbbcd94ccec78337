"""Jobs of the inventory: take a confirmed file in, and find the ones that were interrupted."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from exchange.core import clock, ids, storage
from exchange.core.db import db
from exchange.core.jobs import enqueue, job, sweep
from exchange.leads.models import Batch, BatchStatus, Import
from exchange.leads.services.intake import take_in

BATCHES_PER_SWEEP = 20
UPLOAD_AGE = timedelta(hours=1)  # an upload that takes longer was cut long ago


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


@sweep("leads.tidy_uploads", seconds=600)
def tidy_uploads() -> None:
    """Remove what killed processes have left: parts of uploads, and files that no import knows."""
    now = clock.now()
    storage.remove_abandoned(now=now, age=UPLOAD_AGE)
    for key in storage.keys(prefix=f"{Import.PREFIX}_", now=now, age=UPLOAD_AGE):
        known = ids.decode(Import.PREFIX, key)
        if known is None or db.session.get(Import, known) is None:
            storage.delete(key)
