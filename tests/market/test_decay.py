"""A price that falls: each day the same part of the first one, never below the floor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.core.money import Currency, Money
from exchange.market.decay import DAY, Decay, Step

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def usd(amount: int) -> Money:
    return Money(amount, Currency.USD)


def make_decay(**changes) -> Decay:
    told = {"start": usd(45_00), "bps": 1_000, "floor": usd(30_00), "since": NOON} | changes
    return Decay(**told)


@pytest.mark.parametrize(
    ("hours", "amount"),
    [(0, 45_00), (23, 45_00), (24, 40_50), (47, 40_50), (48, 36_00), (72, 31_50), (96, 30_00),
     (24 * 400, 30_00)],
)  # fmt: skip
def test_falls_once_a_day_down_to_the_floor(hours, amount):
    assert make_decay().price_at(NOON + timedelta(hours=hours)) == usd(amount)


def test_says_every_step_that_is_to_come():
    steps = list(make_decay().steps(NOON + timedelta(hours=30)))
    assert steps == [
        Step(NOON + 2 * DAY, usd(36_00)),
        Step(NOON + 3 * DAY, usd(31_50)),
        Step(NOON + 4 * DAY, usd(30_00)),
    ]


def test_at_the_floor_nothing_is_to_come():
    assert make_decay().next_step(NOON + 4 * DAY) is None


def test_before_the_sale_the_price_stays():
    waiting = make_decay(since=None)
    assert waiting.price_at(NOON + 9 * DAY) == usd(45_00)
    assert waiting.next_step(NOON) is None
    assert waiting.begin(NOON) == make_decay()
    assert make_decay().begin(NOON + DAY) == make_decay()


@given(
    start=st.integers(2, 10**9),
    bps=st.integers(1, 5_000),
    floor=st.integers(1, 10**9),
    hours=st.lists(st.integers(0, 24 * 365), min_size=2, max_size=2).map(sorted),
)
def test_never_rises_and_never_passes_the_floor(start, bps, floor, hours):
    decay = make_decay(start=usd(max(start, floor + 1)), bps=bps, floor=usd(floor))
    early, late = (decay.price_at(NOON + timedelta(hours=n)) for n in hours)
    assert decay.start >= early >= late >= decay.floor
    assert Decay.from_json(decay.to_json(), Currency.USD) == decay


def test_no_fall_is_stored_as_nothing():
    assert Decay.from_json({}, Currency.USD) is None
