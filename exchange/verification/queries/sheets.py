"""The sheet of a lot: its plan, what the plan can tell, and after the decision what was found.

Before the decision a sheet holds nothing of what was found: seller and buyer see the plan alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from exchange.catalog.policies import QualityClass
from exchange.core.db import db
from exchange.leads.models import Batch
from exchange.verification.curves import Curve, curve_of, risks_of
from exchange.verification.models import Inspection, OutcomeClass, Sample, SampleStatus
from exchange.verification.plans import SamplingPlan, plan_for
from exchange.verification.queries.lots import find_sample
from exchange.verification.sampling import ActualRisks, acceptance_probability


@dataclass(frozen=True, slots=True)
class Look:
    """One look of the plan; the counts are None where it was not taken, or not decided yet."""

    n: int
    accept: int
    reject: int
    checked: int | None = None
    good: int | None = None
    bad: int | None = None
    open: int | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """The share of bad leads that was found, and how likely a lot of just that share passes."""

    share: float
    chance: float


@dataclass(frozen=True, slots=True)
class LotSheet:
    """A lot's plan with everything that is said about it."""

    plan: SamplingPlan
    risks: ActualRisks
    curve: Curve
    looks: tuple[Look, ...]
    status: SampleStatus | None  # None: not drawn yet
    stage: int | None  # the look that decided, from 1
    measured: Measured | None  # None before the decision

    @property
    def limit(self) -> float:
        """What the class allows: the share of bad leads from which the buyer is protected."""
        return float(self.plan.risks.p2)

    @property
    def deciding(self) -> Look | None:
        """The look that decided."""
        return None if self.stage is None else self.looks[self.stage - 1]


def lot_sheet(batch: Batch) -> LotSheet | None:
    """The sheet of a sealed lot; None before the seal and for a lot without a sample."""
    sample = find_sample(batch.id)
    plan = SamplingPlan.from_json(sample.plan) if sample else _plan_to_come(batch)
    if plan is None:
        return None
    is_decided = sample is not None and sample.status is not SampleStatus.OPEN
    return LotSheet(
        plan=plan,
        risks=risks_of(plan),
        curve=curve_of(plan),
        looks=_looks(plan, sample if is_decided else None),
        status=sample.status if sample else None,
        stage=sample.stage if sample and is_decided else None,
        measured=_measured(plan, sample) if sample and is_decided else None,
    )


def _plan_to_come(batch: Batch) -> SamplingPlan | None:
    """What a lot will be checked with: size and class say it before anybody is drawn."""
    if not batch.population or batch.quality_class is QualityClass.UNVERIFIED:
        return None
    return plan_for(batch.population, batch.quality_class)


def _looks(plan: SamplingPlan, decided: Sample | None) -> tuple[Look, ...]:
    numbers = list(zip(plan.looks, plan.accept, plan.reject, strict=True))
    if decided is None or decided.stage is None:
        return tuple(Look(*look) for look in numbers)
    counted = _counted(decided.id)
    taken = [_taken(look, counted) for look in numbers[: decided.stage]]
    return (*taken, *(Look(*look) for look in numbers[decided.stage :]))


def _taken(look: tuple[int, int, int], counted: Sequence[tuple[int, OutcomeClass]]) -> Look:
    found = Counter(outcome for position, outcome in counted if position <= look[0])
    return Look(
        *look,
        checked=found.total(),
        good=found[OutcomeClass.GOOD],
        bad=found[OutcomeClass.BAD],
        open=found[OutcomeClass.OPEN],
    )


def _counted(sample_id: UUID) -> list[tuple[int, OutcomeClass]]:
    """Position and outcome of everybody by whom the decision was made."""
    rows = db.session.execute(
        select(Inspection.position, Inspection.outcome).where(
            Inspection.ref_id == sample_id, Inspection.is_counted, Inspection.position.is_not(None)
        )
    )
    return [(row[0], row[1]) for row in rows if row[0] is not None and row[1] is not None]


def _measured(plan: SamplingPlan, sample: Sample) -> Measured | None:
    if not sample.n:
        return None
    share = sample.bad / sample.n
    return Measured(share, acceptance_probability(plan, round(share * plan.size)))
