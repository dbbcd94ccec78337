"""Process control over lots: limits of bad counts, and a test whether two shares are one.

Both are exact. The count of a lot is binomial where its process has the overall rate: the lot
itself is drawn from the process, so its size does not matter. Two shares are compared given how
many bad leads there are in all (R. A. Fisher). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from exchange.verification.distributions import (
    TOLERANCE,
    binomial_cdf,
    binomial_sf,
    hypergeometric_cdf,
    hypergeometric_sf,
)

TAIL: Final = 0.00135  # on each side: what three standard deviations leave of a normal
DIVERGED_BELOW: Final = 0.01  # probability of a difference as large between equal shares


@dataclass(frozen=True, slots=True)
class Limits:
    """The bad counts that are ordinary where nothing but the overall rate is at work."""

    lower: int
    upper: int

    def hold(self, bad: int) -> bool:
        """Whether the count is ordinary."""
        return self.lower <= bad <= self.upper


@lru_cache(maxsize=4096)
def limits(share: float, *, drawn: int) -> Limits:
    """The fewest and the most bad leads among `drawn` that are still likelier than `TAIL`.

    The limits of a p-chart for a sample of this size, by the binomial itself instead of a normal.
    """
    lower = 0
    while binomial_cdf(lower, share=share, drawn=drawn) <= TAIL + TOLERANCE:
        lower += 1
    upper = lower
    while binomial_sf(upper, share=share, drawn=drawn) > TAIL + TOLERANCE:
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
