"""Questions about the second gate: what is usual in a vertical, and who of a sample was reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict
from uuid import UUID

from sqlalchemy import func, select

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.core.db import db, get
from exchange.verification.models import Inspection, Sample, SampleStatus
from exchange.verification.plans import SamplingPlan
from exchange.verification.reachability import (
    NORM_PEOPLE_MIN,
    Reach,
    ReachFound,
    ReachNorm,
    counts_as_reached,
)


class OpenShares(TypedDict):
    """Shares of bad leads, by what the open ones are taken for, and bounds around all of them."""

    none_bad: float
    resolved: float | None
    all_bad: float
    lower: float | None
    upper: float | None


class ReachFigures(TypedDict):
    """The second gate: who was reached, what is usual, and how surprising so few would be."""

    reached: int
    people: int
    norm: float
    norm_people: int
    norm_lots: int
    p_value: float | None
    open_max: float
    alpha: float
    passes: bool


def reach_found(sample: Sample) -> ReachFound | None:
    """What the second gate said of a decided sample; None where it had no norm."""
    if sample.reach_norm is None or sample.reached is None or sample.stage is None:
        return None
    look = SamplingPlan.from_json(sample.plan).looks[sample.stage - 1]
    norm = ReachNorm.from_json(sample.reach_norm)
    return ReachFound(norm, sample.reached, sample.n, is_whole=sample.n == look)


def reach_of(sample: Sample, drawn: Sequence[Inspection]) -> Reach | None:
    """Who of a sample was reached so far, beside what is usual; None for a sample without a norm.

    The sample's own frozen norm, so that nothing which is decided meanwhile moves its gate.
    """
    if sample.reach_norm is None:
        return None
    norm = ReachNorm.from_json(sample.reach_norm)
    return Reach(norm, [counts_as_reached(inspection.code) for inspection in drawn])


def reach_norm(vertical_id: UUID) -> ReachNorm:
    """What share of a vertical's people the decision policy reaches, from its lots so far.

    Lots that ended with a whole look count: a rejection in the middle of one has heard from dead
    numbers first. The start value of the vertical's terms holds while they are too few.
    """
    row = db.session.execute(
        select(func.sum(Sample.reached), func.sum(Sample.n), func.count()).where(
            Sample.vertical_id == vertical_id,
            Sample.status.in_((SampleStatus.ACCEPTED, SampleStatus.UNDECIDED)),
            Sample.reached.is_not(None),
        )
    ).one()
    reached, people, lots = int(row[0] or 0), int(row[1] or 0), row[2]
    terms = catalog.get_terms(get(Vertical, vertical_id))
    most = terms.attempts.open_share_max_bps
    if people >= NORM_PEOPLE_MIN:
        return ReachNorm(reached, people, lots, most)
    return ReachNorm.start(terms.reachability_norm_bps, open_max_bps=most)
