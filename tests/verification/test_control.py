"""Limits of ordinary counts and the test of two shares, against exact whole-number arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from scipy.stats import fisher_exact

from exchange.verification.control import TAIL, difference, limits


def exact(most: int, *, population: int, bad: int, drawn: int) -> Fraction:
    """P(at most so many bad among the drawn), in whole numbers."""
    ways = sum(comb(bad, k) * comb(population - bad, drawn - k) for k in range(most + 1))
    return Fraction(ways, comb(population, drawn))


@pytest.mark.parametrize(
    ("share", "drawn", "population"), [(0.05, 36, 400), (0.05, 22, 22), (0.3, 92, 120), (0, 9, 40)]
)
def test_limits_leave_no_more_than_their_tails(share: float, drawn: int, population: int) -> None:
    found = limits(share, drawn=drawn, population=population)
    lot = {"population": population, "bad": round(share * population), "drawn": drawn}
    tail = Fraction(TAIL)
    assert 1 - exact(found.upper, **lot) <= tail
    assert found.upper == 0 or 1 - exact(found.upper - 1, **lot) > tail
    assert exact(found.lower, **lot) > tail
    assert found.lower == 0 or exact(found.lower - 1, **lot) <= tail
    assert found.hold(found.upper)
    assert not found.hold(found.upper + 1)


@pytest.mark.parametrize(
    "table", [(3, 97, 9, 91), (0, 22, 12, 300), (5, 60, 5, 60), (8, 30, 1, 99)]
)
def test_the_difference_is_fishers(table: tuple[int, int, int, int]) -> None:
    bad, good, other_bad, other_good = table
    found = difference(bad, bad + good, other_bad=other_bad, other_n=other_bad + other_good)
    square = [[bad, good], [other_bad, other_good]]
    tails = [fisher_exact(square, alternative=side).pvalue for side in ("less", "greater")]
    assert found == pytest.approx(min(1.0, 2 * min(tails)), abs=1e-12)


def test_nobody_differs_from_nobody() -> None:
    assert difference(0, 0, other_bad=3, other_n=9) == 1.0
    assert difference(3, 9, other_bad=0, other_n=0) == 1.0
