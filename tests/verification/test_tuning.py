"""Tuned plans and tripwires: promises in rational arithmetic, savings against other plans."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from exchange.verification.plans import (
    HOUSE_RISKS,
    LX_08,
    LX_10,
    LX_15,
    LX_20,
    Risks,
    Rounding,
    SamplingPlan,
    single_plan,
)
from exchange.verification.sampling import actual_risks, expected_checks
from exchange.verification.tripwires import SOURCE_RULE, tripwire_plan
from exchange.verification.tuning import tuned_pattern, tuned_plan
from tests.verification.exact import acceptance, exact_acceptance, exact_cdf

EXACT = {"rel": 0, "abs": 1e-12}


def risks_of(text: str) -> Risks:
    return Risks.of(**dict(zip(("p1", "alpha", "p2", "beta"), text.split(), strict=True)))


def mean_checks(plan: SamplingPlan) -> float:
    return sum(expected_checks(plan, bad) for bad in (0, plan.bad_at_p1, plan.bad_at_p2)) / 3


class TestTunedPlan:
    @pytest.mark.parametrize(
        ("size", "wish"),
        [
            (100, ".03 .05 .15 .05"),
            (137, ".05 .10 .20 .01"),
            (1_000, ".03 .05 .15 .05"),
            (1_000, ".02 .05 .08 .05"),
            (999, ".01 .01 .10 .10"),
            (400, ".20 .05 .40 .05"),
            (5_000, ".90 .05 .99 .02"),
            (100_001, ".03 .05 .10 .05"),
            (2_000, ".80 .000000001 .92 .01"),
        ],
    )
    def test_keeps_both_promises_exactly_and_saves_checks(self, size: int, wish: str):
        risks = risks_of(wish)
        plan = tuned_plan(size, risks=risks)
        assert len(plan.looks) > 1
        assert (plan.name, plan.size, plan.risks) == ("tuned", size, risks)
        fine = 1 - exact_acceptance(plan, population=size, bad=plan.bad_at_p1)
        foul = exact_acceptance(plan, population=size, bad=plan.bad_at_p2)
        assert fine <= risks.alpha
        assert foul <= risks.beta
        told = actual_risks(plan)
        assert (told.alpha, told.beta) == pytest.approx((float(fine), float(foul)), **EXACT)
        assert mean_checks(plan) < mean_checks(single_plan(size, risks=risks))

    @pytest.mark.parametrize("house", [LX_15, LX_10, LX_08, LX_20], ids=lambda plan: plan.name)
    def test_takes_about_no_more_checks_than_the_plans_of_the_house(self, house: SamplingPlan):
        for size in (300, 50_000):
            tuned = tuned_plan(size, risks=house.risks)
            assert mean_checks(tuned) < 1.01 * mean_checks(house.at(size))

    def test_every_look_can_decide_something(self):
        plan = tuned_plan(100, risks=HOUSE_RISKS)
        for i in range(1, len(plan.looks) - 1):
            rises = plan.accept[i] > plan.accept[i - 1]
            assert rises or plan.reject[i] < plan.reject[i + 1]

    def test_rounds_as_it_is_told(self):
        fair = tuned_plan(130, risks=HOUSE_RISKS, rounding=Rounding.FAIR)
        assert (fair.rounding, fair.bad_at_p1) == (Rounding.FAIR, 4)
        assert 1 - exact_acceptance(fair, population=130, bad=4) <= HOUSE_RISKS.alpha

    @pytest.mark.parametrize(
        ("size", "wish"),
        [
            (99, ".03 .05 .15 .05"),  # small
            (1, ".03 .05 .15 .05"),
            (1_000, "0 .05 .15 .05"),  # one bad lead is too many: nothing to wait for
            (1_000, ".01 .05 .60 .05"),  # four checks
            (100_000, ".03 .05 .04 .05"),  # 3,527 checks
        ],
    )
    def test_is_the_single_plan_where_waves_save_nothing(self, size: int, wish: str):
        risks = risks_of(wish)
        assert tuned_plan(size, risks=risks) == single_plan(size, risks=risks)


class TestTunedPattern:
    def test_holds_in_every_lot_from_its_last_look_on(self):
        risks = risks_of(".04 .05 .18 .05")
        pattern = tuned_pattern(risks)
        assert (pattern.population, len(pattern.looks) > 1) == (None, True)
        sizes = np.array([*range(pattern.looks[-1], 1_201), 2_345, 60_000, 1_000_000])
        fine = [risks.bad_at_p1(size) for size in sizes.tolist()]
        foul = [risks.bad_at_p2(size) for size in sizes.tolist()]
        assert acceptance(pattern, population=sizes, bad=np.array(fine)).min() >= 0.95
        assert acceptance(pattern, population=sizes, bad=np.array(foul)).max() <= 0.05
        with pytest.raises(ValueError, match="needs a lot of at least"):
            pattern.at(pattern.looks[-1] - 1)

    @pytest.mark.parametrize(
        ("wish", "told"),
        [(".03 .05 .035 .05", "too close"), ("0 .05 .15 .05", "no plan in waves")],
    )
    def test_says_where_there_is_none(self, wish: str, told: str):
        with pytest.raises(ValueError, match=told):
            tuned_pattern(risks_of(wish))


class TestSinglePlanOfClosePoints:
    def test_is_the_smallest_of_all(self):
        size, risks = 700, risks_of(".04 .05 .06 .10")
        plan = single_plan(size, risks=risks)
        drawn, accept = np.ogrid[1 : size + 1, 0:42]
        holds = hypergeom.cdf(accept, size, 28, drawn) >= 0.95 - 1e-12
        holds &= hypergeom.cdf(accept, size, 42, drawn) <= 0.10 + 1e-12
        n = int(np.argmax(holds.any(axis=1)))
        assert (plan.looks[0], plan.accept[0]) == (n + 1, int(np.argmax(holds[n])))

    def test_needs_no_walk_through_every_acceptance_number(self):
        plan = single_plan(1_000_000, risks=risks_of(".03 .05 .031 .05"))
        n, accept = plan.looks[0], plan.accept[0]
        assert accept > 7_000
        assert hypergeom.cdf(accept, 1_000_000, 30_000, n) >= 0.95
        assert hypergeom.cdf(accept, 1_000_000, 31_000, n) <= 0.05
        assert hypergeom.cdf(accept, 1_000_000, 31_000, n - 1) > 0.05


class TestTripwire:
    @given(size=st.integers(1, 300), p2=st.integers(1, 60), beta=st.integers(1, 50))
    def test_is_the_smallest_that_shows_it(self, size: int, p2: int, beta: int):
        risks = Risks(Fraction(0), Fraction(1, 20), Fraction(p2, 100), Fraction(beta, 100))
        plan = tripwire_plan(size, risks=risks)
        n, foul = plan.looks[0], risks.bad_at_p2(size)
        assert (plan.accept, plan.reject) == ((0,), (1,))
        assert exact_cdf(0, population=size, bad=foul, drawn=n) <= risks.beta
        assert n == 1 or exact_cdf(0, population=size, bad=foul, drawn=n - 1) > risks.beta

    def test_of_a_large_lot(self):
        plan = tripwire_plan(1_000_000, risks=HOUSE_RISKS)
        assert plan.looks == (19,)
        assert actual_risks(plan).alpha == pytest.approx(1 - 0.97**19, abs=1e-5)  # 44 %

    def test_of_nothing(self):
        with pytest.raises(ValueError, match="at least one lead"):
            tripwire_plan(0, risks=HOUSE_RISKS)


class TestRuleOfSources:
    @pytest.mark.parametrize(("share", "rings"), [(0.3, 0.915), (0.03, 0.049), (0.01, 0.006)])
    def test_rings_as_published(self, share: float, rings: float):
        assert SOURCE_RULE.quarantined(share) == pytest.approx(rings, abs=5e-4)
