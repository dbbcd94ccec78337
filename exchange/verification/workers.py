"""How well somebody checks: figures with their intervals, and when the house stops them.

Pure. A known call ("gold") is right or wrong; errors are judged by the plan that judges lots, so
a verifier is held to the two points to which a seller is held: 3 % and 15 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, Self

from exchange.catalog.scripts import Outcome
from exchange.verification.bounds import USUAL_CONFIDENCE as CONFIDENCE
from exchange.verification.bounds import clopper_pearson_bounds, tail_of
from exchange.verification.models import OutcomeClass
from exchange.verification.plans import LX_15, Risks, SamplingPlan
from exchange.verification.policy import TALKED, final_class
from exchange.verification.sampling import Decision, Odds, count_looks, decide, probability_up_to

# Known calls in a row that qualify. With 20, only "no error" keeps the promise of the house that
# somebody at 15 % errors passes with at most 5 %: 0.85^20 = 3.9 %; with one error it is 17.6 %.
EXAM: Final = SamplingPlan(
    name="exam",
    looks=(20,),
    accept=(0,),
    reject=(1,),
    risks=Risks.of(p1="0.03", alpha="0.46", p2="0.15", beta="0.05"),
)
EXAM_SIZE: Final = EXAM.looks[0]
RETAKE_AFTER: Final = timedelta(days=3)
PRACTICE_SIZE: Final = 10

# The share of known calls among first calls, by how many somebody has answered since they were
# qualified (the exam counts): often while little is known, never less than one in fifty.
RATES: Final = ((60, 0.10), (200, 0.05))
RATE_FLOOR: Final = 0.02
BAD_SHARE: Final = 0.40  # of known calls
BAD_SHARE_MIN, BAD_SHARE_MAX = 0.30, 0.50

# What a verifier may know of known calls: late, so that nobody can tell which one it was, and
# warn a colleague; and not before there are so many that the figure means something.
SHOWN_AFTER: Final = timedelta(days=3)
SHOWN_FROM: Final = 20

TOO_FAST_SECONDS: Final = 10  # for a talk: saying who calls and why takes longer


class PauseRule(StrEnum):
    """Why the house stops somebody by itself."""

    GOLD_ERRORS = "gold_errors"
    TOO_FAST = "too_fast"
    SKIPS = "skips"


@dataclass(frozen=True, slots=True)
class Limit:
    """When a rule stops somebody, and whether their own shift lead may let them go on."""

    in_a_row: int  # 0: the plan decides
    lead_may_lift: bool


# Their shift lead is paid for their calls: what the calls are worth is the operator's to say.
LIMITS: Final = {
    PauseRule.GOLD_ERRORS: Limit(in_a_row=0, lead_may_lift=False),
    PauseRule.TOO_FAST: Limit(in_a_row=3, lead_may_lift=True),
    PauseRule.SKIPS: Limit(in_a_row=5, lead_may_lift=True),
}


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with its exact 95 % interval (Clopper-Pearson); None of nothing."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        if not self.n:
            return None
        tail = tail_of(CONFIDENCE, sides=2)
        bounds = clopper_pearson_bounds(self.hits, drawn=self.n, tail=tail)
        return bounds.lower, bounds.upper


@dataclass(frozen=True, slots=True)
class Answered:
    """A known call that was answered."""

    truth: OutcomeClass
    is_right: bool


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What known calls say of a verifier."""

    sensitivity: Share  # of the bad ones, found bad
    specificity: Share  # of the good ones, cleared
    right: Share

    @classmethod
    def of(cls, answered: Sequence[Answered]) -> Self:
        """The figures of these calls."""
        bad = [one.is_right for one in answered if one.truth is OutcomeClass.BAD]
        good = [one.is_right for one in answered if one.truth is OutcomeClass.GOOD]
        return cls(
            sensitivity=Share(sum(bad), len(bad)),
            specificity=Share(sum(good), len(good)),
            right=Share(sum(bad) + sum(good), len(answered)),
        )


def is_right(code: Outcome, *, right: Sequence[str], is_answered: bool) -> bool | None:
    """Whether an answer to a known call is right; None where it says nothing of the verifier.

    An open answer ("no answer", "cannot judge") is no error where the person may really have been
    out. `is_answered` says that they cannot have been: a test identity, or a line that is dead.
    """
    if code in right:
        return True
    is_open = final_class(code) is OutcomeClass.OPEN
    return None if is_open and not is_answered else False


@dataclass(frozen=True, slots=True)
class Run:
    """Where the plan stands on a verifier's errors: reject, or continue with the present run."""

    decision: Decision
    n: int  # known calls of the present run
    errors: int


def judge_errors(errors: Sequence[bool]) -> Run:
    """The LX-15 plan on errors in the order in which they were made; a run begins anew when passed.

    A verifier of 3 % errors passes a run with 95 %, one of 15 % is stopped with 95 %.
    """
    run: list[bool] = []
    for is_error in errors:
        run.append(is_error)
        if not is_error and len(run) not in LX_15.looks:
            continue  # only an error can stop, and only a whole look can pass
        decision = decide(LX_15, count_looks(LX_15, run)).decision
        if decision is Decision.REJECT:
            return Run(decision, len(run), sum(run))
        if decision is Decision.ACCEPT:
            run = []
    return Run(Decision.CONTINUE, len(run), sum(run))


def judge_exam(errors: Sequence[bool]) -> Decision:
    """Passed or failed once all calls are answered: the first error does not end it."""
    if len(errors) < EXAM_SIZE:
        return Decision.CONTINUE
    return decide(EXAM, count_looks(EXAM, errors)).decision


def exam_chance(error_share: float) -> float:
    """The chance of passing one exam for somebody who errs in this share of calls, exactly."""
    return probability_up_to(EXAM, EXAM.last_acceptance, odds=Odds.endless(error_share))


def gold_rate(answered: int) -> float:
    """The share of known calls among first calls for who answered so many since qualified."""
    return next((rate for limit, rate in RATES if answered + EXAM_SIZE < limit), RATE_FLOOR)


def before(rate: float) -> float:
    """The chance that a known call precedes an ordinary one, so that `rate` of all are known."""
    return rate / (1 - rate)


def wants_bad(*, bad: int, n: int, dice: float) -> bool:
    """Whether the next known call is a bad one, after `bad` of `n`; dice from 0 up to 1.

    By chance, so that nobody can count; the dice do not decide where 30 to 50 % would be left.
    """
    if bad < math.floor(BAD_SHARE_MIN * (n + 1)):
        return True
    if bad + 1 > math.ceil(BAD_SHARE_MAX * (n + 1)):
        return False
    return dice < BAD_SHARE


def is_too_fast(code: Outcome, *, seconds: int) -> bool:
    """Whether nobody can have talked to a person in this time."""
    return code in TALKED and seconds < TOO_FAST_SECONDS
