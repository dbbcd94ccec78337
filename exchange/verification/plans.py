"""Sampling plans: how many drawn leads are checked and how many bad ones a lot may show.

Every plan made here keeps both promises at its lot's size: a lot at the seller's point is refused
with at most `alpha`, a lot at the buyer's point is accepted with at most `beta`. Shares are
fractions; a float times a count would move a plan by one lead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any, Self

from exchange.verification.distributions import TOLERANCE, hypergeometric_cdf, hypergeometric_pmf

SMALL_LOT = 100  # below it the seller's point is rounded up
SMALLEST_RISK = Fraction(1, 10**9)


class Rounding(StrEnum):
    """How many bad leads the seller's share means in a lot where it is not a whole number."""

    FAIR = "fair"  # up: one bad lead among 20 is not held against a seller of 3 %
    FLOOR = "floor"  # down

    @classmethod
    def for_size(cls, population: int) -> Self:
        """The rounding of the house: fair below 100 leads, floor from there on."""
        return cls("fair" if population < SMALL_LOT else "floor")


@dataclass(frozen=True, slots=True)
class Risks:
    """The two points a plan is built on.

    ValueError unless 0 <= p1 < p2 <= 1 and 0 < risk < 1. A risk below one in a billion is refused
    too: probabilities are known to twelve digits.
    """

    p1: Fraction  # the bad share up to which the seller is protected
    alpha: Fraction  # the risk that a lot at p1 is rejected
    p2: Fraction  # the bad share from which the buyer is protected
    beta: Fraction  # the risk that a lot at p2 is accepted

    def __post_init__(self) -> None:
        if not 0 <= self.p1 < self.p2 <= 1:
            raise ValueError("p1 must be smaller than p2, both between 0 and 1")
        if not (0 < self.alpha < 1 and 0 < self.beta < 1):
            raise ValueError("alpha and beta must lie between 0 and 1")
        if min(self.alpha, self.beta) < SMALLEST_RISK:
            raise ValueError("alpha and beta must not be below 0.000000001: no plan is so exact")

    @classmethod
    def of(cls, *, p1: str, alpha: str, p2: str, beta: str) -> Self:
        """The risks from decimal text such as "0.03", which stays exact."""
        return cls(Fraction(p1), Fraction(alpha), Fraction(p2), Fraction(beta))

    def bad_at_p1(self, population: int, *, rounding: Rounding | None = None) -> int:
        """The most bad leads with which the seller is protected; always below `bad_at_p2`.

        Where rounding up would reach the buyer's point (lots of a few leads), the buyer goes first:
        no plan could tell two equal lots apart.
        """
        rounding = rounding or Rounding.for_size(population)
        exact = population * self.p1
        rounded = math.ceil(exact) if rounding is Rounding.FAIR else math.floor(exact)
        return min(rounded, self.bad_at_p2(population) - 1)

    def bad_at_p2(self, population: int) -> int:
        """The fewest bad leads against which the buyer is protected."""
        return math.ceil(population * self.p2)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingPlan:
    """Walk down the draw order; stop at the first look that decides.

    Look i is the first looks[i] drawn leads. With at most accept[i] bad among them the lot is
    accepted, with reject[i] or more rejected; between the two the next look is taken. The last look
    leaves nothing between. `population` is None in the patterns below, which are not yet for a lot.
    Raises ValueError where the numbers do not make a plan.
    """

    name: str
    looks: tuple[int, ...]
    accept: tuple[int, ...]
    reject: tuple[int, ...]
    risks: Risks
    confidence: Fraction = Fraction(95, 100)  # of the bound that is published after acceptance
    population: int | None = None
    rounding: Rounding = field(default=Rounding.FLOOR)

    def __post_init__(self) -> None:
        if not len(self.looks) == len(self.accept) == len(self.reject) > 0:
            raise ValueError("a plan needs an acceptance and a rejection number for every look")
        if self.looks[0] < 1 or not _rising(self.looks, step=1):
            raise ValueError("the looks of a plan must rise from at least 1")
        if self.accept[0] < 0 or not (_rising(self.accept) and _rising(self.reject)):
            raise ValueError("acceptance and rejection numbers must not be negative or fall")
        gaps = [high - low for low, high in zip(self.accept, self.reject, strict=True)]
        if min(gaps) < 1 or gaps[-1] != 1:
            raise ValueError("rejection must lie above acceptance, by exactly 1 at the last look")
        if self.population is not None and self.looks[-1] > self.population:
            raise ValueError(f"{self.name} needs a lot of at least {self.looks[-1]} leads")

    def at(self, population: int, *, rounding: Rounding | None = None) -> Self:
        """The same plan for a lot of this size; ValueError where the lot is below its last look."""
        rounding = rounding or Rounding.for_size(population)
        return replace(self, population=population, rounding=rounding)

    @property
    def size(self) -> int:
        """The lot's size; ValueError for a pattern that was not yet put to a lot."""
        if self.population is None:
            raise ValueError(f"{self.name} is a pattern: take it for a lot with at(population)")
        return self.population

    @property
    def bad_at_p1(self) -> int:
        return self.risks.bad_at_p1(self.size, rounding=self.rounding)

    @property
    def bad_at_p2(self) -> int:
        return self.risks.bad_at_p2(self.size)

    @property
    def last_acceptance(self) -> tuple[int, int]:
        """The least favorable acceptance: its stage (from 1) and its bad leads."""
        return len(self.looks), self.accept[-1]

    def to_json(self) -> dict[str, Any]:  # Any: a JSON object
        """The plan as it is kept beside its sample; shares as exact fractions in text."""
        return {
            "name": self.name,
            "population": self.population,
            "looks": list(self.looks),
            "accept": list(self.accept),
            "reject": list(self.reject),
            "p1": str(self.risks.p1),
            "alpha": str(self.risks.alpha),
            "p2": str(self.risks.p2),
            "beta": str(self.risks.beta),
            "confidence": str(self.confidence),
            "rounding": self.rounding.value,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:  # Any: a JSON object
        """The plan that `to_json` wrote."""
        return cls(
            name=kept["name"],
            population=kept["population"],
            looks=tuple(kept["looks"]),
            accept=tuple(kept["accept"]),
            reject=tuple(kept["reject"]),
            risks=Risks.of(**{point: kept[point] for point in ("p1", "alpha", "p2", "beta")}),
            confidence=Fraction(kept["confidence"]),
            rounding=Rounding(kept["rounding"]),
        )


def _rising(numbers: Sequence[int], *, step: int = 0) -> bool:
    return all(after - before >= step for before, after in pairwise(numbers))


LX_15 = SamplingPlan(
    name="LX-15",
    looks=(22, 36, 50, 64, 78, 92),
    accept=(0, 1, 2, 3, 4, 6),
    reject=(3, 4, 5, 6, 7, 7),
    risks=Risks.of(p1="0.03", alpha="0.05", p2="0.15", beta="0.05"),
)
LX_10 = SamplingPlan(
    name="LX-10",
    looks=(36, 60, 84, 108, 132, 156, 180),
    accept=(0, 1, 2, 4, 5, 7, 10),
    reject=(4, 6, 7, 8, 9, 10, 11),
    risks=Risks.of(p1="0.03", alpha="0.05", p2="0.10", beta="0.05"),
)
LX_08 = SamplingPlan(
    name="LX-08",
    looks=(50, 85, 120, 155, 190, 225, 260),
    accept=(0, 1, 3, 5, 7, 9, 12),
    reject=(6, 8, 9, 11, 12, 13, 13),
    risks=Risks.of(p1="0.03", alpha="0.05", p2="0.08", beta="0.05"),
)
LX_20 = SamplingPlan(
    name="LX-20",
    looks=(16, 26, 36, 46, 56, 66),
    accept=(0, 1, 1, 2, 4, 6),
    reject=(4, 5, 6, 6, 7, 7),
    risks=Risks.of(p1="0.05", alpha="0.05", p2="0.20", beta="0.05"),
)
SINGLE = "single"
SINGLE_06 = SamplingPlan(
    name=SINGLE,
    looks=(519,),
    accept=(22,),
    reject=(23,),
    risks=Risks.of(p1="0.03", alpha="0.05", p2="0.06", beta="0.05"),
)

HOUSE_RISKS = LX_15.risks
_CLASS_PLANS: Mapping[str, SamplingPlan] = {"standard": LX_15, "select": LX_10, "prime": LX_08}
_HOUSE_PLANS = ((3_000, LX_15), (10_000, LX_10), (100_000, LX_08))  # up to so many leads


def plan_for(population: int, quality_class: str) -> SamplingPlan:
    """The plan of a quality class for a lot: sequential, or exact single below the last look.

    Both hold the class's own two points. ValueError for a class that is not sampled.
    """
    pattern = _CLASS_PLANS.get(quality_class)
    if pattern is None:
        raise ValueError(
            f"the class {quality_class} is sold without a sample: no plan belongs to it"
        )
    if population >= pattern.looks[-1]:
        return pattern.at(population)
    return single_plan(population, risks=pattern.risks)


def house_plan(population: int, *, rounding: Rounding | None = None) -> SamplingPlan:
    """The plan for a size where nobody names a class.

    Exact single below 100 leads, LX-15 to 3,000, LX-10 to 10,000, LX-08 to 100,000, then n = 519.
    """
    if population < SMALL_LOT:
        return single_plan(population, risks=HOUSE_RISKS, rounding=rounding)
    fitting = (plan for largest, plan in _HOUSE_PLANS if population <= largest)
    return next(fitting, SINGLE_06).at(population, rounding=rounding)


def single_plan(population: int, *, risks: Risks, rounding: Rounding | None = None) -> SamplingPlan:
    """The smallest single sample that holds both points exactly, with its acceptance number.

    For each acceptance number the smallest sample that protects the buyer is found; the first that
    protects the seller too is the smallest of all. Checking every lead always does, so there is an
    answer for every lot. ValueError for an empty lot.
    """
    if population < 1:
        raise ValueError("a lot holds at least one lead")
    rounding = rounding or Rounding.for_size(population)
    fine, foul = risks.bad_at_p1(population, rounding=rounding), risks.bad_at_p2(population)
    drawn, accept = _out_of_reach(risks, population=population, fine=fine, foul=foul)
    pass_fine = 0.0
    while pass_fine < 1 - risks.alpha - TOLERANCE:
        accept += 1
        # One more accepted bad lead costs at least one more drawn lead.
        drawn = smallest_sample(accept, above=drawn, risks=risks, population=population)
        pass_fine = hypergeometric_cdf(accept, population=population, bad=fine, drawn=drawn)
    return SamplingPlan(
        name=SINGLE,
        looks=(drawn,),
        accept=(accept,),
        reject=(accept + 1,),
        risks=risks,
        population=population,
        rounding=rounding,
    )


def smallest_sample(accept: int, *, above: int, risks: Risks, population: int) -> int:
    """The smallest sample above so many leads that protects the buyer, accepting so many bad."""
    foul, limit = risks.bad_at_p2(population), float(risks.beta) + TOLERANCE

    def protects(drawn: int) -> bool:
        return hypergeometric_cdf(accept, population=population, bad=foul, drawn=drawn) <= limit

    return _first(protects, above=above, last=population)


def _out_of_reach(risks: Risks, *, population: int, fine: int, foul: int) -> tuple[int, int]:
    """A sample and an acceptance number that no single plan can do with, just below the first.

    Among all tests, also those that decide by lot at one count, the most powerful one (Neyman and
    Pearson) never gets worse with a larger sample. So bisection finds the sample below which even
    that one breaks a promise, and the search need not begin at zero.
    """
    promised = float(1 - risks.alpha) - TOLERANCE
    pmf = partial(hypergeometric_pmf, population=population)
    cdf = partial(hypergeometric_cdf, population=population)

    def threshold(drawn: int) -> int:
        def passes(accept: int) -> bool:
            return cdf(accept, bad=fine, drawn=drawn) >= promised

        return _first(passes, above=-1, last=drawn)

    def holds(drawn: int) -> bool:
        accept = threshold(drawn)
        missing = promised - cdf(accept - 1, bad=fine, drawn=drawn)
        by_lot = min(1.0, missing / pmf(accept, bad=fine, drawn=drawn))
        passed = cdf(accept - 1, bad=foul, drawn=drawn)
        passed += by_lot * pmf(accept, bad=foul, drawn=drawn)
        return passed <= float(risks.beta) + TOLERANCE

    drawn = _first(holds, above=0, last=population)
    return drawn - 1, threshold(drawn) - 1


def _first(holds: Callable[[int], bool], *, above: int, last: int) -> int:
    """The smallest number in (above, last] that holds, where all larger ones and `last` do."""
    step = 1
    while above + step < last and not holds(above + step):
        above, step = above + step, step * 2
    low, high = above, min(above + step, last)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
