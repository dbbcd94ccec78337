"""Process control over lots: limits of bad counts, and a test whether two shares are one.

Both are exact: a lot is a sample without replacement, and two shares are compared given how many
bad leads there are in all (R. A. Fisher). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from exchange.verification.distributions import (
    TOLERANCE,
    hypergeometric_cdf,
    hypergeometric_sf,
)

TAIL: Final = 0.00135  # on each side: what three standard deviations leave of a normal
DIVERGED_BELOW: Final = 0.01  # probability of a difference as large between equal shares


@dataclass(frozen=True, slots=True)
class Limits:
    """The bad counts that are ordinary in a sample of a lot at the overall rate."""

    lower: int
    upper: int

    def hold(self, bad: int) -> bool:
        """Whether the count is ordinary."""
        return self.lower <= bad <= self.upper


@lru_cache(maxsize=4096)
def limits(share: float, *, drawn: int, population: int) -> Limits:
    """The fewest and the most bad leads among `drawn` that are still likelier than `TAIL`.

    The lot holds `share` bad leads, rounded to a whole number of them.
    """
    lot = {"population": population, "bad": round(share * population), "drawn": drawn}
    lower = upper = 0
    while hypergeometric_cdf(lower, **lot) <= TAIL + TOLERANCE:
        lower += 1
    upper = lower
    while hypergeometric_sf(upper, **lot) > TAIL + TOLERANCE:
        upper += 1
    return Limits(lower, upper)


def difference(bad: int, n: int, *, other_bad: int, other_n: int) -> float:
    """P(shares as different as these | they are one), two-sided: twice the smaller exact tail.

    1 where either side has nobody.
    """
    if not n or not other_n:
        return 1.0
    lot = {"population": n + other_n, "bad": bad + other_bad, "drawn": n}
    low, high = hypergeometric_cdf(bad, **lot), hypergeometric_sf(bad - 1, **lot)
    return min(1.0, 2 * min(low, high))
