"""Verbs of batches: sealed, sampled, decided; leads quarantined or marked as checked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update

from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get, lock
from exchange.core.errors import N_, Conflict, NotFound
from exchange.core.states import transition, transition_all
from exchange.leads import queries, seal
from exchange.leads.findings import FileReject
from exchange.leads.models import (
    Batch,
    BatchStatus,
    Fingerprint,
    Import,
    Lead,
    LeadStatus,
    Source,
    SourceStatus,
)

# Why leads are off sale.
SOURCE_STOPPED = "source_stopped"
SUB_SOURCE_BAD = "sub_source_bad"
# Why a source is stopped whose lot of single leads was rejected: what is still to come is barred,
# not what is called one by one.
REJECTED = N_("A lot of its single leads has not passed the check.")


def seal_batch(batch: Batch, *, actor: Actor) -> None:
    """Put every lead of the frame under one Merkle root; nobody can change the lot from here on.

    A lot without anybody in the frame has nothing to seal: it is withdrawn. Where everybody comes a
    second time it is rejected, so that its seller withdraws it or has it inspected whole.
    """
    batch.population = queries.count_frame(batch.id)
    if batch.population == 0:
        _end_unsealed(batch, actor=actor)
        return
    batch.merkle_root = seal.merkle_root(queries.leaves(batch.id))
    batch.sealed_at = clock.now()
    transition(
        batch,
        BatchStatus.SEALED,
        actor=actor,
        population=batch.population,
        merkle_root=batch.merkle_root.hex(),
    )


def _end_unsealed(batch: Batch, *, actor: Actor) -> None:
    again = (Lead.batch_id == batch.id, Lead.in_frame, Lead.repeats_id.is_not(None))
    batch.population = db.session.scalar(select(func.count()).where(*again)) or 0
    if batch.population == 0:
        transition(batch, BatchStatus.WITHDRAWN, actor=actor, reason="nobody_to_check")
        return
    batch.decided_at = clock.now()
    transition(batch, BatchStatus.REJECTED, actor=actor, reason="resubmitted")


def refuse_file(*, batch_id: UUID, error: FileReject) -> None:
    """Take back what was read of a file that cannot be read to its end; its import says why.

    The people in it are known no more: the mended file brings them again.
    """
    batch = lock(Batch, batch_id)
    if batch.status is not BatchStatus.VALIDATING or batch.import_id is None:
        return
    draft = lock(Import, batch.import_id)
    draft.refusal = {"code": error.code, "sentence": error.sentence, "facts": error.facts}
    transition(batch, BatchStatus.WITHDRAWN, actor=SYSTEM, reason=error.code)
    events.record("import.unreadable", subject=draft, actor=SYSTEM, code=error.code)
    _forget_people(batch)
    transition_all(
        Lead,
        where=[Lead.batch_id == batch.id],
        to=LeadStatus.WITHDRAWN,
        parent=batch,
        actor=SYSTEM,
        reason=error.code,
    )


def start_sampling(*, batch_id: UUID, actor: Actor) -> Batch:
    """The sample is drawn and verifiers begin to call."""
    batch = lock(Batch, batch_id)
    transition(batch, BatchStatus.SAMPLING, actor=actor)
    return batch


def decide_batch(*, batch_id: UUID, decision: BatchStatus, actor: Actor) -> Batch:
    """Write down what the check said: accepted, rejected or undecided."""
    batch = lock(Batch, batch_id)
    batch.decided_at = clock.now()
    is_sampled = batch.status is BatchStatus.SAMPLING
    if get(Source, batch.source_id).status is SourceStatus.STOPPED and (
        is_sampled or is_barred(batch)
    ):
        _stop_leads(batch, actor=actor)  # nothing of it goes on sale
    transition(batch, decision, actor=actor)
    return batch


def is_barred(batch: Batch) -> bool:
    """Whether nothing of a lot may be sold, whatever a check finds: its source is stopped.

    A stop that only followed from a rejected lot is no bar to leads that were all called.
    """
    source = get(Source, batch.source_id)
    return source.status is SourceStatus.STOPPED and source.status_reason != REJECTED


def sell_unverified(*, batch_id: UUID, actor: Actor) -> Batch:
    """Put an undecided lot on sale as Unverified (decision 7). Raises IllegalTransition."""
    batch = lock_own(batch_id, actor)
    if get(Source, batch.source_id).status is SourceStatus.STOPPED:
        text = "The exchange has stopped the source of this lot. Nothing of it can be sold."
        raise Conflict(text, code="source_stopped")
    if batch.status is not BatchStatus.UNDECIDED:
        raise Conflict("Only an undecided lot can be sold as Unverified.")
    transition(batch, BatchStatus.ACCEPTED, actor=actor, unverified=True)
    return batch


def withdraw_batch(*, batch_id: UUID, actor: Actor) -> Batch:
    """Take a lot back; leads that nobody bought are withdrawn, sold ones stay sold.

    Raises Conflict `lot_open` for a lot of single leads that is not sealed yet.
    """
    batch = lock_own(batch_id, actor)
    if batch.status is BatchStatus.OPEN:
        # What was sold of it is checked in any case: nobody takes a lot away from its sample.
        raise Conflict("A lot that grows is sealed and checked first.", code="lot_open")
    transition(batch, BatchStatus.WITHDRAWN, actor=actor)
    if batch.decided_at is None:
        _forget_people(batch)  # nothing of them is known: the next file brings them as new
    transition_all(
        Lead,
        where=[Lead.batch_id == batch.id, Lead.sold == 0],
        to=LeadStatus.WITHDRAWN,
        parent=batch,
        actor=actor,
    )
    return batch


def quarantine_leads(*, lead_ids: Collection[UUID], reason: str, actor: Actor) -> int:
    """Take leads that were found bad out of sale; returns how many were on sale."""
    moved = 0
    # Bad by itself now: it does not come back with its source, nor in another lot.
    known = {"is_stopped": False, "failed_at": func.coalesce(Lead.failed_at, clock.now())}
    db.session.execute(update(Lead).where(Lead.id.in_(lead_ids)).values(known))
    for batch in _batches_of(lead_ids):
        moved += transition_all(
            Lead,
            where=[Lead.batch_id == batch.id, Lead.id.in_(lead_ids)],
            to=LeadStatus.QUARANTINED,
            parent=batch,
            actor=actor,
            reason=reason,
        )
    return moved


def quarantine_sub_source(
    *, batch_id: UUID, name: str | None, named: Collection[str], actor: Actor
) -> int:
    """Take what a lot has of one declared source off sale, or with None all but the named ones.

    Who was called and found good stays on sale. Returns how many were taken off.
    """
    own = Lead.sub_source.not_in(named) if name is None else Lead.sub_source == name
    return transition_all(
        Lead,
        where=[
            Lead.batch_id == batch_id, Lead.sold < Lead.sales_max, Lead.checked_at.is_(None), own,
        ],
        to=LeadStatus.QUARANTINED,
        parent=get(Batch, batch_id),
        actor=actor,
        reason=SUB_SOURCE_BAD,
    )  # fmt: skip


def clear_leads(*, lead_ids: Collection[UUID], actor: Actor) -> None:
    """Put leads on sale that were set aside and then called and found good.

    Not those that a buyer returned, nor anything of a source that the exchange has stopped.
    """
    for batch in _batches_of(lead_ids):
        if is_barred(batch):
            continue
        mine = [Lead.batch_id == batch.id, Lead.id.in_(lead_ids)]
        aside = (Lead.sold == 0) | Lead.is_stopped.is_(True)
        to, reason = LeadStatus.VALID, "checked"
        transition_all(Lead, where=[*mine, aside], to=to, parent=batch, actor=actor, reason=reason)
        db.session.execute(update(Lead).where(*mine).values(is_stopped=False))


def refuse_leads(*, lead_ids: Collection[UUID], actor: Actor) -> None:
    """Take leads out of sale that were found bad, those too that were never on it."""
    quarantine_leads(lead_ids=lead_ids, reason="failed_check", actor=actor)
    _move(lead_ids, to=LeadStatus.INVALID, actor=actor, reason="failed_check")


def set_aside_leads(*, lead_ids: Collection[UUID], reason: str, actor: Actor) -> None:
    """Take leads off sale of which nobody knows whether they are good."""
    db.session.execute(update(Lead).where(Lead.id.in_(lead_ids)).values(is_stopped=False))
    _move(lead_ids, to=LeadStatus.QUARANTINED, actor=actor, reason=reason)


def has_valid_leads(batch_id: UUID) -> bool:
    """Whether anything of a lot is fit to be sold."""
    fit = (Lead.batch_id == batch_id, Lead.status == LeadStatus.VALID, Lead.in_frame)
    return db.session.scalar(select(Lead.id).where(*fit).limit(1)) is not None


def _move(lead_ids: Collection[UUID], *, to: LeadStatus, actor: Actor, reason: str) -> None:
    for batch in _batches_of(lead_ids):
        mine = [Lead.batch_id == batch.id, Lead.id.in_(lead_ids)]
        transition_all(Lead, where=mine, to=to, parent=batch, actor=actor, reason=reason)


def quarantine_source(source: Source, *, actor: Actor) -> None:
    """Take everything of a source that could still be sold out of sale, lot by lot."""
    for batch in _batches_of_source(source):
        _stop_leads(batch, actor=actor)


def restore_source(source: Source, *, actor: Actor) -> None:
    """Put back on sale what was stopped with its source and was not found bad meanwhile."""
    for batch in _batches_of_source(source):
        stopped = (Lead.batch_id == batch.id, Lead.is_stopped.is_(True))
        transition_all(
            Lead, where=stopped, to=LeadStatus.VALID, parent=batch, actor=actor, reason="reopened"
        )
        db.session.execute(update(Lead).where(*stopped).values(is_stopped=False))


def _stop_leads(batch: Batch, *, actor: Actor) -> None:
    unsold = (Lead.batch_id == batch.id, Lead.sold < Lead.sales_max)
    db.session.execute(
        update(Lead).where(*unsold, Lead.status == LeadStatus.VALID).values(is_stopped=True)
    )
    transition_all(
        Lead,
        where=[*unsold, Lead.is_stopped.is_(True)],
        to=LeadStatus.QUARANTINED,
        parent=batch,
        actor=actor,
        reason=SOURCE_STOPPED,
    )


def _batches_of_source(source: Source) -> list[Batch]:
    return list(
        db.session.scalars(select(Batch).where(Batch.source_id == source.id).order_by(Batch.id))
    )


def mark_checked(*, lead_ids: Collection[UUID], at: datetime, actor: Actor) -> None:
    """Mark leads as called by us and good: they are sold as "verified by us at" (decision 11)."""
    db.session.execute(update(Lead).where(Lead.id.in_(lead_ids)).values(checked_at=at))
    for batch in _batches_of(lead_ids):
        events.record("lead.checked", subject=batch, actor=actor, count=len(lead_ids))


def lock_own(batch_id: UUID, actor: Actor) -> Batch:
    """The actor's own lot, locked. Raises NotFound."""
    batch = lock(Batch, batch_id)
    if batch.organization_id != actor.organization_id:
        raise NotFound
    return batch


def _forget_people(batch: Batch) -> None:
    of_batch = select(Lead.id).where(Lead.batch_id == batch.id)
    db.session.execute(delete(Fingerprint).where(Fingerprint.lead_id.in_(of_batch)))


def _batches_of(lead_ids: Collection[UUID]) -> list[Batch]:
    inside = select(Lead.batch_id).where(Lead.id.in_(lead_ids))
    return list(db.session.scalars(select(Batch).where(Batch.id.in_(inside)).order_by(Batch.id)))
