"""Questions about a lot: its draw, how far its check is, what was measured, what is public."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypedDict, cast
from uuid import UUID

from sqlalchemy import or_, select

from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.leads import queries as leads
from exchange.leads.models import Batch, BatchStatus
from exchange.verification.inspection_models import FullInspection
from exchange.verification.judging import Judgement, counted_quality, measured_quality
from exchange.verification.models import (
    OF_SAMPLE,
    Draw,
    DrawStatus,
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    Sample,
    SampleStatus,
    VerificationTask,
)
from exchange.verification.plans import SamplingPlan
from exchange.verification.queries import inspected
from exchange.verification.queries.reach import OpenShares, ReachFigures, reach_found
from exchange.verification.queries.reputation import DECIDED, SourceRecord, records_before
from exchange.verification.queries.sources import lot_sources, source_map, source_map_hash
from exchange.verification.records import OpenLeaves, iso, write_record

# `class` is a word of Python, so the fields are listed as a call.
Quality = TypedDict(
    "Quality",
    {
        "class": str,
        "n": int,
        "good": int,
        "bad": int,
        "open": int,
        "population": int,
        "bad_upper": float | None,  # after an acceptance only
        "confidence": float,
        "method": str,
        "open_cases": OpenShares | None,  # None: nobody stayed unasked
        "reachability": ReachFigures | None,  # None: decided before there was a norm
        "checked_at": datetime,
        "source": SourceRecord | None,  # None: no earlier lot
    },
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a check is. It tells nothing of what was found: that is known at the decision."""

    status: SampleStatus
    plan: str  # its name
    looks: tuple[int, ...]
    stage: int  # the look that is awaited or decided, from 1
    checked: int
    most: int  # leads that the plan can ask for

    @property
    def share(self) -> float:
        """The part of the awaited look that is done, at most 1."""
        return min(1.0, self.checked / self.looks[self.stage - 1])


def open_commitment(organization_id: UUID) -> Draw | None:
    """The commitment that the seller's next upload will use."""
    return db.session.scalar(
        select(Draw).where(
            Draw.organization_id == organization_id, Draw.status == DrawStatus.COMMITTED
        )
    )


def next_commitment(organization_id: UUID) -> str:
    """The open commitment in hexadecimal; empty where none was published yet."""
    found = open_commitment(organization_id)
    return found.commitment.hex() if found else ""


def get_draw(batch_id: UUID) -> Draw | None:
    """The draw of a batch, from its seal on."""
    return db.session.scalar(select(Draw).where(Draw.batch_id == batch_id))


def get_draw_of(batch: Batch) -> Draw | None:
    """The draw that was assigned before the batch's file was read, or its first lead came."""
    if batch.import_id is None:
        return get_draw(batch.id)
    return db.session.scalar(select(Draw).where(Draw.import_id == batch.import_id))


def draws_to_make(now: datetime, *, limit: int) -> Sequence[UUID]:
    """Sealed batches that have their nonce, or nobody to wait for any longer."""
    waiting = or_(Draw.nonce.is_not(None), Draw.nonce_until <= now)
    statement = (
        select(Draw.batch_id)
        .join(Batch, Batch.id == Draw.batch_id)
        .where(Draw.status == DrawStatus.ROOTED, Batch.status == BatchStatus.SEALED, waiting)
        .order_by(Draw.rooted_at)
        .limit(limit)
    )
    return [batch_id for batch_id in db.session.scalars(statement) if batch_id]


def find_sample(batch_id: UUID) -> Sample | None:
    """The sample of a batch once it was drawn."""
    return db.session.scalar(select(Sample).where(Sample.batch_id == batch_id))


def inspections_of(sample_id: UUID) -> Sequence[Inspection]:
    """The inspections of a sample's core in draw order, as they are now."""
    found = asked_for(sample_id)
    return [inspection for inspection in found if inspection.purpose is InspectionPurpose.SAMPLE]


def asked_for(sample_id: UUID) -> Sequence[Inspection]:
    """The inspections that a lot is decided by, as they are now: core in draw order, then extra."""
    mine = (Inspection.ref_id == sample_id, Inspection.purpose.in_(OF_SAMPLE))
    statement = select(Inspection).where(*mine).order_by(Inspection.position)
    return db.session.scalars(statement.execution_options(populate_existing=True)).all()


def called_of(sample_id: UUID) -> set[UUID]:
    """Those of them for which a call was put into the queue, ever."""
    asked = select(VerificationTask.inspection_id).join(
        Inspection, Inspection.id == VerificationTask.inspection_id
    )
    return set(db.session.scalars(asked.where(Inspection.ref_id == sample_id)))


def progress(batch_id: UUID) -> Progress | None:
    """How far the check of a batch is; None before the draw."""
    sample = find_sample(batch_id)
    if sample is None:
        return None
    plan = SamplingPlan.from_json(sample.plan)
    final = db.session.scalars(
        select(Inspection.position).where(
            Inspection.ref_id == sample.id, Inspection.status == InspectionStatus.CONCLUDED
        )
    ).all()
    done = [sum(1 for position in final if position and position <= n) for n in plan.looks]
    awaited = next((i for i, n in enumerate(plan.looks, 1) if done[i - 1] < n), len(plan.looks))
    stage = sample.stage or awaited
    checked = done[stage - 1] if sample.status is SampleStatus.OPEN else sample.n
    return Progress(sample.status, plan.name, plan.looks, stage, checked, plan.looks[-1])


def published_quality(batch_id: UUID) -> Quality | None:
    """What was measured (decision 31); None before the decision and for lots without a sample."""
    return published_qualities([batch_id]).get(batch_id)


def published_qualities(batch_ids: Collection[UUID]) -> dict[UUID, Quality]:
    """The same for many batches in a few queries; a batch without one is missing.

    What everybody was called for counts above what a sample said.
    """
    found = sample_qualities(batch_ids)
    for batch_id, inspection in inspected.concluded(batch_ids).items():
        found[batch_id] = _counted(inspection, sampled=found.get(batch_id))
    return found


def sample_qualities(batch_ids: Collection[UUID]) -> dict[UUID, Quality]:
    """What the samples of these batches said, whatever came after them."""
    rows = db.session.execute(
        select(Sample, Batch)
        .join(Batch, Batch.id == Sample.batch_id)
        .where(Sample.batch_id.in_(batch_ids), Sample.status.in_(DECIDED))
    ).all()
    if not rows:
        return {}
    records = records_before([batch.id for _, batch in rows])
    return {batch.id: _quality(sample, batch, records) for sample, batch in rows}


def _quality(sample: Sample, batch: Batch, records: Mapping[UUID, SourceRecord | None]) -> Quality:
    assert sample.decided_at is not None
    measured = measured_quality(
        SamplingPlan.from_json(sample.plan),
        judgement_of(sample),
        quality_class=batch.quality_class.value,
        bound=sample.bad_upper,
    )
    quality: Any = {  # Any: as listed
        **measured,
        "checked_at": sample.decided_at,
        "source": records[batch.id],
    }
    return cast("Quality", quality)  # the keys of `measured_quality` and these two


def _counted(inspection: FullInspection, *, sampled: Quality | None) -> Quality:
    """The figures of a lot of which everybody was called: its bound is the count itself."""
    assert inspection.concluded_at is not None
    batch = get(Batch, inspection.batch_id)
    measured = counted_quality(
        good=inspection.good,
        bad=inspection.bad,
        unresolved=inspection.unresolved,
        population=batch.population,
        quality_class=batch.quality_class.value,
    )
    source = sampled and sampled["source"]
    quality: Any = {**measured, "checked_at": inspection.concluded_at, "source": source}
    return cast("Quality", quality)  # as `_quality`


def judgement_of(sample: Sample) -> Judgement:
    """The decision that a sample holds."""
    assert sample.stage is not None
    return Judgement(
        sample.status,
        sample.stage,
        sample.n,
        sample.good,
        sample.bad,
        sample.unresolved,
        reach=reach_found(sample),
    )


def known_outcome(lead_id: UUID) -> tuple[OutcomeClass, str] | None:
    """What the last concluded check of a lead found: the class and the outcome code behind it.

    One that stayed open takes nothing back of what an earlier one had found.
    """
    row = db.session.execute(
        select(Inspection.outcome, Inspection.code)
        .where(
            Inspection.lead_id == lead_id,
            Inspection.status == InspectionStatus.CONCLUDED,
            Inspection.purpose != InspectionPurpose.GOLD,  # says something of its verifier alone
        )
        .order_by(
            Inspection.outcome == OutcomeClass.OPEN,
            Inspection.concluded_at.desc(),
            Inspection.id.desc(),
        )
        .limit(1)
    ).one_or_none()
    if row is None or row.outcome is None or row.code is None:
        return None
    return row.outcome, row.code


def is_public(batch: Batch) -> bool:
    """Whether the record of a batch may be seen by everybody: its draw was made and judged."""
    return batch.decided_at is not None and (
        batch.merkle_root is not None and get_draw(batch.id) is not None
    )


@dataclass(frozen=True, slots=True)
class PublicRecord:
    """What anybody may have of a decided lot: the header, its leaves and the map of its sources."""

    header: dict[str, Any]  # Any: JSON
    leaves: OpenLeaves
    source_map: Callable[[], bytes | None]


def public_record(batch_id: UUID) -> PublicRecord:
    """The record of a decided lot, for everybody. Raises NotFound before the decision."""
    batch, sample, draw = get(Batch, batch_id), find_sample(batch_id), get_draw(batch_id)
    if draw is None or not is_public(batch):
        raise NotFound("The record of a draw is public once its lot is decided.")
    quality = sample_qualities([batch_id]).get(batch_id)
    header = write_record(
        batch,
        draw,
        sample,
        drawn=inspections_of(sample.id) if sample else [],
        quality=quality and _as_json(quality),
        source_map=source_map_hash(batch_id),
        sources=lot_sources(batch_id),
    )
    return PublicRecord(header, partial(leads.leaves, batch_id), partial(source_map, batch_id))


def _as_json(quality: Quality) -> Mapping[str, Any]:  # Any: JSON values
    return {**quality, "checked_at": iso(quality["checked_at"])}


def draw_so_far(batch: Batch) -> dict[str, Any]:  # Any: JSON
    """What the seller may see before the decision: nothing of who is called or was found."""
    draw, seen = get_draw(batch.id) or get_draw_of(batch), progress(batch.id)
    sample = find_sample(batch.id)
    return {
        "object": "draw",
        "batch": batch.public_id,
        "quality_class": batch.quality_class.value,
        "population": batch.population,
        "root": batch.merkle_root and batch.merkle_root.hex(),
        "source_map": source_map_hash(batch.id),
        "commitment": draw and draw.commitment.hex(),
        "committed_at": draw and iso(draw.created_at),
        "assigned_at": draw and iso(draw.assigned_at),
        "rooted_at": draw and iso(draw.rooted_at),
        "nonce_until": draw and iso(draw.nonce_until),
        "nonce": draw and draw.nonce,
        "nonce_by": draw and draw.nonce_by,
        "plan": sample.plan if sample else None,
        "reach_norm": sample.reach_norm if sample else None,
        "progress": {"checked": seen.checked, "most": seen.most} if seen else None,
    }
