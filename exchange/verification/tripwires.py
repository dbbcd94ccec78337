"""Tripwires: small fixed samples that ring on few bad leads, and how often they ring rightly.

A tripwire protects one side only. It may delay a lot or a source and have it looked at wholly; it
never stands in for the plan of a lot, which protects the seller too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exchange.verification.distributions import binomial_sf
from exchange.verification.plans import Risks, Rounding, SamplingPlan, smallest_sample

TRIPWIRE: Final = "tripwire"


def tripwire_plan(
    population: int, *, risks: Risks, rounding: Rounding | None = None
) -> SamplingPlan:
    """The smallest sample without a bad lead that shows the lot to be better than p2.

    A lot at the buyer's point is passed with at most beta; `risks.alpha` is not promised, and what
    it comes to is `actual_risks(plan).alpha` (19 leads for 15 % and 5 % refuse 44 % of the large
    lots at 3 %). The buyer's promise is exact without replacement. ValueError for an empty lot.
    """
    if population < 1:
        raise ValueError("a lot holds at least one lead")
    n = smallest_sample(0, above=0, risks=risks, population=population)
    return SamplingPlan(
        name=TRIPWIRE,
        looks=(n,),
        accept=(0,),
        reject=(1,),
        risks=risks,
        population=population,
        rounding=rounding or Rounding.for_size(population),
    )


@dataclass(frozen=True, slots=True)
class SourceRule:
    """So many leads of each source are drawn; from so many bad ones on the source is quarantined.

    The lot's decision is not touched by it: that stands on the simple random core.
    """

    drawn: int = 12
    quarantine_at: int = 2

    def quarantined(self, share: float) -> float:
        """P(a source with this share of bad leads is quarantined), however large it is (binomial).

        The rule of the house: 91.5 % at 30 % bad, 4.9 % at 3 %, 0.6 % at 1 %.
        """
        return binomial_sf(self.quarantine_at - 1, share=share, drawn=self.drawn)


SOURCE_RULE: Final = SourceRule()
