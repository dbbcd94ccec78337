"""The rule of an auction against a reference that hands out one lead at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.market.auctioning import Allocation, OpenBid, award, ladder


def reference(bids, units, floor, servable):
    """Ask, for each lead in turn, who bids most among those who can still be given one."""
    got = dict.fromkeys((bid.sequence for bid in bids), 0)
    for _ in range(units):
        best = None
        for bid in bids:
            most = min(bid.units, servable.get(bid.bidder, bid.units))
            if bid.amount < floor or got[bid.sequence] >= most:
                continue
            if (
                best is None
                or bid.amount > best.amount
                or (bid.amount == best.amount and bid.sequence < best.sequence)
            ):
                best = bid
        if best is None:
            break
        got[best.sequence] += 1
    return {sequence: count for sequence, count in got.items() if count}


def a_bid(sequence: int) -> st.SearchStrategy[OpenBid]:
    return st.builds(
        OpenBid, st.just(sequence), st.just(f"b{sequence}"), st.integers(90, 110),
        st.integers(1, 6),
    )  # fmt: skip


bids_of_many = st.integers(0, 8).flatmap(lambda n: st.tuples(*(a_bid(i + 1) for i in range(n))))
limits = st.dictionaries(st.sampled_from([f"b{i}" for i in range(1, 9)]), st.integers(0, 4))


@given(bids_of_many, st.integers(0, 20), limits, st.randoms())
def test_it_awards_what_the_reference_does(bids, units, servable, random):
    shuffled = list(bids)
    random.shuffle(shuffled)
    found = award(
        shuffled,
        units=units,
        floor=100,
        serve=lambda bid, due: min(due, servable.get(bid.bidder, due)),
    )
    assert {one.sequence: one.units for one in found} == reference(bids, units, 100, servable)
    assert all(one.price == bids[one.sequence - 1].amount for one in found)


def test_pay_your_bid_highest_first_then_earliest():
    bids = [
        OpenBid(1, "a", 500, 2),
        OpenBid(2, "b", 700, 2),
        OpenBid(3, "c", 500, 4),
        OpenBid(4, "d", 99, 9),
    ]
    assert award(bids, units=5, floor=100) == [
        Allocation(2, "b", 2, 700),
        Allocation(1, "a", 2, 500),
        Allocation(3, "c", 1, 500),
    ]


def test_what_somebody_cannot_be_given_passes_to_the_next():
    bids = [OpenBid(1, "a", 900, 5), OpenBid(2, "b", 800, 5)]
    found = award(
        bids, units=6, floor=1, serve=lambda bid, due: min(due, 1) if bid.bidder == "a" else due
    )
    assert [(one.bidder, one.units) for one in found] == [("a", 1), ("b", 5)]


@pytest.mark.parametrize(
    ("amount", "step"), [(4500, 5625), (5624, 5625), (5625, 7032), (7031, 7032), (7032, 8790)]
)
def test_steps_of_the_ladder(amount, step):
    assert ladder(amount, floor=4500) == step


@given(st.integers(1, 10**6), st.integers(0, 10**7))
def test_a_step_is_above_the_bid_by_a_quarter_at_most(floor, above):
    amount = floor + above
    step = ladder(amount, floor=floor)
    assert amount < step <= -(-amount * 5 // 4)


@given(st.integers(100, 10**6), st.integers(0, 12))
def test_each_step_may_come_from_a_quarter_of_the_prices(floor, steps):
    lowest = floor
    for _ in range(steps):
        lowest = ladder(lowest, floor=floor)
    above = ladder(lowest, floor=floor)
    assert above - lowest >= lowest // 4
    for amount in (lowest, (lowest + above) // 2, above - 1):
        assert ladder(amount, floor=floor) == above
