"""Decided lots by the dozen, for tests: what calls would have found is written down at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, update

from exchange.catalog.scripts import OUTCOME_CLASS, Outcome
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.verification import queries
from exchange.verification.models import (
    Inspection,
    InspectionStatus,
    OutcomeClass,
    Sample,
    SampleStatus,
    VerificationTask,
)
from exchange.verification.services import samples
from tests.cast import Player
from tests.verification.support import make_sample


def make_decided(
    seller: Player,
    found: Mapping[int, Outcome] | None = None,
    *,
    others: Outcome = Outcome.CONFIRMED,
    leads: int = 40,
    **terms: Any,
) -> Sample:
    """A lot whose whole sample was called: these positions ended so, all others otherwise."""
    sample = make_sample(seller, leads=leads, **terms)
    for inspection in queries.inspections_of(sample.id):
        _conclude(inspection, (found or {}).get(inspection.position or 0, others))
    samples.advance(sample_id=sample.id, actor=SYSTEM)
    assert sample.status is not SampleStatus.OPEN
    db.session.commit()
    db.session().info.clear()  # a new unit of work: the next lot is decided later
    return sample


def _conclude(inspection: Inspection, code: Outcome) -> None:
    waiting = VerificationTask.inspection_id == inspection.id
    db.session.execute(delete(VerificationTask).where(waiting))
    db.session.execute(
        update(Inspection)
        .where(Inspection.id == inspection.id)
        .values(
            status=InspectionStatus.CONCLUDED,
            outcome=OutcomeClass(OUTCOME_CLASS[code].value),
            code=code.value,
            concluded_at=clock.now(),
        )
    )
