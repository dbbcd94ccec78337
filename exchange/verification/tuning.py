"""Tuned plans: a wave plan for any two points, with fewer expected checks than the single sample.

The family: 2 to 7 equally spaced looks. By look i, at most the part (n_i / last) ** exponent of
each risk may be spent, with an exponent for each (K. Lan and D. DeMets, "Discrete sequential
boundaries for clinical trials", 1983); within that, acceptance numbers are as high and rejection
numbers as low as they can be, and neither falls from look to look. Looks at which nothing can end
are left out.

What is made small is the mean of the checks to expect at no bad lead, at p1 and at p2. The search
begins with the first look near the smallest sample that shows a lot without a bad lead to be better
than p2, and the last somewhat beyond the single sample; from the best of this grid it goes on to
better neighbors until there are none. That is no proof that no other plan does with less. It counts
in floats; what it finds is taken only after `actual_risks` has proved both promises without
replacement. Nothing here is random: the same wish gets the same plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from heapq import nsmallest
from itertools import accumulate, product
from math import ceil, inf
from typing import Final

from exchange.verification.distributions import TOLERANCE, binomial_pmf
from exchange.verification.plans import (
    SMALL_LOT,
    Risks,
    Rounding,
    SamplingPlan,
    single_plan,
    smallest_sample,
)
from exchange.verification.sampling import (
    Odds,
    actual_risks,
    expected_checks,
    probability_up_to,
)

TUNED: Final = "tuned"
LARGEST_SINGLE: Final = 2_000  # checks; where a single sample takes more, nothing is tuned
ANY_SIZE: Final = 1_000_000  # leads, the largest lot for which a plan of any size is proved

_LOOKS: Final = range(2, 8)
# The coarse grid: how many looks, the first and the last of them in times of the smallest
# zero-acceptance sample and of the single sample, and the exponents of spending.
_COUNTS: Final = (3, 5, 6, 7)
_FIRST_LOOKS: Final = (1.0, 1.08, 1.15, 1.3)
_LAST_LOOKS: Final = (1.1, 1.25, 1.4, 1.55, 1.7)
_EXPONENTS: Final = (0.3, 0.5, 0.8, 1.3, 2.2)
_FINER: Final = 1.1  # times an exponent, from there on
_CLIMBED: Final = 16  # of the grid
_NEGLIGIBLE: Final = 1e-9
_SHORT_LIST: Final = 8  # plans whose checks are counted exactly
_EVERY_SIZE_TO: Final = 1_200  # leads; from there on sizes are proved in steps of a tenth


def tuned_plan(population: int, *, risks: Risks, rounding: Rounding | None = None) -> SamplingPlan:
    """The plan with the fewest checks to expect that was found for these risks in such a lot.

    The exact single plan where the lot is below 100 leads, where that plan takes more than 2,000
    checks, and where waves save nothing. ValueError for an empty lot.
    """
    single = single_plan(population, risks=risks, rounding=rounding)
    if population < SMALL_LOT or single.looks[0] > LARGEST_SINGLE:
        return single
    points = _Points(
        Odds.lot(population, bad=single.bad_at_p1), Odds.lot(population, bad=single.bad_at_p2)
    )
    found = _short_list(risks, points=points, single=single)
    proved = filter(_holds, (plan.at(population, rounding=rounding) for plan in found))
    return min([single, *proved], key=_mean_checks)


def tuned_pattern(risks: Risks) -> SamplingPlan:
    """A wave plan that holds these risks in every lot from its last look on: take it with `at`.

    Proved for every size to 1,200 leads, for sizes a tenth apart from there to 1,000,000, and for
    the limit of endless lots. ValueError where no wave plan of the family does it.
    """
    single = single_plan(ANY_SIZE, risks=risks)
    if single.looks[0] > LARGEST_SINGLE:
        raise ValueError(
            f"p1 and p2 are too close for a plan of any size: a sample takes {single.looks[0]:,}"
            " leads. Ask for the size of the lot"
        )
    points = _Points(Odds.endless(float(risks.p1)), Odds.endless(float(risks.p2)))
    found = _short_list(risks, points=points, single=single)
    for pattern in sorted(found, key=lambda pattern: _mean_checks(pattern.at(ANY_SIZE))):
        if _holds_in_the_limit(pattern, points) and all(
            _holds(pattern.at(size)) for size in _sizes(pattern.looks[-1])
        ):
            return pattern
    raise ValueError(
        "no plan in waves holds these risks in lots of any size: ask for the size of the lot"
    )


@dataclass(frozen=True, slots=True)
class _Points:
    """The two lots that a plan must tell apart."""

    fine: Odds
    foul: Odds


def _holds(plan: SamplingPlan) -> bool:
    risks = actual_risks(plan)
    return risks.alpha <= plan.risks.alpha + TOLERANCE and risks.beta <= plan.risks.beta + TOLERANCE


def _holds_in_the_limit(plan: SamplingPlan, points: _Points) -> bool:
    fine = probability_up_to(plan, plan.last_acceptance, odds=points.fine)
    foul = probability_up_to(plan, plan.last_acceptance, odds=points.foul)
    return 1 - fine <= plan.risks.alpha + TOLERANCE and foul <= plan.risks.beta + TOLERANCE


def _sizes(last: int) -> Iterator[int]:
    yield from range(last, max(last, _EVERY_SIZE_TO) + 1)
    size = _EVERY_SIZE_TO
    while size < ANY_SIZE:
        size = min(ANY_SIZE, size + size // 10)
        if size > last:
            yield size


def _mean_checks(plan: SamplingPlan) -> float:
    return sum(expected_checks(plan, bad) for bad in (0, plan.bad_at_p1, plan.bad_at_p2)) / 3


@dataclass(frozen=True, slots=True)
class _Design:
    """A member of the family."""

    first: int
    step: int
    count: int
    accepting: float  # the exponents by which the two risks are spent
    rejecting: float

    @property
    def looks(self) -> tuple[int, ...]:
        return tuple(self.first + self.step * place for place in range(self.count))

    def neighbors(self) -> Iterator[_Design]:
        """The designs that differ in one number, by as little as makes a difference."""
        for way in (-1, 1):
            yield replace(self, first=self.first + way)
            yield replace(self, step=self.step + way)
            yield replace(self, first=self.first - way * (self.count - 1), step=self.step + way)
            yield replace(self, count=self.count + way)
            yield replace(self, accepting=self.accepting * _FINER**way)
            yield replace(self, rejecting=self.rejecting * _FINER**way)


@dataclass(frozen=True, slots=True)
class _Draft:
    """The numbers of a design, not yet proved."""

    looks: tuple[int, ...]
    accept: tuple[int, ...]
    reject: tuple[int, ...]
    checks: float  # to expect, in whole waves, summed over no bad lead and the two points


def _short_list(risks: Risks, *, points: _Points, single: SamplingPlan) -> list[SamplingPlan]:
    """The best drafts, best first: from a coarse grid, the best of it climbed to their tops."""
    search = _Search(risks, points=points, population=single.size)
    coarse = nsmallest(_CLIMBED, set(_grid(single)), key=search.checks)
    for design in coarse:
        search.climb(design)
    return [
        SamplingPlan(
            name=TUNED, looks=draft.looks, accept=draft.accept, reject=draft.reject, risks=risks
        )
        for draft in search.best(_SHORT_LIST)
    ]


def _grid(single: SamplingPlan) -> Iterator[_Design]:
    nothing_bad = smallest_sample(0, above=0, risks=single.risks, population=single.size)
    for count, start, end in product(_COUNTS, _FIRST_LOOKS, _LAST_LOOKS):
        first = ceil(nothing_bad * start)
        step = round((min(single.looks[0] * end, single.size) - first) / (count - 1))
        for accepting, rejecting in product(_EXPONENTS, repeat=2):
            yield _Design(first, step, count, accepting, rejecting)


class _Search:
    """Works designs out, each once.

    All orders of good and bad are equally likely in either lot. So one walk serves both points: it
    runs under a share between them, and each count is then weighed by how much likelier it is.
    """

    def __init__(self, risks: Risks, *, points: _Points, population: int) -> None:
        self._population = population
        self._alpha, self._beta = float(risks.alpha), float(risks.beta)
        self._drafts: dict[_Design, _Draft | None] = {}
        share = float(risks.p1 + risks.p2) / 2

        @cache
        def weights(bad: int, drawn: int) -> tuple[float, float]:
            usual = binomial_pmf(bad, share=share, drawn=drawn)
            if usual == 0.0:  # too unlikely for a float: the walk never comes here
                return 0.0, 0.0
            fine = points.fine.pmf(bad, drawn=drawn)
            return fine / usual, points.foul.pmf(bad, drawn=drawn) / usual

        self._weights = weights
        self._wave = cache(partial(_wave, share=share))

    def checks(self, design: _Design) -> float:
        """The checks to expect; endless for a design that is no plan or breaks a promise."""
        if design not in self._drafts:
            self._drafts[design] = self._draft(design) if self._is_possible(design) else None
        draft = self._drafts[design]
        return draft.checks if draft else inf

    def climb(self, design: _Design) -> None:
        """Go from neighbor to better neighbor until there is none."""
        best = design
        while True:
            better = min(best.neighbors(), key=self.checks)
            if self.checks(better) >= self.checks(best):
                return
            best = better

    def best(self, size: int) -> list[_Draft]:
        """The best different drafts so far."""
        drafts = {draft for draft in self._drafts.values() if draft}
        return nsmallest(size, drafts, key=lambda draft: (draft.checks, draft.looks, draft.reject))

    def _is_possible(self, design: _Design) -> bool:
        return (
            design.first > 0
            and design.step > 0
            and design.count in _LOOKS
            and design.looks[-1] <= self._population
        )

    def _draft(self, design: _Design) -> _Draft | None:
        looks = design.looks
        accept: list[int] = []
        reject: list[int] = []
        alive, low, undecided = [1.0], 0, (1.0, 1.0)
        accepted, rejected, checks, before = 0.0, 0.0, float(design.first), 0
        for n in looks:
            checks += (n - before) * sum(undecided)
            alive = _convolved(alive, self._wave(n - before))
            fine, foul = self._chances(alive, low=low, drawn=n)
            part, is_last = n / looks[-1], n == looks[-1]
            # What the cut waves leave out can only be rejected.
            rejected += undecided[0] - sum(fine)
            above, rejected = _spend(
                reversed(fine), spent=rejected, budget=self._alpha * part**design.rejecting
            )
            high = len(fine) - above
            # A first look that nothing can pass would be no look.
            budget = max(self._beta * part**design.accepting, 0.0 if accept else foul[0])
            below, accepted = _spend(foul[:high], spent=accepted, budget=budget)
            if (below == high) is not is_last:
                return None
            accept.append(low + below - 1)
            reject.append(low + high)
            alive, low, before = alive[below:high], low + below, n
            undecided = sum(fine[below:high]), sum(foul[below:high])
        if rejected > self._alpha or accepted > self._beta:
            return None
        return _useful(looks, accept, _never_falling(reject), checks=checks)

    def _chances(
        self, alive: Sequence[float], *, low: int, drawn: int
    ) -> tuple[list[float], list[float]]:
        weights = [self._weights(low + place, drawn) for place in range(len(alive))]
        fine = [share * weight for share, (weight, _) in zip(alive, weights, strict=True)]
        foul = [share * weight for share, (_, weight) in zip(alive, weights, strict=True)]
        return fine, foul


def _wave(size: int, *, share: float) -> list[float]:
    """The chances of 0, 1, 2 ... bad leads in a wave, as far as they matter."""
    chances: list[float] = []
    while len(chances) <= size and sum(chances) < 1 - _NEGLIGIBLE:
        chances.append(binomial_pmf(len(chances), share=share, drawn=size))
    return chances


def _convolved(alive: Sequence[float], wave: Sequence[float]) -> list[float]:
    sums = [0.0] * (len(alive) + len(wave) - 1)
    for place, chance in enumerate(alive):
        for more, step in enumerate(wave, start=place):
            sums[more] += chance * step
    return sums


def _spend(masses: Iterable[float], *, spent: float, budget: float) -> tuple[int, float]:
    """How many of the masses, from the first on, the budget allows, and what is spent then."""
    count = 0
    for mass in masses:
        if spent + mass > budget:
            break
        count, spent = count + 1, spent + mass
    return count, spent


def _useful(
    looks: Sequence[int], accept: Sequence[int], reject: Sequence[int], *, checks: float
) -> _Draft:
    """The draft without the looks at which no lot can be decided that would not be at the next."""
    kept = [
        place
        for place, n in enumerate(looks)
        if place == 0
        or accept[place] > accept[place - 1]
        or n == looks[-1]
        or reject[place] < reject[place + 1]
    ]
    looks, accept, reject = (
        tuple(numbers[place] for place in kept) for numbers in (looks, accept, reject)
    )
    return _Draft(looks, accept, reject, checks)


def _never_falling(reject: Sequence[int]) -> tuple[int, ...]:
    """Lowered to what comes after: bad leads that reject at the coming look reject at once."""
    return tuple(accumulate(reversed(reject), min))[::-1]
