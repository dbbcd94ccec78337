"""One lot under way on the floor: who is called, what is heard, when it is decided.

The steps are those of the product, in its order: `judge` recounts after every answer,
`called_ahead` says how far down the draw people are called, `next_step` and `is_last_attempt` what
follows a call, and calls behind the deciding look are dropped. What a first verifier finds bad a
second confirms and a third settles; one in ten good answers is asked for twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from bench.sampling.people import Person
from exchange.catalog.calling import AttemptsPolicy
from exchange.catalog.scripts import Outcome
from exchange.verification.judging import Judgement, called_ahead, judge
from exchange.verification.models import OutcomeClass, SampleStatus
from exchange.verification.plans import SamplingPlan
from exchange.verification.policy import LocalHours, Step, is_last_attempt, next_step
from exchange.verification.reachability import Reach, ReachNorm

ATTEMPTS: Final = AttemptsPolicy(
    decision_attempts=3,
    decision_hours=24,
    attempts_max=6,
    days_max=4,
    per_day_max=2,
    day_parts_min=3,
    open_share_max_bps=6_500,  # as the verticals that come with the program say
)
# The second gate asks whether people are reached as usual; in the simulation they always are.
NORM: Final = ReachNorm(reached=0, people=1, lots=1, open_max_bps=ATTEMPTS.open_share_max_bps)
OPEN_AT_ONCE: Final = 2  # times the look's leads (decision 8)


@dataclass(slots=True)
class Question:
    """One question about one person, until it is answered or dropped."""

    lot: LotUnderWay
    person: Person
    place: int  # in the draw, from 1
    is_double: bool = False
    said: list[OutcomeClass] = field(default_factory=list)  # what verifiers judged
    in_vain: list[datetime] = field(default_factory=list)  # attempts since somebody judged
    outcome: OutcomeClass | None = None
    is_dropped: bool = False

    def again(self) -> Question:
        """The same question for somebody else, to check the first answer."""
        double = Question(self.lot, self.person, self.place, is_double=True)
        self.lot.doubles.append(double)
        return double

    def call(self, random: Random) -> Outcome:
        """Call the person once."""
        return self.person.answer(2 if self.is_double else len(self.said), random)

    def hear(self, code: Outcome, *, now: datetime, hours: LocalHours) -> Step:
        """What follows the call that has just ended, by the product's rules."""
        self.person.calls.append(now)
        first_at = self.in_vain[0] if self.in_vain else now
        made = len(self.in_vain) + 1
        step = next_step(
            code,
            earlier=self.said,
            verdicts_needed=1,
            confirms_bad=True,
            is_last_attempt=is_last_attempt(
                made,
                first_at=first_at,
                now=now,
                policy=ATTEMPTS,
                hours=hours,
                confirms=bool(self.said),
            ),
        )
        self.in_vain = [*self.in_vain, now] if step.outcome is None else []
        if step.outcome is not None:
            self.said.append(step.outcome)
        self.outcome = step.answer
        return step


@dataclass(slots=True)
class LotUnderWay:
    """A sealed lot, its people in the order of the draw, and what happened to it."""

    plan: SamplingPlan
    people: Sequence[Person]  # by place, as far down as anybody may be called
    of_sources: Collection[int]  # places of those by whom the lot's sources are judged
    sealed_at: datetime
    asked: dict[int, Question] = field(default_factory=dict)  # by place
    doubles: list[Question] = field(default_factory=list)
    judgement: Judgement | None = None
    decided_at: datetime | None = None

    def advance(self, now: datetime) -> list[Question]:
        """Recount; gives whom to call now, or decides and drops who stands behind."""
        if self.judgement is not None:
            return []
        outcomes = [self._outcome(n) for n in range(1, self.plan.looks[-1] + 1)]
        reach = Reach(NORM, [outcome is not None for outcome in outcomes])
        found = judge(self.plan, outcomes, reach=reach)
        is_open = found.status is SampleStatus.OPEN
        if is_open or (found.status is not SampleStatus.REJECTED and self._sources_wait()):
            return self._call(stage=min(found.stage, len(self.plan.looks)))
        self.judgement, self.decided_at = found, now
        for one in self.asked.values():
            one.is_dropped = one.outcome is None and one.place > self.plan.looks[found.stage - 1]
        return []

    def _outcome(self, place: int) -> OutcomeClass | None:
        return self.asked[place].outcome if place in self.asked else None

    def _sources_wait(self) -> bool:
        return any(self._outcome(place) is None for place in self.of_sources)

    def _call(self, *, stage: int) -> list[Question]:
        """The core as far ahead as the product calls; sources while few are open (decision 8)."""
        core = range(1, called_ahead(self.plan, stage=stage) + 1)
        fresh = [place for place in core if place not in self.asked]
        open_now = sum(one.outcome is None for one in self.asked.values()) + len(fresh)
        room = max(0, OPEN_AT_ONCE * self.plan.looks[stage - 1] - open_now)
        known = {*self.asked, *fresh}
        fresh += [place for place in sorted(self.of_sources) if place not in known][:room]
        questions = [Question(self, self.people[place - 1], place) for place in fresh]
        self.asked.update((one.place, one) for one in questions)
        return questions
