"""What a checked sample says about its lot: exact bounds on the share of bad leads.

A fixed sample has two-sided or one-sided bounds. A lot that was accepted by a plan with several
looks has its stage-wise bound and no other: a bound that ignores why the checks ended promises too
much (6 bad of 92 after LX-15: 12.5 % instead of 14.95 %).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Self

from exchange.verification.distributions import (
    TOLERANCE,
    binomial_cdf,
    binomial_sf,
    hypergeometric_cdf,
    hypergeometric_sf,
)
from exchange.verification.plans import SamplingPlan
from exchange.verification.sampling import Odds, can_accept_with, probability_up_to

USUAL_CONFIDENCE = Fraction(95, 100)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Shares of bad leads; the counts of a finite lot where its size is known."""

    lower: float
    upper: float
    lower_count: int | None = None
    upper_count: int | None = None


def tail_of(confidence: Fraction, *, sides: int) -> float:
    """The error left on each side: (1 - confidence) / sides. ValueError outside of 1 and 2."""
    if sides not in {1, 2} or not 0 < confidence < 1:
        raise ValueError("bounds need a confidence between 0 and 1, and one side or two")
    return float((1 - confidence) / sides)


def hypergeometric_bounds(bad: int, *, drawn: int, population: int, tail: float) -> Bounds:
    """The numbers of bad leads in the lot under which this sample is not too surprising.

    Upper: the largest D with P(at most `bad` | D) > tail. Lower: the smallest D with
    P(at least `bad` | D) > tail. A lot that was checked wholly has its count on both sides.
    """
    _require_sample(bad, drawn=drawn)
    if drawn > population:
        raise ValueError(f"{drawn} leads cannot be drawn from a lot of {population}")

    def at_most(count: int) -> bool:
        lot = {"population": population, "bad": count, "drawn": drawn}
        return hypergeometric_cdf(bad, **lot) > tail + TOLERANCE

    def at_least(count: int) -> bool:
        lot = {"population": population, "bad": count, "drawn": drawn}
        return hypergeometric_sf(bad - 1, **lot) > tail + TOLERANCE

    fewest, most = bad, population - drawn + bad
    upper = _last(at_most, low=fewest, high=most)
    lower = _last(lambda count: not at_least(count), low=fewest - 1, high=most - 1) + 1
    return Bounds(lower / population, upper / population, lower, upper)


def clopper_pearson_bounds(bad: int, *, drawn: int, tail: float) -> Bounds:
    """The shares under which this sample of an endless lot is not too surprising (binomial)."""
    _require_sample(bad, drawn=drawn)
    lower = upper = 0.0
    if bad > 0:
        lower = _crossing(lambda share: binomial_sf(bad - 1, share=share, drawn=drawn) < tail)
    if bad == drawn:
        return Bounds(lower, 1.0)
    upper = _crossing(lambda share: binomial_cdf(bad, share=share, drawn=drawn) > tail)
    return Bounds(lower, upper)


def jeffreys_bounds(bad: int, *, drawn: int, tail: float) -> Bounds:
    """Quantiles of Beta(bad + 1/2, drawn - bad + 1/2): for display, it promises no coverage.

    The lower bound of no bad lead is 0, the upper bound of nothing but bad ones is 1.
    """
    # Only this bound needs the library, which takes 0.3 s and 28 MB to load.
    from scipy.special import betainccinv, betaincinv  # noqa: PLC0415

    _require_sample(bad, drawn=drawn)
    a, b = bad + 0.5, drawn - bad + 0.5
    return Bounds(
        lower=float(betaincinv(a, b, tail)) if bad > 0 else 0.0,
        upper=float(betainccinv(a, b, tail)) if bad < drawn else 1.0,
    )


def stagewise_upper(plan: SamplingPlan, *, stage: int, bad: int, population: int | None) -> float:
    """The exact one-sided upper bound of the bad share after an acceptance, at plan.confidence.

    Stage-wise ordering: an acceptance at an earlier look is more favorable than one at a later
    look; at the same look, fewer bad leads are. The bound is the largest share under which an
    acceptance at least as favorable as this one still has more than 1 - confidence. At the first
    look of any plan, and for a single plan, it is the one-sided bound of the fixed sample.

    `stage` counts from 1, `bad` is cumulative. With a `population` the lot is finite and the bound
    is `stagewise_upper_count` as a share of it; None is the limit of endless lots (binomial).
    ValueError where the plan cannot have ended so.
    """
    if population is not None:
        count = stagewise_upper_count(plan, stage=stage, bad=bad, population=population)
        return count / population
    _require_acceptance(plan, stage=stage, bad=bad)
    tail = tail_of(plan.confidence, sides=1)

    def likely(share: float) -> bool:
        return probability_up_to(plan, (stage, bad), odds=Odds.endless(share)) > tail

    return _crossing(likely)


def stagewise_upper_count(plan: SamplingPlan, *, stage: int, bad: int, population: int) -> int:
    """The largest number of bad leads in the lot, as `stagewise_upper` orders the outcomes.

    It never exceeds the bad ones found plus the leads that were not drawn, so a lot whose every
    lead was drawn has its count. ValueError where the plan cannot have ended so, or the lot is
    smaller than the look.
    """
    _require_acceptance(plan, stage=stage, bad=bad)
    unseen = population - plan.looks[stage - 1]
    if unseen < 0:
        raise ValueError(f"a lot of {population} has no look of {plan.looks[stage - 1]} leads")
    tail = tail_of(plan.confidence, sides=1)

    def likely(count: int) -> bool:
        odds = Odds.lot(population, bad=count)
        return probability_up_to(plan, (stage, bad), odds=odds) > tail + TOLERANCE

    return _last(likely, low=bad, high=bad + unseen)


@dataclass(frozen=True, slots=True)
class OpenCases:
    """Three shares of bad leads that differ in what the open ones are taken for."""

    none_bad: float  # bad / n: the decision's own count
    resolved: float | None  # bad / those with an answer; None where nobody answered
    all_bad: float  # (bad + open) / n
    lower: float | None  # bound below `none_bad`; None where the counts are no random sample
    upper: float | None  # bound above `all_bad`

    @classmethod
    def of(
        cls, bad: int, *, drawn: int, unresolved: int, lower: float | None, upper: float | None
    ) -> Self:
        """The shares of these counts, with bounds that are known already. `drawn` is not 0."""
        answered = drawn - unresolved
        return cls(
            none_bad=bad / drawn,
            resolved=bad / answered if answered else None,
            all_bad=(bad + unresolved) / drawn,
            lower=lower,
            upper=upper,
        )


@lru_cache(maxsize=4_096)
def open_cases(
    bad: int, *, drawn: int, unresolved: int, tail: float, population: int | None = None
) -> OpenCases:
    """Best and worst case for leads that stayed open, with outer bounds of a fixed sample.

    Exact for the lot where its size is given, else Clopper-Pearson. `tail` is the error on each
    side. ValueError where bad and open together are more than drawn, or nothing was drawn.
    """
    if drawn < 1 or unresolved < 0:
        raise ValueError("open cases need at least one drawn lead")
    _require_sample(bad + unresolved, drawn=drawn)
    best, worst = (
        clopper_pearson_bounds(count, drawn=drawn, tail=tail)
        if population is None
        else hypergeometric_bounds(count, drawn=drawn, population=population, tail=tail)
        for count in (bad, bad + unresolved)
    )
    return OpenCases.of(
        bad, drawn=drawn, unresolved=unresolved, lower=best.lower, upper=worst.upper
    )


def shared_tail(plan: SamplingPlan) -> float:
    """The error on each side where two-sided bounds hold at every look of a plan together.

    A plan goes by the bad leads alone and may end at any look. So the error is shared among its
    looks (Bonferroni): at every look at once, a fixed sample of that size is bounded rightly,
    whatever the open leads are and wherever the plan ends. With this tail `open_cases` has the bad
    share that calls can find above `lower`, and below `upper` with every open lead taken for bad,
    together with plan.confidence.
    """
    return tail_of(plan.confidence, sides=2) / len(plan.looks)


def _last(holds: Callable[[int], bool], *, low: int, high: int) -> int:
    """The largest number in [low, high] up to which it holds; `low` where it never does."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _crossing(holds: Callable[[float], bool]) -> float:
    """The share in [0, 1] up to which it holds, to the last digit that a probability has."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return (low + high) / 2


def _require_sample(bad: int, *, drawn: int) -> None:
    if not 0 <= bad <= drawn:
        raise ValueError(f"{bad} bad leads cannot be among {drawn} drawn ones")


def _require_acceptance(plan: SamplingPlan, *, stage: int, bad: int) -> None:
    if not can_accept_with(plan, bad, stage=stage):
        raise ValueError(f"{plan.name} never accepts at look {stage} with {bad} bad leads")
