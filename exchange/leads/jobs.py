"""Jobs of the inventory: drafts, files, lots and people.

Each sweep reads from the tables what is due and rings for it.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from exchange.core import clock, ids, storage
from exchange.core.db import db
from exchange.core.jobs import enqueue_each, job, sweep
from exchange.leads import people, post_queries
from exchange.leads.models import Batch, BatchStatus, Import, ImportStatus
from exchange.leads.rights import PersonList
from exchange.leads.services import erasures, lots, person_lists, retention, revocations
from exchange.leads.services.checks import check_draft
from exchange.leads.services.intake import take_in

BATCHES_PER_SWEEP = 20
PER_SWEEP = 200
LOTS_PER_SWEEP = 100
UPLOAD_AGE = timedelta(hours=1)  # an upload that takes longer was cut long ago


@job("leads.take_in", queue="bulk", steps=True, of=Batch)
def run(batch_id: UUID) -> None:
    """Turn a confirmed file into leads."""
    take_in(batch_id)


@sweep("leads.take_in", seconds=10)
def resume() -> None:
    """Ring again for batches whose intake nobody is at."""
    waiting = select(Batch.id).where(Batch.status == BatchStatus.VALIDATING)
    # In any order: some whose intake always fails must not keep the others waiting.
    enqueue_each(
        "leads.take_in",
        db.session.scalars(waiting.order_by(func.random()).limit(BATCHES_PER_SWEEP)),
    )


@job("leads.apply_list", queue="bulk", of=PersonList)
def apply_list(list_id: UUID) -> None:
    """Let the leads of listed people leave sale."""
    person_lists.apply_list(list_id=list_id)


@sweep("leads.apply_list", seconds=30)
def find_lists() -> None:
    """Lists by which leads have not left sale yet."""
    enqueue_each("leads.apply_list", people.lists_to_apply(clock.now(), limit=PER_SWEEP))


@job("leads.apply_revocation")
def apply_revocation(revocation_id: UUID) -> None:
    """Take the leads of somebody who withdrew off sale and tell their holders."""
    revocations.apply_revocation(revocation_id=revocation_id)


@sweep("leads.apply_revocation", seconds=10)
def find_revocations() -> None:
    """Withdrawals that wait."""
    enqueue_each(
        "leads.apply_revocation", people.revocations_to_apply(clock.now(), limit=PER_SWEEP)
    )


@job("leads.look_again")
def look_again(erasure_id: UUID) -> None:
    """Destroy what of an erased person came in at the same moment."""
    erasures.look_again(erasure_id=erasure_id)


@sweep("leads.look_again", seconds=60)
def find_erasures() -> None:
    """Erasures that are due for their second look."""
    enqueue_each("leads.look_again", people.erasures_to_check(clock.now(), limit=PER_SWEEP))


@job("leads.destroy_file", of=Import)
def destroy_file(import_id: UUID) -> None:
    """Destroy the key of a file whose time is over."""
    retention.destroy_file(import_id=import_id)


@sweep("leads.destroy_file", seconds=600)
def find_files() -> None:
    """Files whose time is over."""
    enqueue_each("leads.destroy_file", retention.files_due(limit=PER_SWEEP))


@job("leads.seal_lot", of=Batch)
def seal_lot(batch_id: UUID) -> None:
    """Seal a lot of single leads whose time is over."""
    lots.seal_due(batch_id=batch_id)


@sweep("leads.seal_lots", seconds=10)
def ring_for_lots() -> None:
    """Ring for lots that have been open for a day."""
    enqueue_each("leads.seal_lot", post_queries.lots_to_seal(clock.now(), limit=LOTS_PER_SWEEP))


@sweep("leads.tidy_uploads", seconds=600)
def tidy_uploads() -> None:
    """Remove what killed processes have left: parts of uploads, and files that no import knows."""
    storage.remove_abandoned(age=UPLOAD_AGE)
    for key in storage.keys(prefix=f"{Import.PREFIX}_", age=UPLOAD_AGE):
        known = ids.decode(Import.PREFIX, key)
        if known is None or db.session.get(Import, known) is None:
            storage.delete(key)


@job("leads.check_draft", queue="bulk", steps=True, of=Import)
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
    enqueue_each(
        "leads.check_draft",
        db.session.scalars(waiting.order_by(Import.id).limit(BATCHES_PER_SWEEP)),
    )
