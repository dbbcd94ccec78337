"""Plans, decisions and their probabilities, against exact rational arithmetic written here."""

from __future__ import annotations

import json
import math
import os
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.verification.bounds import (
    clopper_pearson_bounds,
    hypergeometric_bounds,
    jeffreys_bounds,
    open_cases,
    stagewise_upper,
    stagewise_upper_count,
    tail_of,
)
from exchange.verification.distributions import (
    binomial_cdf,
    binomial_pmf,
    binomial_sf,
    hypergeometric_cdf,
    hypergeometric_pmf,
    hypergeometric_sf,
)
from exchange.verification.plans import (
    HOUSE_RISKS,
    LX_08,
    LX_10,
    LX_15,
    LX_20,
    Risks,
    Rounding,
    SamplingPlan,
    house_plan,
    plan_for,
    single_plan,
)
from exchange.verification.sampling import (
    Decision,
    LookCount,
    Standing,
    acceptance_probability,
    actual_risks,
    count_looks,
    decide,
    expected_checks,
)
from tests.verification.exact import exact_acceptance, exact_cdf, exact_pmf

PATTERNS = {plan.name: plan for plan in (LX_15, LX_10, LX_08, LX_20)}
REPOSITORY = Path(__file__).resolve().parents[2]
EXACT = {"rel": 0, "abs": 1e-12}


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    shared = Path(os.environ.get("EXCHANGE_SHARED", REPOSITORY.parent / "shared"))
    path = shared / "data" / "sampling_reference.json"
    if not path.exists():
        pytest.skip(f"no reference values at {path}; EXCHANGE_SHARED can name their folder")
    return json.loads(path.read_text())


@st.composite
def lots(draw: st.DrawFn, largest: int = 400) -> dict[str, int]:
    population = draw(st.integers(1, largest))
    return {
        "population": population,
        "bad": draw(st.integers(0, population)),
        "drawn": draw(st.integers(0, population)),
    }


class TestHypergeometric:
    @given(lot=lots(), k=st.integers(-2, 402))
    def test_equals_whole_number_arithmetic(self, lot: dict[str, int], k: int):
        exact = exact_cdf(k, **lot)
        assert hypergeometric_pmf(k, **lot) == pytest.approx(float(exact_pmf(k, **lot)), **EXACT)
        assert hypergeometric_cdf(k, **lot) == pytest.approx(float(exact), **EXACT)
        assert hypergeometric_sf(k, **lot) == pytest.approx(float(1 - exact), **EXACT)

    @settings(max_examples=40)
    @given(bad=st.integers(0, 1_000_000), drawn=st.integers(0, 300), k=st.integers(0, 60))
    def test_holds_in_a_lot_of_a_million(self, bad: int, drawn: int, k: int):
        lot = {"population": 1_000_000, "bad": bad, "drawn": drawn}
        assert hypergeometric_cdf(k, **lot) == pytest.approx(float(exact_cdf(k, **lot)), **EXACT)

    def test_half_of_a_big_lot_neither_overflows_nor_loses_digits(self):
        lot = {"population": 20_000, "bad": 10_000, "drawn": 10_000}
        assert hypergeometric_pmf(5_000, **lot) == pytest.approx(
            float(exact_pmf(5_000, **lot)), rel=1e-12
        )
        # By symmetry the two halves share what the middle leaves.
        lot = {"population": 1_000_000, "bad": 500_000, "drawn": 500_000}
        middle = hypergeometric_pmf(250_000, **lot)
        assert hypergeometric_cdf(249_999, **lot) == pytest.approx((1 - middle) / 2, **EXACT)

    def test_small_tails_keep_their_digits(self):
        lot = {"population": 1_000, "bad": 900, "drawn": 60}
        assert hypergeometric_cdf(10, **lot) == pytest.approx(
            float(exact_cdf(10, **lot)), rel=1e-11, abs=0
        )

    @pytest.mark.parametrize("lot", [(10, 11, 1), (10, -1, 1), (10, 1, 11), (10, 1, -1)])
    def test_refuses_an_impossible_lot(self, lot: tuple[int, int, int]):
        with pytest.raises(ValueError, match="lot of 10"):
            hypergeometric_cdf(0, population=lot[0], bad=lot[1], drawn=lot[2])


class TestBinomial:
    @given(
        drawn=st.integers(0, 150),
        k=st.integers(-2, 152),
        share=st.fractions(0, 1, max_denominator=64),
    )
    def test_equals_rational_arithmetic(self, drawn: int, k: int, share: Fraction):
        masses = [
            math.comb(drawn, j) * share**j * (1 - share) ** (drawn - j) for j in range(drawn + 1)
        ]
        exact = float(sum(masses[: max(k + 1, 0)]))
        point = float(masses[k]) if 0 <= k <= drawn else 0.0
        given = {"share": float(share), "drawn": drawn}
        assert binomial_pmf(k, **given) == pytest.approx(point, **EXACT)
        assert binomial_cdf(k, **given) == pytest.approx(exact, **EXACT)
        assert binomial_sf(k, **given) == pytest.approx(1 - exact, **EXACT)

    def test_refuses_a_share_above_one(self):
        with pytest.raises(ValueError, match="between 0 and 1"):
            binomial_cdf(0, share=1.01, drawn=5)


@st.composite
def risks(draw: st.DrawFn) -> Risks:
    percent = st.integers(0, 50).map(lambda number: Fraction(number, 100))
    p1, p2 = sorted(draw(st.lists(percent, min_size=2, max_size=2, unique=True)))
    alpha, beta = (Fraction(draw(st.integers(1, 40)), 100) for _ in range(2))
    return Risks(p1=p1, alpha=alpha, p2=p2, beta=beta)


class TestPlanNumbers:
    def test_rounding_up_breaks_no_house_plan(self):
        for plan in PATTERNS.values():
            for population in range(plan.looks[-1], 401):
                assert actual_risks(plan.at(population, rounding=Rounding.FAIR)).alpha <= 0.05

    @pytest.mark.parametrize("quality_class", ["standard", "select", "prime"])
    def test_small_lots_hold_both_risks_of_their_class(self, quality_class: str):
        for population in range(1, 300):
            plan = plan_for(population, quality_class)
            lot = {"population": population, "drawn": plan.looks[-1]}
            if len(plan.looks) > 1:
                continue
            fine = exact_cdf(plan.accept[0], bad=plan.bad_at_p1, **lot)
            foul = exact_cdf(plan.accept[0], bad=plan.bad_at_p2, **lot)
            assert fine >= Fraction(95, 100), population
            assert foul <= Fraction(5, 100), population

    def test_a_class_takes_its_sequential_plan_from_the_last_look_on(self):
        for quality_class, pattern in {"standard": LX_15, "select": LX_10, "prime": LX_08}.items():
            last = pattern.looks[-1]
            assert plan_for(last, quality_class) == pattern.at(last)
            below = plan_for(last - 1, quality_class)
            assert (below.name, below.risks) == ("single", pattern.risks)

    def test_the_unverified_class_has_no_plan(self):
        with pytest.raises(ValueError, match="without a sample"):
            plan_for(500, "unverified")

    @pytest.mark.parametrize(
        ("population", "name", "last"),
        [
            (20, "single", 17),
            (99, "single", 35),
            (100, "LX-15", 92),
            (3_000, "LX-15", 92),
            (3_001, "LX-10", 180),
            (10_000, "LX-10", 180),
            (10_001, "LX-08", 260),
            (100_000, "LX-08", 260),
            (100_001, "single", 519),
            (1_000_000, "single", 519),
        ],
    )
    def test_house_plan_by_size(self, population: int, name: str, last: int):
        plan = house_plan(population)
        assert (plan.name, plan.looks[-1], plan.population) == (name, last, population)
        risks = actual_risks(plan)
        assert max(risks.alpha, risks.beta) <= 0.05

    @pytest.mark.parametrize(
        ("population", "n", "c"),
        [(10, 10, 1), (12, 12, 1), (20, 17, 1), (30, 19, 1), (40, 29, 2), (50, 29, 2), (60, 32, 2),
         (80, 41, 3), (100, 35, 2)],
    )  # fmt: skip
    def test_fair_single_plans(self, population: int, n: int, c: int):
        plan = single_plan(population, risks=HOUSE_RISKS, rounding=Rounding.FAIR)
        assert (plan.looks, plan.accept, plan.reject) == ((n,), (c,), (c + 1,))

    def test_the_buyer_goes_first_where_both_points_are_one_lead(self):
        plan = house_plan(6)
        assert (plan.bad_at_p1, plan.bad_at_p2) == (0, 1)
        assert (plan.looks, plan.accept) == ((6,), (0,))

    @settings(max_examples=60)
    @given(population=st.integers(1, 40), wanted=risks(), rounding=st.sampled_from(Rounding))
    def test_single_plan_is_the_smallest_of_all(
        self, population: int, wanted: Risks, rounding: Rounding
    ):
        fine, foul = wanted.bad_at_p1(population, rounding=rounding), wanted.bad_at_p2(population)
        assert 0 <= fine < foul
        holding = (
            (n, c)
            for n in range(1, population + 1)
            for c in range(n + 1)
            if exact_cdf(c, population=population, bad=fine, drawn=n) >= 1 - wanted.alpha
            and exact_cdf(c, population=population, bad=foul, drawn=n) <= wanted.beta
        )
        plan = single_plan(population, risks=wanted, rounding=rounding)
        assert (plan.looks[0], plan.accept[0]) == next(holding)

    def test_shares_times_sizes_are_exact(self):
        # In floats 0.07 x 100 is 7.000000000000001 and would round up to 8.
        risks = Risks.of(p1="0.01", alpha="0.05", p2="0.07", beta="0.05")
        assert risks.bad_at_p2(100) == 7

    def test_a_plan_survives_its_json(self):
        for plan in (house_plan(50), LX_15.at(1_000), LX_08):
            assert SamplingPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan

    @pytest.mark.parametrize(
        "numbers",
        [
            {"looks": (), "accept": (), "reject": ()},
            {"looks": (5, 5), "accept": (0, 1), "reject": (2, 2)},
            {"looks": (5, 9), "accept": (0, 1), "reject": (2,)},
            {"looks": (5, 9), "accept": (1, 0), "reject": (2, 2)},
            {"looks": (5, 9), "accept": (0, 1), "reject": (2, 3)},
            {"looks": (5, 9), "accept": (0, 1), "reject": (0, 2)},
            {"looks": (5, 9), "accept": (0, 1), "reject": (2, 2), "population": 8},
        ],
    )
    def test_numbers_that_make_no_plan_are_refused(self, numbers: dict[str, Any]):
        with pytest.raises(ValueError, match=r"plan|looks|numbers|rejection|lot"):
            SamplingPlan(name="broken", risks=HOUSE_RISKS, **numbers)

    @pytest.mark.parametrize(("p1", "p2", "alpha"), [("0.2", "0.1", "0.05"), ("0", "0.1", "1")])
    def test_risks_that_make_no_sense_are_refused(self, p1: str, p2: str, alpha: str):
        with pytest.raises(ValueError, match=r"p1|alpha"):
            Risks.of(p1=p1, alpha=alpha, p2=p2, beta="0.05")

    def test_empty_lots_and_patterns_are_refused(self):
        with pytest.raises(ValueError, match="at least one lead"):
            house_plan(0)
        with pytest.raises(ValueError, match="pattern"):
            acceptance_probability(LX_15, 3)


@st.composite
def small_plans(draw: st.DrawFn) -> SamplingPlan:
    """Any plan of up to three looks for a lot of up to nine leads."""
    population = draw(st.integers(1, 9))
    looks = sorted(draw(st.sets(st.integers(1, population), min_size=1, max_size=3)))
    accept = sorted(draw(st.lists(st.integers(0, 3), min_size=len(looks), max_size=len(looks))))
    last = accept[-1] + 1
    reject = [draw(st.integers(low + 1, last)) for low in accept[:-1]]
    return SamplingPlan(
        name="small",
        looks=tuple(looks),
        accept=tuple(accept),
        reject=(*(max(reject[: i + 1]) for i in range(len(reject))), last),
        risks=HOUSE_RISKS,
        population=population,
    )


def walk(plan: SamplingPlan, order: list[bool]) -> Standing:
    """Check one drawn lead after the other until the lot is decided."""
    for checked in range(len(order) + 1):
        standing = decide(plan, count_looks(plan, order[:checked]))
        if standing.decision is not Decision.CONTINUE:
            return standing
    raise AssertionError("the last look left the lot undecided")


class TestProbabilities:
    @given(plan=small_plans(), data=st.data())
    def test_agree_with_every_order_that_the_decision_can_meet(
        self, plan: SamplingPlan, data: st.DataObject
    ):
        population = plan.size
        bad = data.draw(st.integers(0, population))
        ends = [
            walk(plan, [place in chosen for place in range(population)])
            for chosen in combinations(range(population), bad)
        ]
        accepted = sum(end.decision is Decision.ACCEPT for end in ends)
        assert acceptance_probability(plan, bad) == pytest.approx(accepted / len(ends), **EXACT)
        mean = sum(end.n for end in ends) / len(ends)
        assert expected_checks(plan, bad) == pytest.approx(mean, abs=1e-10)

    @pytest.mark.parametrize("plan", PATTERNS.values(), ids=PATTERNS)
    @pytest.mark.parametrize("population", [270, 1_000, 100_000])
    def test_agree_with_waves_in_rational_arithmetic(self, plan: SamplingPlan, population: int):
        for bad in (0, 1, population * 3 // 100, population * 8 // 100, population * 15 // 100):
            exact = exact_acceptance(plan, population=population, bad=bad)
            found = acceptance_probability(plan.at(population), bad)
            assert found == pytest.approx(float(exact), **EXACT)

    def test_fall_as_the_lot_gets_worse(self):
        plan = LX_15.at(400)
        chances = [acceptance_probability(plan, bad) for bad in range(401)]
        assert chances == sorted(chances, reverse=True)
        assert (chances[0], chances[-1]) == (1.0, 0.0)

    def test_checks_of_a_single_plan_follow_the_closed_form(self):
        plan = house_plan(200_000)
        direct = math.fsum(
            hypergeometric_cdf(22, population=200_000, bad=12_000, drawn=drawn)
            for drawn in range(519)
        )
        assert expected_checks(plan, 12_000) == pytest.approx(direct, rel=1e-12)
        assert expected_checks(plan, 0) == 519

    def test_a_lot_without_bad_leads_ends_at_the_first_look(self):
        for plan in PATTERNS.values():
            assert expected_checks(plan.at(1_000), 0) == pytest.approx(plan.looks[0], abs=1e-9)


class TestDecide:
    PLAN = LX_15.at(1_000)

    @pytest.mark.parametrize(
        ("counts", "standing"),
        [
            ([], (Decision.CONTINUE, 1, 0, 0)),
            ([(21, 0)], (Decision.CONTINUE, 1, 21, 0)),
            ([(22, 0)], (Decision.ACCEPT, 1, 22, 0)),
            ([(3, 2)], (Decision.CONTINUE, 1, 3, 2)),
            ([(3, 3)], (Decision.REJECT, 1, 3, 3)),
            ([(22, 1)], (Decision.CONTINUE, 2, 22, 1)),
            ([(22, 1), (35, 1)], (Decision.CONTINUE, 2, 35, 1)),
            ([(22, 1), (36, 1)], (Decision.ACCEPT, 2, 36, 1)),
            ([(22, 2), (25, 4)], (Decision.REJECT, 2, 25, 4)),
            # Three bad among 36 would reject nobody while the look of 22 still waits.
            ([(20, 2), (33, 4)], (Decision.CONTINUE, 1, 20, 2)),
            ([(22, 1), (36, 2), (50, 3), (64, 4), (78, 5), (92, 6)], (Decision.ACCEPT, 6, 92, 6)),
            ([(22, 1), (36, 2), (50, 3), (64, 4), (78, 5), (90, 7)], (Decision.REJECT, 6, 90, 7)),
        ],
    )
    def test_by_counts(self, counts: list[tuple[int, int]], standing: tuple[Any, ...]):
        assert decide(self.PLAN, [LookCount(*count) for count in counts]) == Standing(*standing)

    def test_open_leads_count_as_not_bad_and_unfinished_ones_hold_the_look(self):
        drawn: list[bool | None] = [False] * 22
        assert decide(self.PLAN, count_looks(self.PLAN, drawn)).decision is Decision.ACCEPT
        drawn[7] = None
        assert decide(self.PLAN, count_looks(self.PLAN, drawn)).decision is Decision.CONTINUE

    def test_leads_called_ahead_do_not_reject_an_earlier_look(self):
        drawn: list[bool | None] = [None, *[False] * 21, *[True] * 14]
        waiting = decide(self.PLAN, count_looks(self.PLAN, drawn))
        assert waiting == Standing(Decision.CONTINUE, stage=1, n=21, bad=0)
        drawn[0] = False
        assert decide(self.PLAN, count_looks(self.PLAN, drawn)).decision is Decision.ACCEPT
        drawn[0] = True
        assert decide(self.PLAN, count_looks(self.PLAN, drawn)).decision is Decision.REJECT

    @settings(max_examples=50)
    @given(st.lists(st.sampled_from([True, *[False] * 9]), min_size=92, max_size=92), st.randoms())
    def test_the_order_in_which_calls_come_back_changes_nothing(self, order, random):
        final = walk(self.PLAN, order)
        known: list[bool | None] = [None] * 92
        for place in random.sample(range(92), 92):
            known[place] = order[place]
            standing = decide(self.PLAN, count_looks(self.PLAN, known))
            if standing.decision is not Decision.CONTINUE:
                break
        assert (standing.decision, standing.stage) == (final.decision, final.stage)

    @pytest.mark.parametrize(
        "counts", [[(23, 0)], [(5, 6)], [(22, 2), (21, 2)], [(22, 2), (30, 1)]]
    )
    def test_counts_that_no_look_can_have_are_refused(self, counts: list[tuple[int, int]]):
        with pytest.raises(ValueError, match="look"):
            decide(self.PLAN, [LookCount(*count) for count in counts])


class TestFixedSampleBounds:
    @given(lot=lots(60), tail=st.integers(1, 49).map(lambda number: number / 100), data=st.data())
    def test_hypergeometric_counts_invert_the_exact_tails(
        self, lot: dict[str, int], tail: float, data: st.DataObject
    ):
        population, drawn = lot["population"], lot["drawn"]
        bad = data.draw(st.integers(0, drawn))
        exact_tail, found = Fraction(round(tail * 100), 100), []
        for count in range(bad, population - drawn + bad + 1):
            at = {"population": population, "bad": count, "drawn": drawn}
            at_most, below = exact_cdf(bad, **at), exact_cdf(bad - 1, **at)
            found.append((count, at_most > exact_tail, 1 - below > exact_tail))
        bounds = hypergeometric_bounds(bad, drawn=drawn, population=population, tail=tail)
        assert bounds.upper_count == max(count for count, upper, _ in found if upper)
        assert bounds.lower_count == min(count for count, _, lower in found if lower)
        assert (bounds.lower, bounds.upper) == (
            bounds.lower_count / population,
            bounds.upper_count / population,
        )

    def test_a_lot_checked_wholly_has_its_count(self):
        bounds = hypergeometric_bounds(3, drawn=50, population=50, tail=0.025)
        assert (bounds.lower_count, bounds.upper_count) == (3, 3)

    @given(drawn=st.integers(1, 3_000), data=st.data())
    def test_clopper_pearson_leaves_the_tail_on_each_side(self, drawn: int, data: st.DataObject):
        bad = data.draw(st.integers(0, drawn))
        bounds = clopper_pearson_bounds(bad, drawn=drawn, tail=0.05)
        assert bounds.lower <= bad / drawn <= bounds.upper
        if bad:
            above = binomial_sf(bad - 1, share=bounds.lower, drawn=drawn)
            assert above == pytest.approx(0.05, abs=1e-11)
        if bad < drawn:
            below = binomial_cdf(bad, share=bounds.upper, drawn=drawn)
            assert below == pytest.approx(0.05, abs=1e-11)

    def test_jeffreys_lies_inside_clopper_pearson(self):
        for bad in (0, 1, 6, 91, 92):
            inner = jeffreys_bounds(bad, drawn=92, tail=0.025)
            outer = clopper_pearson_bounds(bad, drawn=92, tail=0.025)
            assert outer.lower <= inner.lower < inner.upper <= outer.upper

    def test_open_leads_widen_the_bounds_on_their_side(self):
        cases = open_cases(4, drawn=92, unresolved=10, tail=0.025, population=1_000)
        assert (cases.none_bad, cases.resolved, cases.all_bad) == (4 / 92, 4 / 82, 14 / 92)
        fixed = {"drawn": 92, "population": 1_000, "tail": 0.025}
        assert cases.lower == hypergeometric_bounds(4, **fixed).lower
        assert cases.upper == hypergeometric_bounds(14, **fixed).upper
        nobody = open_cases(0, drawn=5, unresolved=5, tail=0.05)
        assert (nobody.resolved, nobody.all_bad, nobody.upper) == (None, 1.0, 1.0)

    def test_samples_that_cannot_be_are_refused(self):
        with pytest.raises(ValueError, match="among 5 drawn"):
            clopper_pearson_bounds(6, drawn=5, tail=0.05)
        with pytest.raises(ValueError, match="lot of 4"):
            hypergeometric_bounds(1, drawn=5, population=4, tail=0.05)
        with pytest.raises(ValueError, match="among 5 drawn"):
            open_cases(3, drawn=5, unresolved=3, tail=0.05)
        with pytest.raises(ValueError, match="at least one"):
            open_cases(0, drawn=0, unresolved=0, tail=0.05)
        with pytest.raises(ValueError, match="one side or two"):
            tail_of(Fraction(95, 100), sides=3)


class TestStagewiseUpper:
    def test_a_lot_drawn_wholly_has_its_count(self):
        assert stagewise_upper_count(LX_15.at(92), stage=6, bad=5, population=92) == 5
        whole = house_plan(10)
        assert stagewise_upper(whole, stage=1, bad=1, population=10) == 0.1

    def test_never_counts_more_than_what_was_not_drawn(self):
        assert stagewise_upper_count(LX_15.at(94), stage=6, bad=6, population=94) == 8

    @pytest.mark.parametrize("population", [60, 700, 200_000])
    def test_of_a_single_plan_is_the_bound_of_a_fixed_sample(self, population: int):
        plan = house_plan(population) if population != 700 else single_plan(700, risks=HOUSE_RISKS)
        n = plan.looks[0]
        for bad in range(plan.accept[0] + 1):
            fixed = hypergeometric_bounds(bad, drawn=n, population=population, tail=0.05)
            found = stagewise_upper_count(plan, stage=1, bad=bad, population=population)
            assert found == fixed.upper_count
            limit = stagewise_upper(plan, stage=1, bad=bad, population=None)
            assert limit == pytest.approx(clopper_pearson_bounds(bad, drawn=n, tail=0.05).upper)

    def test_approaches_the_binomial_limit_and_the_buyers_point(self):
        for plan in PATTERNS.values():
            stage, bad = plan.last_acceptance
            limit = stagewise_upper(plan, stage=stage, bad=bad, population=None)
            million = stagewise_upper(plan, stage=stage, bad=bad, population=1_000_000)
            assert million == pytest.approx(limit, abs=1e-4)
            assert million < plan.risks.p2

    @pytest.mark.parametrize(("stage", "bad"), [(1, 1), (2, 0), (6, 7), (0, 0), (7, 6), (1, -1)])
    def test_an_end_that_the_plan_does_not_have_is_refused(self, stage: int, bad: int):
        with pytest.raises(ValueError, match="never accepts"):
            stagewise_upper(LX_15, stage=stage, bad=bad, population=1_000)

    def test_a_lot_smaller_than_the_look_is_refused(self):
        with pytest.raises(ValueError, match="no look"):
            stagewise_upper(LX_15, stage=2, bad=1, population=30)


class TestReferenceValues:
    """The values of the reference file, to 1e-9."""

    def test_operating_characteristics(self, reference: dict[str, Any]):
        for row in reference["oc_hypergeometric"]:
            lot = {"population": row["N"], "bad": row["D"], "drawn": row["n"]}
            assert hypergeometric_cdf(row["c"], **lot) == pytest.approx(row["Pa"], abs=1e-9)
        for row in reference["oc_binomial"]:
            found = binomial_cdf(row["c"], share=row["p"], drawn=row["n"])
            assert found == pytest.approx(row["Pa"], abs=1e-9)
        for row in reference["iso_level2_normal_N1000"]:
            at = {"population": row["N"], "drawn": row["n"]}
            rejected = hypergeometric_sf(row["Ac"], bad=30, **at)
            accepted = hypergeometric_cdf(row["Ac"], bad=150, **at)
            assert rejected == pytest.approx(row["P_reject_3pct"], abs=1e-9)
            assert accepted == pytest.approx(row["P_accept_15pct"], abs=1e-9)

    def test_two_point_plans(self, reference: dict[str, Any]):
        for row in reference["two_point_hypergeometric"]:
            risks = Risks.of(**{name: str(row[name]) for name in ("p1", "alpha", "p2", "beta")})
            plan = single_plan(row["N"], risks=risks, rounding=Rounding.FLOOR)
            assert (plan.looks, plan.accept) == ((row["n"],), (row["c"],))
            assert (plan.bad_at_p1, plan.bad_at_p2) == (row["D1"], row["D2"])
            found = actual_risks(plan)
            assert 1 - found.alpha == pytest.approx(row["Pa_D1"], abs=1e-9)
            assert found.beta == pytest.approx(row["Pa_D2"], abs=1e-9)

    def test_sequential_plans(self, reference: dict[str, Any]):
        section = reference["sequential_wave_plans"]
        for name, numbers in section["definition"].items():
            plan = PATTERNS[name]
            assert list(plan.looks) == numbers["looks"]
            assert list(plan.accept) == numbers["accept_if_bad_le"]
            assert list(plan.reject) == numbers["reject_if_bad_ge"]
        for row in section["values"]:
            plan = PATTERNS[row["plan"]].at(row["N"])
            assert acceptance_probability(plan, row["D"]) == pytest.approx(row["Pa"], abs=1e-9)
            checks = expected_checks(plan, row["D"])
            assert checks == pytest.approx(row["ASN_curtailed_reject"], abs=1e-9)

    def test_sequential_risks_in_a_lot_of_a_million(self, reference: dict[str, Any]):
        plan = LX_15.at(1_000_000)
        for row in reference["misclassification_plans"]:
            fine, foul = (round(row[key] * 1_000_000) for key in ("apparent_p1", "apparent_p2"))
            rejected = 1 - acceptance_probability(plan, fine)
            assert rejected == pytest.approx(row["LX15_alpha"], abs=1e-9)
            assert acceptance_probability(plan, foul) == pytest.approx(row["LX15_beta"], abs=1e-9)

    def test_zero_acceptance(self, reference: dict[str, Any]):
        for row in reference["zero_acceptance"]:
            limit = 1 - row["conf"] + 1e-12
            assert binomial_cdf(0, share=row["p"], drawn=row["n"]) <= limit
            assert binomial_cdf(0, share=row["p"], drawn=row["n"] - 1) > limit

    def test_bounds_of_fixed_samples(self, reference: dict[str, Any]):
        for row in reference["bounds_hypergeometric"]:
            sides = {"one-sided": 1, "two-sided": 2}[row["side"]]
            tail = tail_of(Fraction(str(row["conf"])), sides=sides)
            found = hypergeometric_bounds(row["k"], drawn=row["n"], population=row["N"], tail=tail)
            assert (found.lower_count, found.upper_count) == (row["D_L"], row["D_U"])
            assert (found.lower, found.upper) == pytest.approx((row["p_L"], row["p_U"]), abs=1e-9)
        for row in reference["bounds_clopper_pearson_jeffreys"]:
            confidence = Fraction(str(row["conf"]))
            tail = tail_of(confidence, sides=1 if row["type"].startswith("one") else 2)
            found = clopper_pearson_bounds(row["k"], drawn=row["n"], tail=tail)
            wanted = (row["cp_lower"], row["cp_upper"])
            assert (found.lower, found.upper) == pytest.approx(wanted, abs=1e-9)
            tail = tail_of(confidence, sides=2)
            found = jeffreys_bounds(row["k"], drawn=row["n"], tail=tail)
            wanted = (row["jeffreys_two_sided_lower"], row["jeffreys_two_sided_upper"])
            assert (found.lower, found.upper) == pytest.approx(wanted, abs=1e-9)

    def test_stagewise_bounds(self, reference: dict[str, Any]):
        for name, rows in reference["stagewise_upper95_after_acceptance"]["values"].items():
            for row in rows:
                plan, end = PATTERNS[name], {"stage": row["stage"], "bad": row["bad"]}
                assert plan.looks[row["stage"] - 1] == row["n"]
                found = stagewise_upper(plan, population=None, **end)
                assert found == pytest.approx(row["upper95_stagewise"], abs=1e-9)

    def test_open_cases(self, reference: dict[str, Any]):
        for row in reference["missing_data_bounds"]:
            sample = {"drawn": row["n"], "unresolved": row["unresolved"], "tail": 0.025}
            found = open_cases(row["bad"], **sample)
            assert found.none_bad == pytest.approx(row["manski_low"], abs=1e-9)
            assert found.resolved == pytest.approx(row["complete_case"], abs=1e-9)
            assert found.all_bad == pytest.approx(row["manski_high"], abs=1e-9)
            assert found.lower == pytest.approx(row["cp95_low_of_low"], abs=1e-9)
            assert found.upper == pytest.approx(row["cp95_high_of_high"], abs=1e-9)
