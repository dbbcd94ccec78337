"""The record of a source: what the lots of one seller, vertical and source say about the next one.

It sets money and order of lists, never a plan: every lot is checked with the full protection of
its class, whoever sends it. Beta-binomial with shrinkage; the counts of a lot weigh less than they
look, because lots of one source are not alike and old ones say little. Pure: counts come in, shares
of bad leads go out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

TAIL: Final = 0.05  # on each side: a record has a 90 % interval
NEXT_LOT: Final = 0.90  # the quantile of the next lot's bad share that the reserve covers
LOT_SPREAD: Final = 100  # K: the rates of a source's lots are Beta(K p, K (1 - p))
HALF_LIFE: Final = 10  # lots after which a lot weighs half
LOTS_REMEMBERED: Final = 100  # the next one would weigh a thousandth
NEW_BELOW: Final = 60  # checks that count; below it a source is new

CELLS_MIN: Final = 10  # a vertical with fewer sources has the house's prior
STRENGTHS: Final = (5.0, 100.0)  # between which M is looked for

NEW_RESERVE_BPS: Final = 1_500
RESERVE_BPS: Final = (300, 2_500)  # of a source that is known
NEW_RESERVE_DAYS: Final = 30
# How long a reserve is kept, by the record's upper bound of bad leads: at most so much, so many.
RESERVE_DAYS: Final = ((0.05, 14), (0.10, 21), (0.15, 30))
RESERVE_DAYS_MOST: Final = 45


class Grade(StrEnum):
    """A seller in one letter, by the record's upper bound of bad leads."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    NEW = "new"  # whose own lots say too little yet, which is not a D


# Public, and the limits of the quality classes Prime, Select and Standard (decision 5).
GRADES: Final = ((0.08, Grade.A), (0.10, Grade.B), (0.15, Grade.C))


@dataclass(frozen=True, slots=True)
class LotCount:
    """What the sample of a decided lot found among people who answered."""

    good: int
    bad: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Counts as they weigh: checks and bad ones among them, no whole numbers any more."""

    checks: float
    bad: float


@dataclass(frozen=True, slots=True)
class Prior:
    """What is thought of a source before its first lot: so many checks with such a bad share."""

    mean: float
    strength: float  # M


# Of a vertical with too few sources to tell: an assumption, replaced as soon as there are ten.
HOUSE: Final = Prior(mean=0.05, strength=20.0)


@dataclass(frozen=True, slots=True)
class Reputation:
    """The posterior of a source's bad share: mean, 90 % interval, and what drives its money."""

    mean: float
    lower: float
    upper: float
    n_effective: float  # checks of its own lots, as they weigh
    next_upper: float  # 90 % quantile of the next lot's bad share

    @property
    def is_new(self) -> bool:
        """Whether its own lots say too little yet."""
        return self.n_effective < NEW_BELOW

    @property
    def reserve_bps(self) -> int:
        """What is held back of a sale, in basis points: the bad share the next lot may well have.

        Between 3 % and 25 %; 15 % while the source is new.
        """
        if self.is_new:
            return NEW_RESERVE_BPS
        least, most = RESERVE_BPS
        return min(max(round(self.next_upper * 10_000), least), most)

    @property
    def reserve_days(self) -> int:
        """How many days it is held back: by the public table, 30 while the source is new."""
        if self.is_new:
            return NEW_RESERVE_DAYS
        fitting = (days for most, days in RESERVE_DAYS if self.upper <= most)
        return next(fitting, RESERVE_DAYS_MOST)

    @property
    def grade(self) -> Grade:
        """The letter of the upper bound, D beyond every limit."""
        if self.is_new:
            return Grade.NEW
        return next((letter for most, letter in GRADES if self.upper <= most), Grade.D)

    @property
    def sound_share(self) -> float:
        """Of what a lead costs in the vertical, what is left for one that may be bad: 1 - E[p]."""
        return 1 - self.mean

    @property
    def certainty(self) -> float:
        """What is left for not knowing better: 1 - (q90 - E[p]) / 2."""
        return 1 - 0.5 * (self.next_upper - self.mean)


def design_effect(checks: float, *, spread: float) -> float:
    """By how much a count of alike answers says less than it seems: 1 + (n - 1) / (K + 1).

    The variance of a beta-binomial count over that of a binomial one with the same n and mean.
    """
    return 1 + (checks - 1) / (spread + 1)


def weigh(lots: Sequence[LotCount]) -> Evidence:
    """The evidence of a source, its newest lot first.

    A lot's n is divided by its design effect and halved for every ten lots since.
    """
    checks = bad = 0.0
    for age, lot in enumerate(lots[:LOTS_REMEMBERED]):
        n = lot.good + lot.bad
        if n:
            weight = 0.5 ** (age / HALF_LIFE) / design_effect(n, spread=LOT_SPREAD)
            checks, bad = checks + weight * n, bad + weight * lot.bad
    return Evidence(checks, bad)


def judge_source(lots: Sequence[LotCount], prior: Prior = HOUSE) -> Reputation:
    """The record of a source from its lots, the newest first; without any it is its prior's.

    Posterior Beta(M m + bad, M (1 - m) + checks - bad), interval between its 5 % and 95 % quantile.
    """
    return _posterior(weigh(lots), prior)


def judge_seller(sources: Iterable[Evidence]) -> Reputation:
    """The record of a seller over all of its sources and verticals, from the house's prior."""
    found = list(sources)
    return _posterior(
        Evidence(sum(one.checks for one in found), sum(one.bad for one in found)), HOUSE
    )


@lru_cache(maxsize=4096)
def _posterior(evidence: Evidence, prior: Prior) -> Reputation:
    # Only the quantiles need the library, which takes 0.3 s and 28 MB to load.
    from scipy.special import betainccinv, betaincinv  # noqa: PLC0415

    a = prior.strength * prior.mean + evidence.bad
    b = prior.strength * (1 - prior.mean) + evidence.checks - evidence.bad
    mean, next_size = a / (a + b), _size_of_next(a + b)
    return Reputation(
        mean=mean,
        lower=float(betaincinv(a, b, TAIL)),
        upper=float(betainccinv(a, b, TAIL)),
        n_effective=evidence.checks,
        next_upper=float(betaincinv(next_size * mean, next_size * (1 - mean), NEXT_LOT)),
    )


def _size_of_next(size: float) -> float:
    """The a + b of the beta that has the mean and the variance of the next lot's bad share.

    The lot is Beta(K p, K (1 - p)), p is Beta of this size. By the law of total variance
    S' + 1 = (S + 1) (K + 1) / (S + K + 1).
    """
    return (size + 1) * (LOT_SPREAD + 1) / (size + LOT_SPREAD + 1) - 1


def prior_of(cells: Collection[Evidence]) -> Prior:
    """The prior of a vertical from the evidence of its sources; the house's below ten of them.

    The strength M has the largest marginal likelihood between 5 and 100; the mean that goes with
    an M is the sources' mean shrunk to the house's, where no source weighs more than M + 1 checks.
    """
    known = [cell for cell in cells if cell.checks > 0]
    if len(known) < CELLS_MIN:
        return HOUSE
    low, high = (math.log(bound) for bound in STRENGTHS)
    strength = math.exp(_peak(lambda log: _likelihood(known, math.exp(log)), low=low, high=high))
    return Prior(_mean(known, strength), strength)


def _mean(cells: Iterable[Evidence], strength: float) -> float:
    """The design effect one floor up: a source of many checks is still one source."""
    checks, bad = HOUSE.strength, HOUSE.strength * HOUSE.mean
    for cell in cells:
        weight = 1 / max(1.0, design_effect(cell.checks, spread=strength))
        checks, bad = checks + weight * cell.checks, bad + weight * cell.bad
    return bad / checks


def _likelihood(cells: Sequence[Evidence], strength: float) -> float:
    """Log of the beta-binomial likelihood of M, without the parts that M does not change."""
    mean = _mean(cells, strength)
    a, b = strength * mean, strength * (1 - mean)
    start = _log_beta(a, b)
    return math.fsum(_log_beta(a + cell.bad, b + cell.checks - cell.bad) - start for cell in cells)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _peak(value: Callable[[float], float], *, low: float, high: float) -> float:
    """Where a function with one peak has it, by golden section, to a thousandth."""
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = value(left), value(right)
    while high - low > 1e-3:
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = value(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = value(right)
    return (low + high) / 2
