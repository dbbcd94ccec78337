"""Limits of ordinary counts and the test of two shares, against exact whole-number arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from scipy.stats import fisher_exact

from exchange.verification.control import TAIL, difference, limits


def exact(most: int, *, share: str, drawn: int) -> Fraction:
    """P(at most so many bad among the drawn), in whole numbers."""
    p = Fraction(share)
    terms = (comb(drawn, k) * p**k * (1 - p) ** (drawn - k) for k in range(most + 1))
    return sum(terms, Fraction(0))


@pytest.mark.parametrize(
    ("share", "drawn"), [("0.05", 36), ("0.05", 3), ("0.3", 92), ("0", 9), ("0.5", 260)]
)
def test_limits_leave_no_more_than_their_tails(share: str, drawn: int) -> None:
    found, tail = limits(float(share), drawn=drawn), Fraction(TAIL)
    assert 1 - exact(found.upper, share=share, drawn=drawn) <= tail
    assert found.upper == 0 or 1 - exact(found.upper - 1, share=share, drawn=drawn) > tail
    assert exact(found.lower, share=share, drawn=drawn) > tail
    assert found.lower == 0 or exact(found.lower - 1, share=share, drawn=drawn) <= tail
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
