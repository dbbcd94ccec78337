"""The promises of the plans in every lot, by arithmetic and by simulation, not by the program."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.stats import hypergeom

from exchange.verification.bounds import (
    OpenCases,
    hypergeometric_bounds,
    open_cases,
    shared_tail,
    stagewise_upper_count,
)
from exchange.verification.plans import (
    LX_08,
    LX_10,
    LX_15,
    LX_20,
    Risks,
    SamplingPlan,
    house_plan,
)
from exchange.verification.sampling import (
    Odds,
    acceptance_probability,
    actual_risks,
    expected_checks,
    probability_up_to,
)
from exchange.verification.tuning import tuned_pattern
from tests.verification.exact import End, Walks, acceptance, ends, exact_acceptance, simulate

HOUSE = {plan.name: plan for plan in (LX_15, LX_10, LX_08, LX_20)}
SPOTS = (1_500, 2_000, 3_000, 10_000, 33_333, 100_000, 300_000, 999_999, 1_000_000)
SEED = 20_261_122


@cache
def tuned() -> SamplingPlan:
    return tuned_pattern(Risks.of(p1="0.02", alpha="0.05", p2="0.12", beta="0.05"))


@pytest.fixture(params=[*HOUSE, "tuned"])
def pattern(request: pytest.FixtureRequest) -> SamplingPlan:
    return HOUSE.get(request.param) or tuned()


def points(pattern: SamplingPlan, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bad leads at p1 and p2: rounded up below 100 leads, else down and up."""
    p1, p2 = pattern.risks.p1, pattern.risks.p2
    fine = [math.ceil(n * p1) if n < 100 else math.floor(n * p1) for n in sizes.tolist()]
    return np.array(fine), np.array([math.ceil(n * p2) for n in sizes.tolist()])


class TestEveryLot:
    def test_other_ways_of_counting_agree_with_fractions(self):
        for size, bad in ((100, 3), (300, 45), (1_000, 80)):
            exact = exact_acceptance(LX_15, population=size, bad=bad)
            found = acceptance(LX_15, population=np.array([size]), bad=np.array([bad]))
            assert found[0] == pytest.approx(float(exact), abs=1e-11)

    def test_from_the_last_look_to_1200_and_on_to_a_million(self, pattern: SamplingPlan):
        sizes = np.array([*range(pattern.looks[-1], 1_201), *SPOTS])
        fine, foul = points(pattern, sizes)
        rejected = 1 - acceptance(pattern, population=sizes, bad=fine)
        accepted = acceptance(pattern, population=sizes, bad=foul)
        assert rejected.max() <= 0.05
        assert accepted.max() <= 0.05
        told = [actual_risks(pattern.at(size)) for size in sizes.tolist()]
        assert np.allclose([risks.alpha for risks in told], rejected, rtol=0, atol=1e-9)
        assert np.allclose([risks.beta for risks in told], accepted, rtol=0, atol=1e-9)

    def test_of_the_single_plan_beyond_100_000(self):
        sizes = np.array([*range(100_001, 1_000_000, 997), 1_000_000])
        fine, foul = points(house_plan(1_000_000), sizes)
        plans = {house_plan(size).looks + house_plan(size).accept for size in sizes.tolist()}
        assert plans == {(519, 22)}
        assert hypergeom.sf(22, sizes, fine, 519).max() <= 0.05
        assert hypergeom.cdf(22, sizes, foul, 519).max() <= 0.05


def acceptances(plan: SamplingPlan, bad: int) -> np.ndarray:
    """What the program says: the probability of an acceptance at each look."""
    odds = Odds.lot(plan.size, bad=bad)
    worst = enumerate(plan.accept, start=1)
    return np.diff([0.0, *(probability_up_to(plan, end, odds=odds) for end in worst)])


def neighbors(plan: SamplingPlan) -> list[SamplingPlan]:
    """The plans that differ by one acceptance number at one look (and the last rejection)."""
    found = []
    for place, step in product(range(len(plan.looks)), (-1, 1)):
        accept, reject = list(plan.accept), list(plan.reject)
        accept[place] += step
        reject[-1] = accept[-1] + 1
        with suppress(ValueError):
            found.append(replace(plan, accept=tuple(accept), reject=tuple(reject)))
    return found


class TestSimulation:
    """100,000 lots of 1,000 at each point; five standard deviations are allowed."""

    LOTS = 100_000

    def worst_error(self, plan: SamplingPlan, walks: Walks, *, bad: int) -> float:
        """How many standard deviations the program is off, at the look where it is most off."""
        told = acceptances(plan, bad)
        seen = [(walks.accepted & (walks.stage == i + 1)).mean() for i in range(len(told))]
        error = np.sqrt(np.maximum(told * (1 - told), 1 / self.LOTS) / self.LOTS)
        return float(np.max(np.abs(seen - told) / error))

    def test_agrees_with_the_exact_risks_and_checks(self, pattern: SamplingPlan):
        plan = pattern.at(1_000)
        for bad in (plan.bad_at_p1, plan.bad_at_p2):
            walks = simulate(plan, bad=bad, lots=self.LOTS, seed=SEED + bad)
            assert self.worst_error(plan, walks, bad=bad) < 5
            error = walks.checks.std() / math.sqrt(self.LOTS)
            assert abs(walks.checks.mean() - expected_checks(plan, bad)) < 5 * error
            chance = acceptance_probability(plan, bad)
            error = math.sqrt(chance * (1 - chance) / self.LOTS)
            assert abs(walks.accepted.mean() - chance) < 5 * error

    def test_would_find_an_acceptance_number_that_is_off_by_one(self):
        plan = LX_15.at(1_000)
        walks = simulate(plan, bad=60, lots=self.LOTS, seed=SEED)
        others = neighbors(plan)
        assert len(others) == 10
        for other in others:
            assert self.worst_error(other, walks, bad=60) > 10, other.accept


Bound = dict[End, int]  # the most bad leads in the lot that are published after an acceptance


def stagewise(plan: SamplingPlan) -> Bound:
    return {
        (stage, bad): stagewise_upper_count(plan, stage=stage, bad=bad, population=plan.size)
        for stage, bad in possible(plan)
    }


def naive(plan: SamplingPlan) -> Bound:
    """As if the sample had been fixed at the look where it ended."""
    found = {}
    for stage, bad in possible(plan):
        fixed = {"drawn": plan.looks[stage - 1], "population": plan.size, "tail": 0.05}
        upper = hypergeometric_bounds(bad, **fixed).upper_count
        assert upper is not None
        found[stage, bad] = upper
    return found


def possible(plan: SamplingPlan) -> list[End]:
    return list(ends(plan, population=np.array([plan.size]), bad=np.array([plan.bad_at_p1])))


class TestCoverage:
    """In at most 5 of 100 lots a bound is published that the lot breaks, whatever it holds."""

    LOTS = 40_000

    @pytest.mark.parametrize("size", [None, 1_000])
    def test_every_number_of_bad_leads_counted(self, pattern: SamplingPlan, size: int | None):
        plan = pattern.at(size or pattern.looks[-1])
        bad = np.arange(plan.size + 1)
        accepted = ends(plan, population=np.array([plan.size]), bad=bad)

        def broken(bound: Bound) -> np.ndarray:
            return sum(chance * (bad > bound[end]) for end, chance in accepted.items())

        assert broken(stagewise(plan)).max() <= 0.05 + 1e-9
        if size:  # where nearly all leads are drawn, there is little to be wrong about
            assert broken(naive(plan)).max() > 0.06

    def test_simulated_at_every_rate_of_a_grid(self, pattern: SamplingPlan):
        plan = pattern.at(1_000)
        honest, wrong = stagewise(plan), naive(plan)
        above = {"honest": [], "naive": []}
        for part in (0.1, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.1):
            bad = round(plan.bad_at_p2 * part)
            walks = simulate(plan, bad=bad, lots=self.LOTS, seed=SEED + bad)
            told = list(zip(walks.stage[walks.accepted], walks.bad[walks.accepted], strict=True))
            above["honest"].append(sum(bad > honest[end] for end in told) / self.LOTS)
            above["naive"].append(sum(bad > wrong[end] for end in told) / self.LOTS)
        error = math.sqrt(0.05 * 0.95 / self.LOTS)
        assert max(above["honest"]) < 0.05 + 4 * error
        assert max(above["naive"]) > 0.05 + 8 * error


def open_cases_after(plan: SamplingPlan, *, stage: int, bad: int, unresolved: int) -> OpenCases:
    """Of a lot whose plan ended at this look."""
    drawn, tail = plan.looks[stage - 1], shared_tail(plan)
    return open_cases(bad, drawn=drawn, unresolved=unresolved, tail=tail, population=plan.size)


class TestOpenCasesAfterADecision:
    PLAN = LX_15.at(1_000)

    def test_take_the_looks_into_account(self):
        found = open_cases_after(self.PLAN, stage=6, bad=4 + 2, unresolved=10)
        tail = 0.025 / 6
        assert found == open_cases(6, drawn=92, unresolved=10, tail=tail, population=1_000)
        single = house_plan(200_000)
        found = open_cases_after(single, stage=1, bad=20, unresolved=9)
        fixed = {"drawn": 519, "unresolved": 9, "population": 200_000}
        assert found == open_cases(20, tail=0.025, **fixed)

    @pytest.mark.parametrize(("bad", "unreached"), [(30, 250), (80, 100), (110, 40), (130, 0)])
    def test_hold_the_lot_between_them(self, bad: int, unreached: int):
        """Every lot holds so many findable bad leads, and so many people whom nobody reaches."""
        lots = 20_000
        walks = simulate(self.PLAN, bad=bad, lots=lots, seed=SEED)
        taken = walks.accepted
        rng = np.random.default_rng(SEED)
        unresolved = rng.hypergeometric(
            unreached, 1_000 - bad - unreached, walks.checks[taken] - walks.bad[taken]
        )
        seen = Counter(zip(walks.stage[taken], walks.bad[taken], unresolved, strict=True))
        missed = 0
        for (stage, found, still), count in seen.items():
            end = {"stage": int(stage), "bad": int(found), "unresolved": int(still)}
            cases = open_cases_after(self.PLAN, **end)
            holds = cases.lower <= bad / 1_000 and (bad + unreached) / 1_000 <= cases.upper
            missed += count * (not holds)
        assert missed / lots <= 0.05
