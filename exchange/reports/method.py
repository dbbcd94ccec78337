"""The figures of the method page, all exact: plans, their risks, curve and bounds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from exchange.catalog.policies import BAD_LIMIT_BPS, QualityClass
from exchange.verification.bounds import stagewise_upper
from exchange.verification.curves import Curve, curve_of, risks_of
from exchange.verification.plans import SamplingPlan, plan_for
from exchange.verification.sampling import (
    ActualRisks,
    acceptance_probability,
    expected_checks,
)

LOT: Final = 1_000  # leads of the example
SHARES: Final = (0.0, 0.03, 0.05, 0.08, 0.10, 0.15)


@dataclass(frozen=True, slots=True)
class Bound:
    """An acceptance at one look, and what is then published as the most that can be bad."""

    n: int
    bad: int
    upper: float


@dataclass(frozen=True, slots=True)
class Chance:
    """A share of bad leads in the lot, its chance to pass, and how many are called on average."""

    share: float
    passes: float
    checks: float


@dataclass(frozen=True, slots=True)
class Method:
    """What a quality class is checked with, for a lot of 1,000."""

    quality_class: QualityClass
    limit: float
    plan: SamplingPlan
    risks: ActualRisks
    curve: Curve
    bounds: tuple[Bound, ...]
    chances: tuple[Chance, ...]


@cache
def method_of(quality_class: QualityClass) -> Method:
    """The method of a class; worked out once, for nothing in it ever changes."""
    plan = plan_for(LOT, quality_class)
    return Method(
        quality_class=quality_class,
        limit=BAD_LIMIT_BPS[quality_class] / 10_000,
        plan=plan,
        risks=risks_of(plan),
        curve=curve_of(plan),
        bounds=tuple(_bound(plan, stage) for stage in range(1, len(plan.looks) + 1)),
        chances=tuple(_chance(plan, share) for share in SHARES),
    )


def classes() -> tuple[QualityClass, ...]:
    """The classes that promise something, the most lenient first."""
    return tuple(BAD_LIMIT_BPS)


def _bound(plan: SamplingPlan, stage: int) -> Bound:
    n, bad = plan.looks[stage - 1], plan.accept[stage - 1]
    return Bound(n, bad, stagewise_upper(plan, stage=stage, bad=bad, population=LOT))


def _chance(plan: SamplingPlan, share: float) -> Chance:
    bad = round(LOT * share)
    return Chance(share, acceptance_probability(plan, bad), expected_checks(plan, bad))
