"""The judgement on a lot: from outcomes in draw order to the decision and the published figures.

The same functions decide and verify. Open leads count as not bad; a lot of which too many stay
open is undecided, never accepted by silence (decisions 7, 31 and 32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from exchange.verification.bounds import stagewise_upper
from exchange.verification.models import OutcomeClass, SampleStatus
from exchange.verification.plans import SamplingPlan
from exchange.verification.sampling import Decision, count_looks, decide

OPEN_SHARE_MAX: Final = Fraction(40, 100)
METHOD: Final = "stage-wise"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the sample says so far: its status, the look that decides or is awaited, its tally."""

    status: SampleStatus
    stage: int  # from 1
    n: int  # final leads of this look
    good: int
    bad: int
    open: int


def judge(plan: SamplingPlan, outcomes: Sequence[OutcomeClass | None]) -> Judgement:
    """Judge a lot by its outcomes in draw order; None is not final yet.

    A rejection stands whatever stayed open: its bad leads were found. An acceptance needs at least
    three of five drawn people to have answered.
    """
    bad = [None if outcome is None else outcome is OutcomeClass.BAD for outcome in outcomes]
    standing = decide(plan, count_looks(plan, bad))
    look = plan.looks[min(standing.stage, len(plan.looks)) - 1]
    final = [outcome for outcome in outcomes[:look] if outcome is not None]
    counts = {kind: final.count(kind) for kind in OutcomeClass}
    status = {
        Decision.CONTINUE: SampleStatus.OPEN,
        Decision.ACCEPT: SampleStatus.ACCEPTED,
        Decision.REJECT: SampleStatus.REJECTED,
    }[standing.decision]
    unresolved = counts[OutcomeClass.OPEN]
    if status is SampleStatus.ACCEPTED and unresolved > OPEN_SHARE_MAX * len(final):
        status = SampleStatus.UNDECIDED
    return Judgement(
        status=status,
        stage=standing.stage,
        n=len(final),
        good=counts[OutcomeClass.GOOD],
        bad=counts[OutcomeClass.BAD],
        open=unresolved,
    )


def called_ahead(plan: SamplingPlan, *, stage: int) -> int:
    """How far down the draw order people are called while this look is awaited.

    One look ahead, so that a look costs no extra day, and never beyond twice the coming one.
    """
    coming = plan.looks[stage - 1]
    following = plan.looks[min(stage, len(plan.looks) - 1)]
    return min(following, 2 * coming)


def upper_bound(plan: SamplingPlan, judgement: Judgement) -> float | None:
    """The exact bound of the bad share after an acceptance; there is none after anything else."""
    if judgement.status is not SampleStatus.ACCEPTED:
        return None
    return stagewise_upper(
        plan, stage=judgement.stage, bad=judgement.bad, population=plan.population
    )


def measured_quality(
    plan: SamplingPlan, judgement: Judgement, *, quality_class: str, bound: float | None
) -> dict[str, Any]:  # Any: JSON values
    """The figures of decision 31 that the sample alone determines, with its `upper_bound`.

    An undecided lot keeps its counts and loses its class: it can only be sold as unverified.
    """
    undecided = judgement.status is SampleStatus.UNDECIDED
    return {
        "class": "unverified" if undecided else quality_class,
        "n": judgement.n,
        "good": judgement.good,
        "bad": judgement.bad,
        "open": judgement.open,
        "population": plan.size,
        "bad_upper": bound,
        "confidence": float(plan.confidence),
        "method": METHOD,
    }
