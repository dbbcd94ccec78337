"""Bounds around people who stayed open hold at the look that decided, wherever that was."""

from __future__ import annotations

import math

import pytest

from exchange.verification.bounds import hypergeometric_bounds, tail_of
from exchange.verification.distributions import hypergeometric_pmf
from exchange.verification.plans import SamplingPlan, plan_for
from exchange.verification.sampling import _stops

POPULATION = 1_000


def miss(plan: SamplingPlan, bad: int, *, tail: float) -> float:
    """P(the lot is accepted and its two bounds do not hold its bad leads), exact."""
    missed = []
    for stop in _stops(plan):
        if not stop.accepted:
            continue
        drawn = plan.looks[stop.stage - 1]
        found = hypergeometric_bounds(stop.bad, drawn=drawn, population=POPULATION, tail=tail)
        assert found.lower_count is not None
        assert found.upper_count is not None
        if not found.lower_count <= bad <= found.upper_count:
            chance = hypergeometric_pmf(stop.bad, population=POPULATION, bad=bad, drawn=drawn)
            missed.append(stop.share * chance)
    return math.fsum(missed)


@pytest.mark.parametrize("bad", [0, 5, 20, 30, 50, 80, 100, 120, 150, 200])
def test_bounds_that_share_their_error_miss_at_most_one_time_in_twenty(bad: int) -> None:
    plan = plan_for(POPULATION, "standard")
    tail = tail_of(plan.confidence, sides=2)
    assert miss(plan, bad, tail=tail / len(plan.looks)) <= 0.05
