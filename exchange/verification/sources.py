"""Declared sources within a lot: which are checked on their own, and which one is quarantined.

The decision on a lot stays with its core, a simple random sample. Beside it the first leads of each
large source are looked at, in the order of the same draw, so that a bad source cannot hide behind
good ones. The rule is fixed at the seal, from how many leads name which source. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from exchange.verification.models import OutcomeClass, SampleStatus
from exchange.verification.source_models import LotSourceStatus
from exchange.verification.tripwires import SOURCE_RULE

CHECKS: Final = SOURCE_RULE.drawn  # of each source, the first ones in the order of the draw
BAD_MAX: Final = SOURCE_RULE.quarantine_at - 1  # one more among them, and it is quarantined
SHARE_MIN: Final = Fraction(10, 100)  # of the lot: a source of that share is checked on its own
LARGE: Final = 50  # and so is one of so many leads
EXTRA_MAX: Final = 60  # checks beside the core's in a lot (decision 35)
GROUPS_MAX: Final = EXTRA_MAX // CHECKS
REST: Final = 0  # the number of what is not checked under a name of its own


@dataclass(frozen=True, slots=True)
class Group:
    """Leads of a lot that are checked together: one named source, or all the others."""

    number: int  # in the map of sources
    name: str | None  # as the leads say it, empty where they say nothing; None: all the others
    population: int

    @property
    def checks(self) -> int:
        """How many of its leads are looked at."""
        return checks_of(self.population)


def checks_of(population: int) -> int:
    """How many leads of a source are looked at: twelve, or all of a smaller one."""
    return min(CHECKS, population)


def groups_of(counts: Mapping[str, int], *, population: int) -> list[Group]:
    """The groups that are checked, numbered from the largest; none in a lot of one source.

    `counts` says how many of the lot's leads name which source; what is not large may be missing.
    A lot has at most five groups, so that they ask for sixty checks at most. What is smaller, or
    beyond the fifth, is one group together; where that is small too it is left to the core.
    """
    large = [name for name, count in counts.items() if is_large(count, population=population)]
    own = sorted(large, key=lambda name: (-counts[name], name))[:GROUPS_MAX]
    rest = population - sum(counts[name] for name in own)
    if is_large(rest, population=population) and len(own) == GROUPS_MAX:
        rest += counts[own.pop()]
    groups = [Group(number, name, counts[name]) for number, name in enumerate(own, start=1)]
    if is_large(rest, population=population):
        groups.insert(0, Group(REST, None, rest))
    return groups if len(groups) > 1 else []


def is_large(count: int, *, population: int) -> bool:
    """Whether so many leads of a lot are looked at on their own."""
    return count >= large_from(population)


def large_from(population: int) -> int:
    """How many leads make a source of a lot: a tenth of it, or fifty.

    Never a single lead: its name is a click's, and one lead cannot be bad twice.
    """
    return max(BAD_MAX + 1, min(math.ceil(SHARE_MIN * population), LARGE))


def judge_source(outcomes: Sequence[OutcomeClass | None]) -> LotSourceStatus:
    """What its own checks say of a source; None is not final yet, open counts as not bad."""
    if sum(outcome is OutcomeClass.BAD for outcome in outcomes) > BAD_MAX:
        return LotSourceStatus.QUARANTINED
    return LotSourceStatus.OPEN if None in outcomes else LotSourceStatus.PASSED


def end_source(
    outcomes: Sequence[OutcomeClass | None], *, decision: SampleStatus
) -> LotSourceStatus:
    """How a source ends with its lot.

    Nothing is said of it where the lot is rejected, or undecided before the source was heard.
    """
    found = judge_source(outcomes)
    is_left = decision is SampleStatus.REJECTED or found is LotSourceStatus.OPEN
    return LotSourceStatus.LEFT if is_left else found
