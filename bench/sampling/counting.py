"""How many leads of a lot are checked, and how often the decision is wrong: no calls, no clock.

Lots are drawn without replacement and decided by the product's `decide`. A check beyond the one
that rejects is not counted, here as in the exact figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import mean

from bench.sampling.policies import Policy
from bench.sampling.population import Lot
from exchange.verification.plans import HOUSE_RISKS, SamplingPlan
from exchange.verification.sampling import Decision, count_looks, decide


@dataclass(frozen=True, slots=True)
class Counted:
    """What a policy does with all lots."""

    checks: float  # per lot
    wrong_accepts: float  # of lots at or beyond the buyer's point
    wrong_rejects: float  # of lots at or below the seller's point
    outgoing: float  # bad leads of accepted lots per lead that was offered


def count(policy: Policy, lots: Sequence[Lot], *, seed: int = 2) -> Counted:
    """Decide every lot once."""
    random = Random(seed)
    ends = [(lot, *decided(policy.plan(lot.size), lot, random)) for lot in lots]
    foul = [accepted for lot, accepted, _ in ends if lot.share >= HOUSE_RISKS.p2]
    fine = [accepted for lot, accepted, _ in ends if lot.share <= HOUSE_RISKS.p1]
    return Counted(
        checks=mean(checks for _, _, checks in ends),
        wrong_accepts=mean(foul),
        wrong_rejects=1 - mean(fine),
        outgoing=mean(lot.share * accepted for lot, accepted, _ in ends),
    )


def decided(plan: SamplingPlan, lot: Lot, random: Random) -> tuple[bool, int]:
    """Whether the lot is accepted, and after how many checks."""
    drawn = draw_bad(lot, plan.looks[-1], random)
    standing = decide(plan, count_looks(plan, drawn))
    if standing.decision is Decision.ACCEPT:
        return True, standing.n
    return False, checks_to_rejection(drawn, reject=plan.reject[standing.stage - 1])


def draw_bad(lot: Lot, n: int, random: Random) -> list[bool]:
    """Which of the first n drawn leads are bad."""
    return [index < lot.bad for index in random.sample(range(lot.size), n)]


def checks_to_rejection(drawn: Sequence[bool], *, reject: int) -> int:
    """The place, from 1, of the bad lead that rejects."""
    bad = [place for place, is_bad in enumerate(drawn, start=1) if is_bad]
    return bad[reject - 1]
