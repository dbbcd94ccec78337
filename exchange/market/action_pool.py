"""How much of a buyer's money stands behind open leads that are paid by their action. Pure.

Every lead of a contract becomes an action with one chance that nobody knows. What is known of it
is a beta distribution: what the vertical's earlier leads say, worth a few leads, and then the
contract's own. The actions among n open leads then follow the beta-binomial law,
P(k) = C(n, k) B(k + a, n - k + b) / B(a, b), and the pool holds the price of as many actions as
they will not exceed with 95 % certainty (decision 19).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import fsum
from typing import Final

CERTAINTY: Final = 0.95
# Before anything is known of a vertical: one action among ten leads, believed as little.
FIRST_ACTIONS, FIRST_LEADS = 1, 10
WORTH_MAX: Final = 20  # leads that a vertical's record counts for at most in a contract


@dataclass(frozen=True, slots=True)
class Record:
    """Leads that came to their end, and how many of them became a paid action."""

    actions: int
    leads: int

    def __post_init__(self) -> None:
        if not 0 <= self.actions <= self.leads:
            raise ValueError("a lead becomes one paid action at most")


@dataclass(frozen=True, slots=True)
class Chance:
    """What is known of the chance that a lead becomes an action: Beta(a, b)."""

    a: float
    b: float


def chance(*, own: Record, vertical: Record) -> Chance:
    """What the contract's own record says on top of the vertical's.

    The vertical's share of actions, with one in ten added, counts for twenty leads at most: a
    contract that is unlike its vertical is believed after a few dozen leads of its own.
    """
    actions, leads = vertical.actions + FIRST_ACTIONS, vertical.leads + FIRST_LEADS
    scale = min(leads, WORTH_MAX) / leads
    return Chance(
        a=actions * scale + own.actions,
        b=(leads - actions) * scale + own.leads - own.actions,
    )


@dataclass(slots=True)
class Backing:
    """The money behind a contract's open leads; both go up while it takes more of them."""

    open_leads: int
    held: int  # minor units in the pool
    price: int  # of an action, the highest of an open lead or of the next one
    known: Chance

    def size(self, new_leads: int = 0) -> int:
        """How much the pool must hold with so many leads more, in minor units."""
        return self.price * prices_held(self.open_leads + new_leads, self.known)

    def missing(self, new_leads: int = 1) -> int:
        """How much it must grow for that."""
        return max(0, self.size(new_leads) - self.held)

    def take(self) -> None:
        """One lead more is open, and the pool has grown for it."""
        self.held += self.missing()
        self.open_leads += 1


@lru_cache(maxsize=1_024)  # a round asks the same three times for each lead
def likely_actions(open_leads: int, known: Chance, *, certainty: float = CERTAINTY) -> int:
    """The least number that the actions among so many open leads do not exceed, so certainly."""
    weights = _weights(open_leads, known)
    enough = certainty * fsum(weights)
    return next(k for k, sum_ in enumerate(accumulate(weights)) if sum_ >= enough)


def prices_held(open_leads: int, known: Chance) -> int:
    """For how many actions the pool holds the price: one at least while a lead is open."""
    return max(1, likely_actions(open_leads, known)) if open_leads else 0


def _weights(n: int, known: Chance) -> list[float]:
    """In proportion to P(0) .. P(n).

    From the likeliest number outward by P(k + 1) / P(k) = (n - k)(k + a) / (k + 1)(n - k - 1 + b),
    so that nothing overflows and what underflows is nothing.
    """
    top = _likeliest(n, known)
    upward, downward = [1.0], []
    for k in range(top, n):
        upward.append(upward[-1] * (n - k) * (k + known.a) / ((k + 1) * (n - k - 1 + known.b)))
    weight = 1.0
    for k in range(top, 0, -1):
        weight *= k * (n - k + known.b) / ((n - k + 1) * (k - 1 + known.a))
        downward.append(weight)
    return [*reversed(downward), *upward]


def _likeliest(n: int, known: Chance) -> int:
    """A number near the top of the law; where it has none inside, any will do."""
    a, b = known.a, known.b
    if a <= 1 or b <= 1:
        return 0 if a <= b else n
    return min(n, max(0, int((n + 1) * (a - 1) / (a + b - 2))))
