"""How many leads a week will bring, as a range, from how many each day brought. Pure.

The days before are taken as independent draws of one process whose variance is `spread` times its
mean (a Poisson process where leads come one by one has 1; lots of hundreds that come on a few days
have much more). With the mean m over d days a coming week brings 7 m on average, and lies, with a
chance of about 80 %, within

    7 m  +-  1.2816 * sqrt(7 * spread * m * (1 + 7 / d))

where 7/d is for m itself being measured over d days only. `spread` is the sample variance of the
days over their mean and at least the number of leads that each lead of a sample stands for, so the
error of sampling is inside. The normal approximation is rough for a few leads; the low end is
never under zero, and under seven days of history no range is given at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, sqrt
from statistics import fmean, variance
from typing import Final

from exchange.market.contract_terms import Caps, Period

Z_80: Final = 1.2816  # of the normal distribution: 10 % on either side are outside
WEEK_DAYS: Final = 7
DAYS_MIN: Final = 7  # of history, for a range
PER_WEEK: Final[Mapping[Period, float]] = {
    Period.HOUR: 168, Period.DAY: 7, Period.WEEK: 1, Period.MONTH: 7 / 30.4375, Period.TOTAL: 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Range:
    """From so many to so many, both whole."""

    low: int
    high: int

    def __mul__(self, factor: int) -> Range:
        return Range(self.low * factor, self.high * factor)

    def at_most(self, most: float) -> Range:
        """The same under a ceiling."""
        top = floor(most) if most < inf else self.high
        return Range(min(self.low, top), min(self.high, top))


def week_range(days: Sequence[int], *, step: int = 1) -> Range | None:
    """What the coming week brings, by what each day brought; None under a week of history.

    `step`: each lead that was counted stands for so many, and the days are multiples of it.
    """
    if len(days) < DAYS_MIN:
        return None
    mean = fmean(days)
    if not mean:
        return Range(0, 0)
    spread = max(step, variance(days) / mean)
    around = Z_80 * sqrt(WEEK_DAYS * spread * mean * (1 + WEEK_DAYS / len(days)))
    middle = WEEK_DAYS * mean
    return Range(max(0, floor(middle - around)), ceil(middle + around))


def by_day(ages: Iterable[float], *, days: int, step: int = 1) -> list[int]:
    """Counts of each of the last `days` days, the oldest first, from ages in days."""
    counts = [0] * days
    for age in ages:
        if 0 <= age < days:
            counts[days - 1 - floor(age)] += step
    return counts


def days_until_spent(wallet: int, week: Range, *, most: int) -> Range:
    """How many whole days a wallet lasts where a week costs so much; `most` is told at most."""
    if not wallet:
        return Range(0, 0)
    days = (WEEK_DAYS * wallet // cost if cost else most for cost in (week.high, week.low))
    low, high = (min(found, most) for found in days)
    return Range(low, high)


def leads_a_week(caps: Caps) -> float:
    """The most leads that the caps in leads let through in a week; infinite without one."""
    return min((most * PER_WEEK[period] for period, most in caps.leads.items()), default=inf)


def budget_a_week(caps: Caps) -> float:
    """The most that the caps in money let be spent in a week, in minor units."""
    return min((most * PER_WEEK[period] for period, most in caps.amount.items()), default=inf)
