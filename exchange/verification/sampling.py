"""What a sampling plan does: the decision on a lot, its probability, and how many checks it takes.

A look is the first n drawn leads, each final. An open lead (nobody reached under the decision
policy) counts as not bad, so the risks printed here are those of the process that is run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, partial
from typing import Self

from exchange.verification.distributions import (
    binomial_cdf,
    binomial_pmf,
    hypergeometric_cdf,
    hypergeometric_pmf,
    hypergeometric_sf,
)
from exchange.verification.plans import SamplingPlan


class Decision(StrEnum):
    CONTINUE = "continue"
    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class LookCount:
    """How far the first n drawn leads of one look are."""

    final: int  # good, bad, or open after the decision policy
    bad: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a lot stands: the decision, the look that decided or is awaited, and its counts."""

    decision: Decision
    stage: int  # the look, from 1
    n: int  # drawn leads that are final within this look; at an acceptance the whole look
    bad: int


def count_looks(plan: SamplingPlan, drawn: Iterable[bool | None]) -> tuple[LookCount, ...]:
    """The counts of every look, from verdicts in draw order: bad, not bad or open, not yet final.

    True is bad, False good or open, None not final. Leads that were called ahead count in their own
    look only, in whatever order the calls came back.
    """
    verdicts = list(drawn)
    return tuple(
        LookCount(
            final=sum(verdict is not None for verdict in verdicts[:n]),
            bad=sum(verdict is True for verdict in verdicts[:n]),
        )
        for n in plan.looks
    )


def decide(plan: SamplingPlan, counts: Sequence[LookCount]) -> Standing:
    """Accept, reject or continue, given the counts of the looks so far (see `count_looks`).

    Acceptance waits until every lead of the look is final. Rejection comes as soon as the bad ones
    among the leads of the coming look reach its rejection number: that look could not end otherwise
    (this does not change the plan's probabilities). Looks without counts are not yet drawn.
    ValueError for counts that no look can have.
    """
    stages = zip(plan.looks, plan.accept, plan.reject, counts, strict=False)
    last = LookCount(final=0, bad=0)
    for stage, (n, accept, reject, count) in enumerate(stages, start=1):
        _require_count(count, n=n, before=last)
        decision = Decision.CONTINUE
        if count.bad >= reject:
            decision = Decision.REJECT
        elif count.final == n and count.bad <= accept:
            decision = Decision.ACCEPT
        if decision is not Decision.CONTINUE or count.final < n:
            return Standing(decision, stage=stage, n=count.final, bad=count.bad)
        last = count
    return Standing(Decision.CONTINUE, stage=len(counts) + 1, n=last.final, bad=last.bad)


def _require_count(count: LookCount, *, n: int, before: LookCount) -> None:
    if not 0 <= count.bad <= count.final <= n:
        raise ValueError(f"a look of {n} leads cannot have {count.final} final, {count.bad} bad")
    if count.bad < before.bad or count.final < before.final:
        raise ValueError("a later look holds the leads of the earlier ones: its counts cannot fall")


@dataclass(frozen=True, slots=True)
class Odds:
    """Where the drawn leads come from: the probability of bad counts among the first n of them."""

    pmf: Callable[..., float]  # (bad, drawn=n): exactly so many
    cdf: Callable[..., float]  # (bad, drawn=n): at most so many

    @classmethod
    def lot(cls, population: int, *, bad: int) -> Self:
        """A lot of known size, drawn without replacement."""
        return cls(
            partial(hypergeometric_pmf, population=population, bad=bad),
            partial(hypergeometric_cdf, population=population, bad=bad),
        )

    @classmethod
    def endless(cls, share: float) -> Self:
        """The limit of ever larger lots with this share of bad leads."""
        return cls(partial(binomial_pmf, share=share), partial(binomial_cdf, share=share))


def acceptance_probability(plan: SamplingPlan, bad: int) -> float:
    """P(the lot is accepted) when it holds exactly so many bad leads, without replacement."""
    return probability_up_to(plan, plan.last_acceptance, odds=Odds.lot(plan.size, bad=bad))


def probability_up_to(plan: SamplingPlan, worst: tuple[int, int], *, odds: Odds) -> float:
    """P(an acceptance at least as favorable as `worst`, a pair of stage and bad leads).

    An earlier stage is more favorable than a later one; within a stage, fewer bad leads are. The
    probability falls as the lot holds more bad leads: turning a good lead bad never helps a lot.
    """
    first = worst[1] if worst[0] == 1 else plan.accept[0]
    later = (
        stop.share * odds.pmf(stop.bad, drawn=stop.drawn)
        for stop in _later_acceptances(plan)
        if (stop.stage, stop.bad) <= worst
    )
    return min(1.0, math.fsum([odds.cdf(first, drawn=plan.looks[0]), *later]))


def can_accept_with(plan: SamplingPlan, bad: int, *, stage: int) -> bool:
    """Whether the plan can end in an acceptance at this stage with so many bad leads."""
    if stage == 1:
        return 0 <= bad <= plan.accept[0]
    return any((stop.stage, stop.bad) == (stage, bad) for stop in _later_acceptances(plan))


def expected_checks(plan: SamplingPlan, bad: int) -> float:
    """Mean number of checks in a lot with so many bad leads, stopping at the rejecting one."""
    if len(plan.looks) == 1:
        return _expected_checks_of_single(plan, bad)
    odds = Odds.lot(plan.size, bad=bad)
    return math.fsum(
        stop.drawn * stop.share * odds.pmf(stop.bad, drawn=stop.drawn) for stop in _stops(plan)
    )


def _expected_checks_of_single(plan: SamplingPlan, bad: int) -> float:
    """The mean of min(n, draws until the rejecting bad lead), in closed form.

    m P(the r-th bad lead is the m-th draw) summed over m <= n is r (N+1)/(D+1) times the
    probability that n+1 draws from a lot of N+1 with D+1 bad hold more than r bad.
    """
    population, n, r = plan.size, plan.looks[0], plan.reject[0]
    whole = n * hypergeometric_cdf(plan.accept[0], population=population, bad=bad, drawn=n)
    more = hypergeometric_sf(r, population=population + 1, bad=bad + 1, drawn=n + 1)
    return whole + r * (population + 1) / (bad + 1) * more


@dataclass(frozen=True, slots=True)
class ActualRisks:
    """The exact risks of a plan at its lot's size; never above the promised ones."""

    alpha: float  # P(reject) at the seller's point
    beta: float  # P(accept) at the buyer's point


def actual_risks(plan: SamplingPlan) -> ActualRisks:
    """The risks at the whole numbers of bad leads that the plan's two shares mean in this lot."""
    return ActualRisks(
        alpha=max(0.0, 1.0 - acceptance_probability(plan, plan.bad_at_p1)),
        beta=acceptance_probability(plan, plan.bad_at_p2),
    )


@dataclass(frozen=True, slots=True)
class _Stop:
    """One way for a lot to be decided: after `drawn` checks with `bad` bad ones."""

    drawn: int
    bad: int
    stage: int
    accepted: bool
    share: float  # of all orders of `bad` among `drawn`, those in which the plan came this far


def _later_acceptances(plan: SamplingPlan) -> tuple[_Stop, ...]:
    """Acceptances after the first look, which needs no walk: no order can have ended before it."""
    if len(plan.looks) == 1:
        return ()
    return tuple(stop for stop in _stops(plan) if stop.accepted and stop.stage > 1)


def _stops(plan: SamplingPlan) -> tuple[_Stop, ...]:
    return _stops_of(plan.looks, plan.accept, plan.reject)


@lru_cache(maxsize=64)
def _stops_of(
    looks: tuple[int, ...], accept: tuple[int, ...], reject: tuple[int, ...]
) -> tuple[_Stop, ...]:
    """Walk every order of good and bad at once, counting orders in whole numbers.

    All orders of k bad among n drawn are equally likely, in a finite lot as in an endless one. So
    the walk depends on the plan alone, and P(stop) = share x P(k bad among n drawn) is exact in
    both. Each draw is judged by the coming look.
    """
    stops: list[_Stop] = []
    ways = {0: 1}
    stage = 0
    for drawn in range(1, looks[-1] + 1):
        stage += drawn > looks[stage]
        ways = _one_more(ways)
        for bad in sorted(ways):
            accepted = drawn == looks[stage] and bad <= accept[stage]
            if accepted or bad >= reject[stage]:
                share = ways.pop(bad) / math.comb(drawn, bad)
                stops.append(_Stop(drawn, bad, stage + 1, accepted=accepted, share=share))
    return tuple(stops)


def _one_more(ways: dict[int, int]) -> dict[int, int]:
    """The number of orders by bad leads after one more draw."""
    counts = {*ways, *(bad + 1 for bad in ways)}
    return {bad: ways.get(bad, 0) + ways.get(bad - 1, 0) for bad in counts}
