"""The operating characteristic of a plan as points to draw: how likely a lot passes. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from exchange.verification.plans import SamplingPlan
from exchange.verification.sampling import ActualRisks, acceptance_probability, actual_risks

POINTS: Final = 50
BEYOND: Final = 5 / 3  # the curve is drawn this far beyond the buyer's point: it lies on the floor

Curve = tuple[tuple[float, float], ...]  # share of bad leads, chance to pass


@lru_cache(maxsize=256)
def curve_of(plan: SamplingPlan) -> Curve:
    """Exact points of a plan for a lot, from no bad lead to well beyond what the class allows.

    Only whole numbers of bad leads exist, so a small lot has fewer points. Rounded where the
    probabilities end to be exact, so that the curve falls.
    """
    end = max(1, round(plan.size * min(1.0, float(plan.risks.p2) * BEYOND)))
    counts = sorted({round(end * step / POINTS) for step in range(POINTS + 1)})
    return tuple((bad / plan.size, round(acceptance_probability(plan, bad), 12)) for bad in counts)


@lru_cache(maxsize=256)
def risks_of(plan: SamplingPlan) -> ActualRisks:
    """The exact risks of a plan for a lot; the same for every page that prints them."""
    return actual_risks(plan)
