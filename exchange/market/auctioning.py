"""The rule of an auction, public and the same for everybody. Pure.

Pay your bid: the highest bids are served first, each at its own price for each lead; of equal
bids the one that arrived first. Bids below the floor are not served. Who cannot be given as many
leads as asked for (known people, leads had before, a suspended account) gets what there is, and
the rest passes to the next bid. A changed bid arrives when it is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

# The funds held are a step of this ladder, so that they do not tell the bid (decision 24).
STEP_UP: Final = 5
STEP_DOWN: Final = 4
BID_UNITS_MAX: Final = 1_000
UNITS_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class OpenBid:
    """What one bidder offers, once it may be read."""

    sequence: int  # the place of its arrival
    bidder: str  # a pseudonym of this auction
    amount: int  # for one lead, in minor units of the auction's currency
    units: int  # how many leads are wanted


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a bid won, at the bidder's own price."""

    sequence: int
    bidder: str
    units: int
    price: int  # for one lead, minor units


Serve = Callable[[OpenBid, int], int]


def serve_all(_bid: OpenBid, units: int) -> int:
    """Nobody is limited by what they know or had before."""
    return units


def award(
    bids: Iterable[OpenBid], *, units: int, floor: int, serve: Serve = serve_all
) -> list[Allocation]:
    """Who gets how many of `units` leads, in the order in which they are served.

    `serve` says how many leads of those due to a bid its bidder can be given. It is asked once
    for each bid that something is left for.
    """
    awarded: list[Allocation] = []
    left = units
    for bid in ranked(bids, floor=floor):
        if not left:
            break
        got = serve(bid, min(bid.units, left))
        if got:
            awarded.append(Allocation(bid.sequence, bid.bidder, got, bid.amount))
            left -= got
    return awarded


def ranked(bids: Iterable[OpenBid], *, floor: int) -> list[OpenBid]:
    """The bids that reach the floor, the highest first, of equal ones the earliest."""
    reached = (bid for bid in bids if bid.amount >= floor)
    return sorted(reached, key=lambda bid: (-bid.amount, bid.sequence))


def ladder(amount: int, *, floor: int) -> int:
    """The step above the amount: what is held for each lead, in minor units.

    The ladder begins at the floor and goes up by a quarter, rounded up. It is the step above and
    never the one an amount stands on, so that each step may come from a quarter of the prices.
    """
    step = floor
    while step <= amount:
        step = -(-step * STEP_UP // STEP_DOWN)
    return step
