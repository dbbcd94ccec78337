"""The guarantee's arithmetic: when returns look high, and what a follow-up sample then proves.

Pure. Returns start the look behind a lot and are no evidence: nobody returns leads at random. The
bound rests on random evidence alone, on what the lot's sample had found and on the follow-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from exchange.verification.bounds import hypergeometric_bounds
from exchange.verification.distributions import binomial_sf

ALPHA: Final = Fraction(5, 100)  # P(a lot at the seller's point looks high) at most
TAIL: Final = 0.05  # the bound is one-sided, at 95 %
BPS: Final = 10_000


def looks_high(returned: int, *, sold: int, p1: Fraction) -> bool:
    """Whether so many of the sold leads came back that a lot at the seller's point surprises.

    Exact: P(at least so many | sold, p1) <= 5 % (binomial). One lead that came back proves
    nothing, however few were sold.
    """
    return returned > 1 and binomial_sf(returned - 1, share=float(p1), drawn=sold) <= ALPHA


@dataclass(frozen=True, slots=True)
class Proven:
    """What random evidence says of the leads that were sold."""

    lower: float  # exact one-sided 95 % bound below the share of bad ones
    estimate: float  # bad ones of the drawn
    exceeds: bool  # the bound is above what the class promises


def prove(
    bad: int, *, drawn: int, unchecked: int, known_bad: int, sold: int, limit_bps: int
) -> Proven:
    """The bound for `sold` leads: `known_bad` by the sample, `unchecked` of which `drawn` were.

    Of the sampled leads nothing is uncertain. The others are bounded by the hypergeometric law, a
    random sample without replacement whose size was fixed before: the least number of bad ones
    under which so many among the drawn are no surprise. Leads that stayed open count as not bad.
    """
    found = hypergeometric_bounds(bad, drawn=drawn, population=unchecked, tail=TAIL)
    assert found.lower_count is not None
    least = found.lower_count + known_bad
    return Proven(lower=least / sold, estimate=bad / drawn, exceeds=least * BPS > limit_bps * sold)
