"""The law behind the pool: against exact counting, against urns, and where it is extreme."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.market.action_pool import (
    Chance,
    Record,
    chance,
    likely_actions,
    prices_held,
)

NOTHING = Record(0, 0)


def counted(n: int, a: int, b: int, certainty: Fraction) -> int:
    """The quantile by whole numbers: P(k) = C(a+k-1, k) C(b+n-k-1, n-k) / C(a+b+n-1, n)."""
    ways = [comb(a + k - 1, k) * comb(b + n - k - 1, n - k) for k in range(n + 1)]
    assert sum(ways) == comb(a + b + n - 1, n)
    below = 0
    for k, number in enumerate(ways):
        below += number
        if Fraction(below, sum(ways)) >= certainty:
            return k
    raise AssertionError


def drawn_from_urn(n: int, a: int, b: int) -> dict[int, Fraction]:
    """Every course of n draws from an urn that gets each drawn ball back with one more of it."""
    chances = dict.fromkeys(range(n + 1), Fraction(0))
    for course in product((0, 1), repeat=n):
        weight, hits = Fraction(1), 0
        for at, hit in enumerate(course):
            share = Fraction(a + hits, a + b + at)
            weight *= share if hit else 1 - share
            hits += hit
        chances[hits] += weight
    return chances


class TestLikelyActions:
    @given(
        n=st.integers(0, 300),
        a=st.integers(1, 200),
        b=st.integers(1, 2_000),
        certainty=st.sampled_from([Fraction(1, 2), Fraction(9, 10), Fraction(95, 100)]),
    )
    def test_it_is_what_whole_numbers_count(
        self, n: int, a: int, b: int, certainty: Fraction
    ) -> None:
        exact = counted(n, a, b, certainty)
        found = likely_actions(n, Chance(a, b), certainty=float(certainty))
        # Where the sum meets the certainty to the last bit, the number after it is right, too.
        assert found == exact or (found == exact + 1 and _is_tie(n, a, b, exact))

    @pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 9), (3, 2), (7, 1)])
    def test_the_law_is_that_of_an_urn(self, a: int, b: int) -> None:
        law = drawn_from_urn(8, a, b)
        for percent in (5, 50, 80, 95, 99):
            below = 0
            for k in range(9):
                below += law[k]
                if below >= Fraction(percent, 100):
                    break
            assert likely_actions(8, Chance(a, b), certainty=percent / 100) == k

    def test_a_hundred_thousand_leads_neither_overflow_nor_underflow(self) -> None:
        found = likely_actions(100_000, Chance(500, 4_500))
        assert 10_000 < found < 11_000

    @pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.5, 30), (30, 0.5), (2.5, 17.5)])
    def test_parts_of_a_lead_count_too(self, a: float, b: float) -> None:
        found = [likely_actions(n, Chance(a, b)) for n in range(40)]
        assert found == sorted(found)
        assert all(0 <= k <= n for n, k in enumerate(found))


def _is_tie(n: int, a: int, b: int, found: int) -> bool:
    ways = [comb(a + k - 1, k) * comb(b + n - k - 1, n - k) for k in range(n + 1)]
    share = Fraction(sum(ways[: found + 1]), sum(ways))
    return any(abs(share - Fraction(c, 100)) < Fraction(1, 10**12) for c in (50, 90, 95))


class TestPricesHeld:
    def test_one_price_stands_behind_a_single_open_lead_whatever_is_known(self) -> None:
        never = chance(own=Record(0, 1_000), vertical=Record(0, 1_000))
        assert prices_held(1, never) == prices_held(50, never) == 1

    def test_nothing_is_held_where_nothing_is_open(self) -> None:
        assert prices_held(0, chance(own=NOTHING, vertical=NOTHING)) == 0

    def test_without_a_record_forty_leads_are_backed_by_twelve_prices(self) -> None:
        assert prices_held(40, chance(own=NOTHING, vertical=NOTHING)) == counted(
            40, 1, 9, Fraction(95, 100)
        )
        assert prices_held(40, chance(own=NOTHING, vertical=NOTHING)) == 12


class TestChance:
    def test_nothing_known_is_one_in_ten(self) -> None:
        assert chance(own=NOTHING, vertical=NOTHING) == Chance(1, 9)

    def test_a_vertical_counts_for_twenty_leads_at_most(self) -> None:
        known = chance(own=NOTHING, vertical=Record(299, 990))
        assert known == Chance(pytest.approx(6.0), pytest.approx(14.0))

    def test_the_contract_own_leads_are_added_one_by_one(self) -> None:
        known = chance(own=Record(3, 30), vertical=NOTHING)
        assert known == Chance(4, 36)

    def test_no_lead_becomes_two_actions(self) -> None:
        with pytest.raises(ValueError, match="at most"):
            Record(2, 1)
