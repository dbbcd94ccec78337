"""The record of a source: exact quantiles, a coverage that was simulated, and what it sets."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random

import pytest
from scipy import integrate
from scipy.optimize import minimize_scalar
from scipy.stats import beta, betabinom

from exchange.verification.plans import LX_15
from exchange.verification.reputation import (
    HOUSE,
    LOT_SPREAD,
    Evidence,
    LotCount,
    Prior,
    Reputation,
    design_effect,
    judge_source,
    prior_of,
    weigh,
)

CLEAN = LotCount(good=22, bad=0)


def found_in(random: Random, rate: float) -> LotCount:
    """One lot of a source with this rate under LX-15: its own rate varies around the source's."""
    own = random.betavariate(max(LOT_SPREAD * rate, 1e-9), LOT_SPREAD * (1 - rate))
    drawn = bad = 0
    for look, accept, reject in zip(LX_15.looks, LX_15.accept, LX_15.reject, strict=True):
        while drawn < look and bad < reject:
            drawn, bad = drawn + 1, bad + (random.random() < own)
        if bad <= accept or bad >= reject:
            break
    return LotCount(good=drawn - bad, bad=bad)


class TestEvidence:
    def test_of_one_lot_is_divided_by_its_design_effect(self) -> None:
        exact = Fraction(92) / (1 + Fraction(91, LOT_SPREAD + 1))
        found = weigh([LotCount(good=86, bad=6)])
        assert found.checks == pytest.approx(float(exact), abs=1e-12)
        assert found.bad == pytest.approx(float(exact * 6 / 92), abs=1e-12)

    def test_the_effect_is_the_variance_of_a_beta_binomial_over_a_binomial(self) -> None:
        n, mean = 64, 0.07
        alike = betabinom(n, LOT_SPREAD * mean, LOT_SPREAD * (1 - mean)).var()
        ratio = alike / (n * mean * (1 - mean))
        assert design_effect(n, spread=LOT_SPREAD) == pytest.approx(ratio, rel=1e-12)

    def test_halves_with_every_ten_lots(self) -> None:
        unknown = LotCount(good=0, bad=0)
        now, then = weigh([CLEAN]), weigh([*[unknown] * 10, CLEAN])
        assert then.checks == pytest.approx(now.checks / 2, rel=1e-12)

    def test_of_nobody_is_nothing(self) -> None:
        assert weigh([]) == weigh([LotCount(good=0, bad=0)]) == Evidence(0.0, 0.0)


class TestPosterior:
    def test_has_the_quantiles_of_its_beta(self) -> None:
        effect = 1 + Fraction(35, 101)
        a = Fraction(1) + 2 / effect
        b = Fraction(19) + 34 / effect
        record = judge_source([LotCount(good=34, bad=2)], Prior(0.05, 20.0))
        assert record.mean == pytest.approx(float(a / (a + b)), abs=1e-12)
        exact = beta(float(a), float(b))
        assert record.lower == pytest.approx(exact.ppf(0.05), abs=1e-12)
        assert record.upper == pytest.approx(exact.isf(0.05), abs=1e-12)

    def test_without_a_lot_is_the_prior(self) -> None:
        record = judge_source([])
        assert record.mean == pytest.approx(HOUSE.mean)
        assert record.n_effective == 0
        assert record.is_new

    @pytest.mark.parametrize("bad", [0, 3, 12])
    def test_the_next_lot_is_below_its_quantile_in_nine_of_ten_cases(self, bad: int) -> None:
        lots = [LotCount(good=40 - bad, bad=bad)] * 5
        record, found = judge_source(lots), weigh(lots)
        a = HOUSE.strength * HOUSE.mean + found.bad
        b = HOUSE.strength * (1 - HOUSE.mean) + found.checks - found.bad

        def below(rate: float) -> float:
            lot = beta(LOT_SPREAD * rate, LOT_SPREAD * (1 - rate))
            return float(beta.pdf(rate, a, b) * lot.cdf(record.next_upper))

        # The beta of the same mean and variance is not the mixture itself, but close to it.
        chance, _ = integrate.quad(below, 0, 1, limit=200, points=[record.mean])
        assert chance == pytest.approx(0.90, abs=0.01)

    def test_its_interval_covers_after_ten_lots(self) -> None:
        random = Random(4)
        rates = [random.betavariate(20 * 0.05, 20 * 0.95) for _ in range(800)]
        sources = [[found_in(random, rate) for _ in range(10)] for rate in rates]
        prior = prior_of([weigh(lots) for lots in sources])
        assert prior.mean == pytest.approx(0.05, abs=0.01)
        assert 10 < prior.strength < 40
        records = [judge_source(lots, prior) for lots in sources]
        covered = [r.lower <= rate <= r.upper for r, rate in zip(records, rates, strict=True)]
        assert sum(covered) / len(covered) >= 0.88
        naive = [
            beta.interval(0.9, bad + 0.5, n - bad + 0.5)
            for n, bad in (
                (sum(lot.good + lot.bad for lot in lots), sum(lot.bad for lot in lots))
                for lots in sources
            )
        ]
        pooled = [low <= rate <= high for (low, high), rate in zip(naive, rates, strict=True)]
        assert sum(pooled) < sum(covered), "counts of alike lots promise too much"

    def test_shrinkage_helps_newcomers(self) -> None:
        random = Random(5)
        rates = [random.betavariate(20 * 0.05, 20 * 0.95) for _ in range(800)]
        lots = [found_in(random, rate) for rate in rates]
        prior = prior_of([weigh([lot]) for lot in lots])

        def error(guesses: list[float]) -> float:
            return math.fsum((g - r) ** 2 for g, r in zip(guesses, rates, strict=True))

        shrunk = error([judge_source([lot], prior).mean for lot in lots])
        assert shrunk < error([lot.bad / (lot.good + lot.bad) for lot in lots]) / 2


class TestPrior:
    def test_of_few_sources_is_the_houses(self) -> None:
        assert prior_of([Evidence(40.0, 2.0)] * 9) == HOUSE
        assert prior_of([Evidence(40.0, 2.0)] * 10) != HOUSE
        assert prior_of([*[Evidence(40.0, 2.0)] * 9, Evidence(0.0, 0.0)]) == HOUSE

    def test_has_the_largest_marginal_likelihood(self) -> None:
        random = Random(6)
        cells = [
            Evidence(60.0, float(bad))
            for bad in betabinom(60, 1.2, 18.8).rvs(80, random_state=random.randrange(1_000))
        ]
        found = prior_of(cells)

        def against(log: float) -> float:
            strength = math.exp(log)
            weight = 1 / (1 + 59 / (strength + 1))
            checks = 20 + weight * 60 * len(cells)
            mean = (1 + weight * sum(cell.bad for cell in cells)) / checks
            each = betabinom.logpmf(
                [int(cell.bad) for cell in cells], 60, strength * mean, strength * (1 - mean)
            )
            return -float(each.sum())

        best = minimize_scalar(against, bounds=(math.log(5), math.log(100)), method="bounded")
        assert math.log(found.strength) == pytest.approx(best.x, abs=2e-3)

    def test_one_large_source_does_not_speak_for_all(self) -> None:
        small = [Evidence(40.0, 1.0)] * 12
        assert prior_of([*small, Evidence(4_000.0, 800.0)]).mean < 0.06


class TestWhatItSets:
    @staticmethod
    def standing(*, upper: float, n: float = 100.0, following: float = 0.1) -> Reputation:
        return Reputation(mean=0.04, lower=0.01, upper=upper, n_effective=n, next_upper=following)

    @pytest.mark.parametrize(
        ("n", "following", "bps"),
        [(59.9, 0.01, 1_500), (60.0, 0.01, 300), (60.0, 0.0734, 734), (60.0, 0.4, 2_500)],
    )
    def test_the_reserve(self, n: float, following: float, bps: int) -> None:
        assert self.standing(upper=0.05, n=n, following=following).reserve_bps == bps

    @pytest.mark.parametrize(
        ("upper", "n", "days"),
        [(0.01, 10, 30), (0.05, 60, 14), (0.051, 60, 21), (0.12, 60, 30), (0.2, 60, 45)],
    )
    def test_how_long_it_is_kept(self, upper: float, n: float, days: int) -> None:
        assert self.standing(upper=upper, n=n).reserve_days == days

    def test_the_parts_of_the_price(self) -> None:
        found = self.standing(upper=0.08, following=0.1)
        assert found.sound_share == pytest.approx(0.96)
        assert found.certainty == pytest.approx(0.97)
