"""Questions about the guarantee: whom a look behind a lot would call, and how it stands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select

from exchange.core.db import db
from exchange.leads.models import Batch, BatchStatus, Lead
from exchange.verification.draw import ticket
from exchange.verification.inspection_models import (
    FullInspection,
    FullInspectionStatus,
    GuaranteeRun,
    GuaranteeStatus,
)
from exchange.verification.models import Draw, Inspection, InspectionStatus, OutcomeClass, Sample


def run_of(batch_id: UUID) -> GuaranteeRun | None:
    """The look behind a lot, if there was one."""
    return db.session.scalar(select(GuaranteeRun).where(GuaranteeRun.batch_id == batch_id))


def runs_of(batch_ids: Collection[UUID]) -> dict[UUID, GuaranteeRun]:
    """The looks behind these lots, by lot."""
    found = db.session.scalars(select(GuaranteeRun).where(GuaranteeRun.batch_id.in_(batch_ids)))
    return {run.batch_id: run for run in found}


def given_up() -> ColumnElement[bool]:
    """Whether a look's seller chose to have everybody called and took the lot back meanwhile."""
    told = select(FullInspection.id).where(
        FullInspection.batch_id == GuaranteeRun.batch_id,
        FullInspection.is_whole,
        FullInspection.status == FullInspectionStatus.CONCLUDED,
    )
    withdrawn = select(Batch.id).where(
        Batch.id == GuaranteeRun.batch_id, Batch.status == BatchStatus.WITHDRAWN
    )
    return and_(
        GuaranteeRun.status == GuaranteeStatus.INSPECTION,
        withdrawn.correlate(GuaranteeRun).exists(),
        ~told.correlate(GuaranteeRun).exists(),
    )


def is_given_up(run: GuaranteeRun) -> bool:
    """The same of one look."""
    found = select(GuaranteeRun.id).where(GuaranteeRun.id == run.id, given_up())
    return db.session.scalar(found) is not None


def in_order(draw: Draw, lead_ids: Collection[UUID]) -> Sequence[Lead]:
    """These leads of a lot as its draw would come to them: further down the order, no new lot."""
    assert draw.seed is not None
    seed = draw.seed
    found = db.session.scalars(select(Lead).where(Lead.id.in_(lead_ids), Lead.in_frame)).all()
    return sorted(found, key=lambda lead: (ticket(seed, lead.leaf), lead.row_number))


def sampled(sample: Sample) -> dict[UUID, OutcomeClass]:
    """What the sample's decision counted, by lead."""
    rows = db.session.execute(
        select(Inspection.lead_id, Inspection.outcome).where(
            Inspection.ref_id == sample.id, Inspection.is_counted, Inspection.outcome.is_not(None)
        )
    )
    return {row[0]: row[1] for row in rows if row[1] is not None}


def answers(run_id: UUID) -> dict[OutcomeClass | None, int]:
    """How the questions of a look stand; None counts those without an answer."""
    rows = db.session.execute(
        select(Inspection.outcome, func.count())
        .where(Inspection.ref_id == run_id, Inspection.status != InspectionStatus.CANCELLED)
        .group_by(Inspection.outcome)
    )
    return {row[0]: row[1] for row in rows}
