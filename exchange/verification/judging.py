"""The judgement on a lot: from outcomes in draw order to the decision and the published figures.

The same functions decide and verify. Open leads count as not bad; a lot of which too many stay
open, or whose people are reached too seldom, is undecided, never accepted by silence (decisions 7
and 31 to 33).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from exchange.verification.bounds import OpenCases, open_cases, shared_tail, stagewise_upper
from exchange.verification.models import OutcomeClass, SampleStatus
from exchange.verification.plans import SamplingPlan
from exchange.verification.reachability import BPS, Reach, ReachFound, ReachNorm
from exchange.verification.sampling import Decision, count_looks, decide

USUAL_NORM: Final = ReachNorm(reached=0, people=BPS, lots=0)  # of what may stay open
METHOD: Final = "stage-wise"
COUNT: Final = "full inspection"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the sample says so far: its status, the look that decides or is awaited, its tally."""

    status: SampleStatus
    stage: int  # from 1
    n: int  # final leads of this look
    good: int
    bad: int
    open: int
    reach: ReachFound | None = None  # None: decided before there was a norm


def judge(
    plan: SamplingPlan, outcomes: Sequence[OutcomeClass | None], *, reach: Reach | None = None
) -> Judgement:
    """Judge a lot by its outcomes in draw order; None is not final yet.

    A rejection stands whatever stayed open: its bad leads were found. An acceptance needs as many
    people to have answered as the terms in `reach` ask for (three of five without it), and as many
    to be reached as it says is usual.
    """
    bad = [None if outcome is None else outcome is OutcomeClass.BAD for outcome in outcomes]
    standing = decide(plan, count_looks(plan, bad))
    look = plan.looks[min(standing.stage, len(plan.looks)) - 1]
    final = [outcome for outcome in outcomes[:look] if outcome is not None]
    counts = {kind: final.count(kind) for kind in OutcomeClass}
    status = {
        Decision.CONTINUE: SampleStatus.OPEN,
        Decision.ACCEPT: SampleStatus.ACCEPTED,
        Decision.REJECT: SampleStatus.REJECTED,
    }[standing.decision]
    unresolved = counts[OutcomeClass.OPEN]
    found = _reach_found(reach, outcomes[:look]) if reach else None
    allows = (reach.norm if reach else USUAL_NORM).allows(unresolved, people=len(final))
    if status is SampleStatus.ACCEPTED and not (allows and (found is None or found.passes)):
        status = SampleStatus.UNDECIDED
    return Judgement(
        status=status,
        stage=standing.stage,
        n=len(final),
        good=counts[OutcomeClass.GOOD],
        bad=counts[OutcomeClass.BAD],
        open=unresolved,
        reach=found,
    )


def _reach_found(reach: Reach, outcomes: Sequence[OutcomeClass | None]) -> ReachFound:
    final = [position for position, outcome in enumerate(outcomes) if outcome is not None]
    return ReachFound(
        norm=reach.norm,
        reached=sum(reach.reached[position] for position in final),
        people=len(final),
        is_whole=len(final) == len(outcomes),
    )


def called_ahead(plan: SamplingPlan, *, stage: int) -> int:
    """How far down the draw order people are called while this look is awaited.

    One look ahead, so that a look costs no extra day, and never beyond twice the coming one.
    """
    coming = plan.looks[stage - 1]
    following = plan.looks[min(stage, len(plan.looks) - 1)]
    return min(following, 2 * coming)


def upper_bound(plan: SamplingPlan, judgement: Judgement) -> float | None:
    """The exact bound of the bad share after an acceptance; there is none after anything else."""
    if judgement.status is not SampleStatus.ACCEPTED:
        return None
    return stagewise_upper(
        plan, stage=judgement.stage, bad=judgement.bad, population=plan.population
    )


def measured_quality(
    plan: SamplingPlan, judgement: Judgement, *, quality_class: str, bound: float | None
) -> dict[str, Any]:  # Any: JSON values
    """The figures of decision 31 that the sample alone determines, with its `upper_bound`.

    An undecided lot keeps its counts and loses its class: it can only be sold as unverified.
    """
    undecided = judgement.status is SampleStatus.UNDECIDED
    return {
        "class": "unverified" if undecided else quality_class,
        "n": judgement.n,
        "good": judgement.good,
        "bad": judgement.bad,
        "open": judgement.open,
        "population": plan.size,
        "bad_upper": bound,
        "confidence": float(plan.confidence),
        "method": METHOD,
        "open_cases": asdict(_open_cases(plan, judgement)),
        "reachability": judgement.reach and judgement.reach.to_json(),
    }


def counted_quality(
    *, good: int, bad: int, unresolved: int, population: int | None, quality_class: str
) -> dict[str, Any]:  # Any: JSON values
    """The figures of a lot of which everybody was called: nothing is estimated.

    Its bound is the share that was found bad and is not for sale. Who stayed open is not for sale
    either, and is shown as what it could be.
    """
    gone = bad + unresolved
    n = good + gone
    return {
        "class": quality_class,
        "n": n,
        "good": good,
        "bad": bad,
        "open": unresolved,
        "population": population or n,
        "bad_upper": bad / n if n else None,
        "confidence": 1.0,
        "method": COUNT,
        "open_cases": asdict(
            OpenCases.of(bad, drawn=n, unresolved=unresolved, lower=bad / n, upper=gone / n)
        )
        if n
        else None,
        "reachability": None,
    }


def _open_cases(plan: SamplingPlan, judgement: Judgement) -> OpenCases:
    """Three shares of bad leads, by what the open ones are taken for, and bounds around them.

    The plan stops at a look because of what it found, and bounds of the fixed sample would then
    promise too much. These share their error out among the looks: they hold at all of them
    together, so at the one that decided. A rejection ends a look early, when dead numbers have
    answered and others have not: its counts are no random sample and have no bounds.
    """
    bad, drawn, unresolved = judgement.bad, judgement.n, judgement.open
    if drawn < plan.looks[judgement.stage - 1]:
        return OpenCases.of(bad, drawn=drawn, unresolved=unresolved, lower=None, upper=None)
    tail = shared_tail(plan)
    return open_cases(bad, drawn=drawn, unresolved=unresolved, tail=tail, population=plan.size)
