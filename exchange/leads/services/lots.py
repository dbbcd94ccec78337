"""Verbs of rolling lots: leads that come one by one are sealed together (decision 6).

A lot is full at a hundred leads or ends with its day, whichever comes first; nothing waits for a
file that never comes. Where the source sells at once nobody waits for the seal, so that its lots
grow larger and fewer people are called (decision record 0037). The draw of a lot is committed when
it opens, before its first lead.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from exchange.catalog import queries as catalog
from exchange.catalog.policies import promises_as_much
from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import get, lock, save
from exchange.core.states import transition
from exchange.leads import post_queries, queries
from exchange.leads.models import Batch, BatchStatus, Source, SourceStatus
from exchange.leads.post_models import SourceTerms
from exchange.leads.services import sources
from exchange.leads.services.batches import REJECTED, seal_batch

LEADS_MAX: Final = 100
OPEN_FOR: Final = timedelta(hours=24)
# Of a lot that sells before it is checked.
SELLING_LEADS_MAX: Final = 200
SELLING_OPEN_FOR: Final = timedelta(days=5)


def take_lot(terms: SourceTerms, *, actor: Actor) -> Batch:
    """The lot that takes the next lead, locked; a new one where none is open or its time is over.

    The caller holds the lock on the terms, so that two posts open one lot.
    """
    schema_id = catalog.schema_id(queries.vertical_of(terms.vertical_id))
    found = post_queries.find_open_lot(terms)
    if found is not None:
        batch = lock(Batch, found)
        if batch.status is BatchStatus.OPEN:
            assert batch.seals_at is not None
            # Leads of one lot are of one schema: a new version begins a new lot.
            if batch.seals_at > clock.after_lock() and batch.schema_id == schema_id:
                return batch
            _seal(batch)
    return _open(terms, schema_id=schema_id, actor=actor)


def seal_if_full(batch: Batch) -> None:
    """Seal the lot at its last lead."""
    if batch.rows_done >= (SELLING_LEADS_MAX if batch.sells_at_once else LEADS_MAX):
        _seal(batch)


def seal_due(*, batch_id: UUID) -> None:
    """Seal a lot whose time is over; nothing happens to any other."""
    batch = lock(Batch, batch_id)
    is_due = batch.seals_at is not None and batch.seals_at <= clock.after_lock()
    if batch.status is BatchStatus.OPEN and is_due:
        _seal(batch)


def trust_source(*, batch_id: UUID, before: str) -> None:
    """A lot of the source was accepted: it sells at once from now on, what is under way too."""
    batch = get(Batch, batch_id)
    standing = _lock_terms(batch)
    if not standing or not post_queries.tells_of_quality(batch, before=before):
        return
    for terms in standing:
        if promises_as_much(batch.quality_class, terms.quality_class):
            terms.trusted_since = terms.trusted_since or clock.now()
    for lot in _under_way(batch.source_id, vertical_id=batch.vertical_id):
        # A class that promises more has to be earned by a lot of that class.
        lot.sells_at_once |= promises_as_much(batch.quality_class, lot.quality_class)
    events.record(
        "source.trusted",
        subject=get(Source, batch.source_id),
        actor=SYSTEM,
        vertical_id=str(batch.vertical_id),
        batch_id=str(batch.id),
    )


def distrust_source(*, batch_id: UUID) -> None:
    """A lot of the source was not accepted: what comes next waits for its check again."""
    for terms in _lock_terms(get(Batch, batch_id)):
        terms.trusted_since = None


def stop_source(*, batch_id: UUID) -> None:
    """Stop the source of a rejected rolling lot: nothing of it is posted or sold unchecked."""
    batch = get(Batch, batch_id)
    distrust_source(batch_id=batch_id)
    if not batch.is_rolling or batch.sealed_at is None:  # nobody of it was checked
        return
    for lot in _under_way(batch.source_id):
        _stop_selling(lot)
    if get(Source, batch.source_id).status is not SourceStatus.STOPPED:
        # Lots that have passed their own check stay on sale.
        sources.stop_source(
            source_id=batch.source_id, reason=REJECTED, keep_on_sale=True, actor=SYSTEM
        )


def _stop_selling(lot: Batch) -> None:
    """Let a lot wait for its check like that of a new source; it has grown long enough then."""
    lot.sells_at_once = False
    if lot.opened_at is not None and lot.seals_at is not None:
        lot.seals_at = min(lot.seals_at, lot.opened_at + OPEN_FOR)


def _under_way(source_id: UUID, *, vertical_id: UUID | None = None) -> list[Batch]:
    found = post_queries.rolling_lots_under_way(source_id=source_id, vertical_id=vertical_id)
    return [lock(Batch, lot.id) for lot in found]


def _lock_terms(batch: Batch) -> list[SourceTerms]:
    """Standing is the source's: what is posted for a contract shares it."""
    found = post_queries.all_terms_of_source(
        source_id=batch.source_id, vertical_id=batch.vertical_id
    )
    return [lock(SourceTerms, terms.id) for terms in found]


def _open(terms: SourceTerms, *, schema_id: UUID, actor: Actor) -> Batch:
    now, source = clock.now(), get(Source, terms.source_id)
    is_trusted = terms.trusted_since is not None
    batch = save(
        Batch(
            organization_id=terms.organization_id,
            vertical_id=terms.vertical_id,
            schema_id=schema_id,
            source_id=terms.source_id,
            contract_id=terms.contract_id,
            name=f"{source.name} {now:%Y-%m-%d %H:%M}",
            quality_class=terms.quality_class,
            kind=terms.kind,
            price=terms.price,
            sales_max=terms.sales_max,
            opened_at=now,
            seals_at=now + (SELLING_OPEN_FOR if is_trusted else OPEN_FOR),
            sells_at_once=is_trusted,
        )
    )
    # Verification listens and assigns the committed draw, as it does for a file.
    transition(batch, BatchStatus.OPEN, actor=actor, sells_at_once=batch.sells_at_once)
    return batch


def _seal(batch: Batch) -> None:
    batch.rows_total = batch.rows_done
    seal_batch(batch, actor=SYSTEM)
