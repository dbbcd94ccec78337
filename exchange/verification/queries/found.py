"""Questions about what checks found in a lot, and whether its decision is still to come."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from exchange.core.db import db
from exchange.leads.models import Batch, BatchStatus, Lead
from exchange.verification.models import (
    OF_SAMPLE,
    OF_THE_DECISION,
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    Sample,
)


def found_bad(batch_id: UUID) -> Sequence[Inspection]:
    """Whoever of a lot was found bad by any check, the first answer first."""
    return db.session.scalars(
        select(Inspection)
        .join(Lead, Lead.id == Inspection.lead_id)
        .where(
            Lead.batch_id == batch_id,
            Inspection.outcome == OutcomeClass.BAD,
            Inspection.purpose != InspectionPurpose.GOLD,
        )
        .order_by(Inspection.concluded_at, Inspection.id)
    ).all()


def found_beside(sample: Sample) -> Sequence[Inspection]:
    """What calls beside the sample's own have found of a lot before its decision."""
    return db.session.scalars(
        select(Inspection)
        .join(Lead, Lead.id == Inspection.lead_id)
        .where(
            Lead.batch_id == sample.batch_id,
            Inspection.purpose.in_(OF_THE_DECISION - OF_SAMPLE),
            Inspection.status == InspectionStatus.CONCLUDED,
        )
        .order_by(Inspection.concluded_at, Inspection.id)
    ).all()


def is_sampled(lead_id: UUID) -> bool:
    """Whether a lead is of a lot whose sample is not decided."""
    statuses = select(Batch.status).join(Lead, Lead.batch_id == Batch.id)
    return db.session.scalar(statuses.where(Lead.id == lead_id)) is BatchStatus.SAMPLING
