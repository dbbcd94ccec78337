"""What each policy costs and how long it takes, on the same sellers and the same floor.

Checks are final verdicts, whatever they are for; dials are calls, those in vain and those after the
decision among them; people are all who were called, needed or not. Everything is per 1,000 leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from statistics import mean, median, quantiles
from typing import Final

from bench.harness import Bench
from bench.sampling import population
from bench.sampling.counting import count, draw_bad
from bench.sampling.floor import BEGIN, Floor, seats_for, working_hours
from bench.sampling.lots import ATTEMPTS, LotUnderWay, Question
from bench.sampling.people import person
from bench.sampling.policies import ISO, OURS, Policy, policies
from bench.sampling.population import Lot
from bench.sampling.rules import gold_share, source_places
from exchange.verification.models import OutcomeClass, SampleStatus

SIZE: Final = 1_000
DAYS: Final = 20
LOTS: Final = 400  # that the floor works on; the counts are of all of them
PILOT: Final = 60
STAY: Final = 10_000  # first calls of a verifier: about half a year


@dataclass(frozen=True, slots=True)
class Worked:
    """What the floor did for lots of one size under one policy."""

    checks: float  # per 1,000 leads, as the rest
    dials: float
    people: float
    hours: Sequence[float]  # working hours from sealed to on sale, of each lot that passed
    undecided: float  # of the lots that passed for their defects: too many stayed open
    seats: int

    @property
    def p90(self) -> float:
        """Working hours within which nine of ten lots were on sale."""
        return quantiles(self.hours, n=10)[-1]


def run(bench: Bench) -> None:
    """Compare the policies on lots of 1,000, then ours on other sizes."""
    _say_assumptions()
    lots = population.lots(size=SIZE)
    print("# policy, sources: core checks, checks, dials, people per 1,000 leads; wrong accepts,")
    print("#   wrong rejects, bad sold; working hours to sale median, p90; undecided; verifiers")
    found = {}
    for policy in policies():
        core = count(policy, lots)
        for sources in (1, 5):
            worked = work(policy, lots[:LOTS], sources=sources)
            found[policy.name, sources] = worked
            print(
                f"# {policy.name}, {sources}: {core.checks:.1f}, {worked.checks:.1f},"
                f" {worked.dials:.0f}, {worked.people:.1f}; {core.wrong_accepts:.1%},"
                f" {core.wrong_rejects:.1%}, {core.outgoing:.2%}; {median(worked.hours):.1f},"
                f" {worked.p90:.1f}; {worked.undecided:.0%}; {worked.seats}",
                flush=True,
            )
        if policy is OURS:
            bench.figure("core_checks", core.checks, "per 1000", goal=("<=", 31))
    ratio = found[OURS.name, 1].checks / found[ISO.name, 1].checks
    bench.figure("checks_to_iso_level_2", ratio, "ratio", goal=("<=", 0.6))
    _say_hours(bench, 1_000, found[OURS.name, 1])
    for size in (100, 10_000):
        _say_hours(bench, size, work(OURS, population.lots(size=size)[:LOTS], sources=1))


def _say_assumptions() -> None:
    kinds = ", ".join(
        f"{kind.percent} % around {kind.mean:.1%} (Beta, worth {kind.worth})"
        for kind in population.KINDS
    )
    print(f"# {population.SELLERS} sellers x {population.LOTS_EACH} lots: {kinds};")
    print("#   a lot is worth 100 leads around its seller; 1 % attacks of 15 to 40 %")
    print("# reached by attempt 1: 25 %, 3: 52 %, 6: 71 %; verifiers of 98 % specificity, 9-20 h")


def _say_hours(bench: Bench, size: int, worked: Worked) -> None:
    print(f"# N = {size:,}: {median(worked.hours):.1f} working hours to sale in the median")
    bench.figure(f"hours_to_sale_p90_{size}", worked.p90, "h", goal=("<=", 24))


def work(policy: Policy, lots: Sequence[Lot], *, sources: int, days: float = DAYS) -> Worked:
    """Have the floor check these lots, with as many verifiers as the policy needs."""
    pilot = Floor(seats=10_000, random=Random(3))
    pilot.run(_seal(policy, lots[:PILOT], sources=sources, days=days, random=Random(4)))
    seats = seats_for(pilot.busy * (len(lots) / len(lots[:PILOT])), days=days)
    under_way = _seal(policy, lots, sources=sources, days=days, random=Random(5))
    floor = Floor(seats=seats, random=Random(6))
    floor.run(under_way)
    return _sum(under_way, floor, leads=sum(lot.size for lot in lots))


def _sum(lots: Sequence[LotUnderWay], floor: Floor, *, leads: int) -> Worked:
    questions = [one for lot in lots for one in (*lot.asked.values(), *lot.doubles)]
    firsts = sum(bool(one.said) for one in questions if not one.is_double)
    gold = firsts * gold_share(STAY)
    checks = sum(len(one.said) for one in questions) + gold
    later = sum(map(_later_dials, questions))
    people = sum(bool(one.person.calls) for one in questions if not one.is_double)
    passed = [lot for lot in lots if _status(lot) is not SampleStatus.REJECTED]
    undecided = mean(_status(lot) is SampleStatus.UNDECIDED for lot in passed)
    per = 1_000 / leads
    return Worked(
        checks=checks * per,
        dials=(floor.calls + later + gold) * per,
        people=people * per,
        hours=[working_hours(lot.sealed_at, lot.decided_at) for lot in passed if lot.decided_at],
        undecided=undecided,
        seats=floor.seats,
    )


def _status(lot: LotUnderWay) -> SampleStatus:
    assert lot.judgement is not None
    return lot.judgement.status


def _later_dials(one: Question) -> int:
    """Attempts of the longer policy, until somebody answers or six were made."""
    is_over = _status(one.lot) is SampleStatus.REJECTED
    if is_over or one.is_double or one.said != [OutcomeClass.OPEN]:
        return 0
    return min(one.person.misses[0] + 1, ATTEMPTS.attempts_max) - ATTEMPTS.decision_attempts


def _seal(
    policy: Policy, lots: Sequence[Lot], *, sources: int, days: float, random: Random
) -> list[LotUnderWay]:
    """The lots as they reach the floor, at some hour between 8 and 18."""
    sealed = []
    for lot in lots:
        plan = policy.plan(lot.size)
        order = [f"source {random.randrange(sources)}" for _ in range(lot.size)]
        of_sources = source_places(order)
        deepest = max([plan.looks[-1], *of_sources])
        people = [
            person(random, is_bad=is_bad, attempts=ATTEMPTS.decision_attempts)
            for is_bad in draw_bad(lot, deepest, random)
        ]
        day = timedelta(days=random.randrange(int(days)), hours=random.uniform(8, 18))
        sealed.append(LotUnderWay(plan, people, of_sources, BEGIN + day))
    return sealed
